"""What a training run reports while it runs: frozen and picklable, whatever is trained."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TrainingProgress:
    """`step` of `steps` is done (`steps` 0: not known yet). `loss` in nats; `remaining_s` where it can be told."""

    step: int
    steps: int
    message: str
    loss: float | None = None
    remaining_s: float | None = None


@dataclass(frozen=True)
class TrainingRemark:
    """Something the user should know although the work goes on."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class Trained:
    """The last event: the base is in `folder`."""

    folder: Path


TrainingEvent = TrainingProgress | TrainingRemark | Trained


def too_long_remark(corpus: str, clips: int) -> TrainingRemark:
    """That `clips` of `corpus` are not trained on (main paper, section 4.2)."""
    return TrainingRemark(f"{corpus}: {clips} clips over 9.375 s are left out.")
