"""The recipes of kind "multigate" and "multigate-table". No torch."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from engine.errors import RecipeError
from engine.metalearning.corpora import CORPORA
from engine.metalearning.recipe import DataSection

VARIANTS = ("base", "shared-bottom", "omoe", "mmoe", "ours")
_OF_ONE_KIND = ("ge2e", "byola")  # streams whose weights can lie in a folder: ge2e:FOLDER


def stream_name(source: str) -> str:
    """What the stream is called that `source` opens: byola, or its folder's own name, wherever that lies.

    Names go into cards and models that are passed on, and the user's paths do not concern anybody.
    """
    kind, _, rest = source.partition(":")
    return kind if kind in _OF_ONE_KIND else Path(rest or source).name


@dataclass(frozen=True)
class StreamsSection:
    """[streams]: which features there are, by the names that `streams.open_stream` knows, and what the gates look at.

    A model that recognises phones is hf:FOLDER; the general audio embedding byola:FOLDER, and byola as the selector.
    augmented: altered copies of every clip that are kept beside the clean one.
    """

    names: tuple[str, ...] = ("mfcc", "compact", "ge2e")
    selector: str = "ge2e"
    augmented: int = 1

    def __post_init__(self) -> None:
        own = [stream_name(name) for name in self.names]
        object.__setattr__(self, "selector", stream_name(self.selector))
        if len(set(own)) != len(own) or self.selector not in own:
            raise RecipeError(
                "[streams] makes no sense.", "Name each stream once, and among them the one that is the selector."
            )
        if not 0 <= self.augmented <= 100:
            raise RecipeError(f"[streams] cannot hold {self.augmented} copies of a clip.", "Use 0 to 100.")


@dataclass(frozen=True)
class NetworkSection:
    """[network]: sizes (section 5.1). kernels, lstm and attention are those of a pre-trained stream; MFCCs have half
    of the kernels and of the LSTM, in two layers. auxiliary: alpha, the weight of the contrastive loss; 0 leaves it
    out.
    """

    variant: str = "ours"
    size: int = 128
    tower: int = 256
    kernels: int = 64
    lstm: int = 128
    attention: int = 256
    dropout: float = 0.1
    auxiliary: float = 0.1

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise RecipeError(f"[network] has no variant '{self.variant}'.", f"Use one of {', '.join(VARIANTS)}.")
        sizes = (self.size, self.tower, self.kernels // 2, self.lstm // 2, self.attention)
        if min(sizes) < 1 or not 0 <= self.dropout < 1 or self.auxiliary < 0:
            raise RecipeError("[network] makes no sense.", "Sizes of 2 or more, dropout under 1.")


@dataclass(frozen=True)
class TrainingSection:
    """[training]: AdamW over `epochs` passes, in balanced batches of one language. averaging: of the weights, 0 for
    none (as in the paper). shortest_s, longest_s: of a clip's piece."""

    epochs: int = 20
    learning_rate: float = 1e-3
    weight_decay: float = 1e-5
    batch: int = 64
    shortest_s: float = 2.0
    longest_s: float = 3.0
    averaging: float = 0.0
    checkpoint_steps: int = 200

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 4 or self.checkpoint_steps < 1 or not 0 <= self.averaging < 1:
            raise RecipeError("[training] makes no sense.", "epochs of 1 or more, a batch of 4 or more.")
        if not 0.1 <= self.shortest_s <= self.longest_s:
            raise RecipeError("[training] makes no sense.", "0.1 <= shortest_s <= longest_s.")
        if not 0 < self.learning_rate < 1:
            raise RecipeError(f"A learning rate of {self.learning_rate} makes no sense.", "Try 1e-3.")
        if self.weight_decay < 0:
            raise RecipeError(f"A weight_decay of {self.weight_decay} makes no sense.", "Use 0 or more; try 1e-5.")


@dataclass(frozen=True)
class MultiGateRecipe:
    """kind = "multigate": every corpus of [data] is a language. validation_episodes: on each validation corpus, in the
    end."""

    kind: str
    name: str
    data: DataSection
    seed: int = 0
    validation_episodes: int = 20
    streams: StreamsSection = field(default_factory=StreamsSection)
    network: NetworkSection = field(default_factory=NetworkSection)
    training: TrainingSection = field(default_factory=TrainingSection)

    def __post_init__(self) -> None:
        if min(self.seed, self.validation_episodes) < 0:
            raise RecipeError("A number at the top is too small.", "seed and validation_episodes of 0 or more.")


class Split(StrEnum):
    """What is held out of each corpus. RANDOM is the paper's: 20 of 100 clips, whose speakers are trained on."""

    SPEAKERS = "speakers"
    RANDOM = "random"


class Comparison(StrEnum):
    """The rows of a table: VARIANTS on all languages at once (Table 3), or one language at a time with and without
    the AUXILIARY loss (Table 4)."""

    VARIANTS = "variants"
    AUXILIARY = "auxiliary"


@dataclass(frozen=True)
class MeasureSection:
    """[measure]: `runs` trainings of each row, a seed each. paper: UA and WA of each corpus in turn, row by row, nan
    where the paper has none."""

    corpora: tuple[str, ...]
    compared: Comparison
    paper: tuple[tuple[float, ...], ...]
    split: Split = Split.SPEAKERS
    runs: int = 3
    held_out: float = 0.2

    def __post_init__(self) -> None:
        unknown = [name for name in self.corpora if name not in CORPORA]
        if unknown:
            raise RecipeError(f"[measure] names the unknown corpus '{unknown[0]}'.", f"Known: {', '.join(CORPORA)}.")
        if not self.corpora or self.runs < 1 or not 0 < self.held_out < 1:
            raise RecipeError("[measure] makes no sense.", "A corpus, a run, and a share to hold out in 0 to 1.")
        rows = len(VARIANTS) if self.compared is Comparison.VARIANTS else 2
        if len(self.paper) != rows or any(len(row) != 2 * len(self.corpora) for row in self.paper):
            raise RecipeError(
                f"[measure]: paper is not a table of {rows} rows and {2 * len(self.corpora)} columns.",
                "Write nan where it has no figure.",
            )


@dataclass(frozen=True)
class MultiGateTableRecipe:
    """kind = "multigate-table": Table 3 or 4 of the paper."""

    kind: str
    table: int
    title: str
    measure: MeasureSection
    streams: StreamsSection = field(default_factory=StreamsSection)
    network: NetworkSection = field(default_factory=NetworkSection)
    training: TrainingSection = field(default_factory=TrainingSection)
