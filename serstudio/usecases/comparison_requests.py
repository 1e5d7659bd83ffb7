"""Requests that put methods side by side on a project's own labels; see `requests` for what a request is.

The user presses Compare, or types `serstudio compare`.
"""

from dataclasses import dataclass
from pathlib import Path

from engine.choices import SYSTEMS, TUNING_METHODS

# the paper's, heads alone, the published alternatives
USUAL_METHODS = (TUNING_METHODS[0], "logistic", "prototypes", *SYSTEMS)


@dataclass(frozen=True)
class CompareProject:
    """Adapt by each method in the same folds and ask about the clips held back. Done: `ProjectCompared`.

    `methods`: the first is what the others are compared with; none: what the base recommends, then USUAL_METHODS.
    Each is done as its base recommends. As soon as a method has ended, `Known` tells its `ComparedMethod`.
    """

    folder: Path
    methods: tuple[str, ...] = ()
    base: str = "compact"
    device: str = "auto"
    seed: int = 0


@dataclass(frozen=True)
class MethodDifference:
    """Accuracy less that of the first method, on the same clips, and its 95 % interval; all fractions."""

    value: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class MethodFigures:
    """Of the clips held back. `confusion[i][j]`: clips of true label i that were taken for label j."""

    accuracy: float
    interval: tuple[float, float]  # 95 %, `Checked.interval`
    unweighted_accuracy: float
    macro_f1: float
    confusion: tuple[tuple[int, ...], ...]
    adaptation_s: float  # the mean of the folds
    difference: MethodDifference | None  # None of the first method, and where that one failed


@dataclass(frozen=True)
class ComparedMethod:
    """Either `figures`, or `error` in words that say why there are none."""

    method: str
    base: str
    is_recommended: bool  # it is what the base recommends
    figures: MethodFigures | None = None
    error: str = ""
    hint: str = ""


@dataclass(frozen=True)
class ProjectCompared:
    """`methods` in the order asked for. The clips and the folds were the same for all of them."""

    scheme: str  # "leave-one-speaker-out", "speaker-folds" or "folds"
    fold_count: int
    labels: tuple[str, ...]
    clip_count: int
    speaker_count: int
    chance: float
    methods: tuple[ComparedMethod, ...]


def compared_methods(request: CompareProject, recommended: str) -> tuple[str, ...]:
    """The methods that `request` means, each once; `recommended`: the one that its base does."""
    return tuple(dict.fromkeys(request.methods or (recommended, *USUAL_METHODS)))
