"""The recipes of kind "hgfm", which make a base, and "hgfm-table", which make a table of the paper. No torch."""

from dataclasses import dataclass, field
from enum import StrEnum

from engine.errors import RecipeError
from engine.metalearning.corpora import CORPORA, EMOTIONS
from engine.metalearning.recipe import BaseSection, DataSection, check_start
from engine.systems.catalogue import CATALOGUE

FOUR_EMOTIONS = ("anger", "happiness", "neutral", "sadness")  # section III.A: those that all of the corpora have
DOWNSTREAM = ("hgfm", "fcn", "cnn-attention")  # Table I
TRAINED = CATALOGUE["hgfm"].trained


class Upstream(StrEnum):
    """What is trained of the encoder (Table II): nothing, its context network (eq. 2), or its convolutions too."""

    FROZEN = "frozen"
    CONTEXT = "context"
    FULL = "full"


@dataclass(frozen=True)
class ModelSection:
    """[model]: L of eq. 3 and h1 of eq. 4, which the paper leaves open; dropout, which it does not have."""

    projected: int = 256
    state: int = 128
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if min(self.projected, self.state) < 1 or not 0 <= self.dropout < 1:
            raise RecipeError("[model] makes no sense.", "projected and state of 1 or more, dropout under 1.")


@dataclass(frozen=True)
class TrainingSection:
    """[training]: first the downstream model alone on frames that are kept, then the upstream with it.

    epochs: of the downstream model alone; tuned_epochs: of both, where the upstream is not frozen. batch: clips a
    step; longest_s: of a clip's piece that is heard in a step. augmented: altered copies of every clip that the
    frozen upstream's frames are kept of. masks: SpecAugment where the upstream is tuned.
    """

    upstream: Upstream = Upstream.FROZEN
    epochs: int = 10
    tuned_epochs: int = 0
    learning_rate: float = 2e-4  # section III.B
    backbone_learning_rate: float = 1e-5  # 2e-4 destroys a whole encoder
    weight_decay: float = 0.01
    batch: int = 32
    longest_s: float = 4.0
    augmented: int = 0
    masks: bool = False

    def __post_init__(self) -> None:
        if min(self.epochs, self.tuned_epochs) < 0 or self.epochs + self.tuned_epochs < 1 or self.batch < 1:
            raise RecipeError("[training] has nothing to do.", "epochs or tuned_epochs of 1 or more, and a batch.")
        if (self.upstream is Upstream.FROZEN) != (self.tuned_epochs == 0):
            raise RecipeError(
                "[training]: tuned_epochs are those in which the upstream is trained too.",
                'Leave them out, or write upstream = "context" or "full" beside them.',
            )
        if not 0 < self.learning_rate < 1 or not 0 < self.backbone_learning_rate < 1:
            raise RecipeError("[training]: a learning rate makes no sense.", "Try 2e-4, and 1e-5 for the backbone.")
        if self.longest_s < 0.1 or not 0 <= self.augmented <= 100 or self.weight_decay < 0:
            raise RecipeError(
                "[training] makes no sense.",
                "longest_s of 0.1 or more, augmented of 0 to 100, weight_decay not below 0.",
            )


@dataclass(frozen=True)
class AdaptationSection:
    """[adaptation]: what the base recommends to who adapts it. episodes: in how many that is tried in the end, on each
    validation corpus."""

    steps: int = 100
    learning_rate: float = 2e-4
    trained: str = "extractor"
    episodes: int = 20

    def __post_init__(self) -> None:
        if self.trained not in TRAINED:
            raise RecipeError(f"[adaptation] does not know '{self.trained}'.", f"Use {' or '.join(TRAINED)}.")
        if min(self.steps, self.episodes) < 0 or not 0 < self.learning_rate < 1:
            raise RecipeError("[adaptation] makes no sense.", "steps and episodes of 0 or more, a rate like 2e-4.")


@dataclass(frozen=True)
class HgfmRecipe:
    """kind = "hgfm". labels: the emotions that are told apart in training, in the common vocabulary."""

    kind: str
    name: str
    data: DataSection
    seed: int = 0
    labels: tuple[str, ...] = FOUR_EMOTIONS
    read_layers: tuple[int, ...] = (2, 3)
    base: BaseSection = field(default_factory=BaseSection)
    model: ModelSection = field(default_factory=ModelSection)
    training: TrainingSection = field(default_factory=TrainingSection)
    adaptation: AdaptationSection = field(default_factory=AdaptationSection)

    def __post_init__(self) -> None:
        check_start(self.seed, self.read_layers)
        check_labels(self.labels)


def check_labels(labels: tuple[str, ...]) -> None:
    """RecipeError unless they are two emotions or more of the common vocabulary."""
    unknown = [label for label in labels if label not in EMOTIONS]
    if unknown:
        raise RecipeError(f"There is no emotion '{unknown[0]}'.", f"Use some of {', '.join(EMOTIONS)}.")
    if len(set(labels)) < 2 or len(set(labels)) < len(labels):
        raise RecipeError("labels must be two emotions or more, each once.", f"Try {list(FOUR_EMOTIONS)}.")


class Split(StrEnum):
    """How clips are shared out: whole speakers, or clips as they come, as in the paper."""

    SPEAKERS = "speakers"
    RANDOM = "random"


@dataclass(frozen=True)
class TableDataSection:
    """[data] of a table: what is trained and tested on.

    parts: in how many the mixed data is cut by `split`; tested: how many of these are tested, each by a training on
    the others. targets: in place of that, each of these corpora is tested by a training on all the others. asked: of
    the labels, those that are tested (empty: all). most_clips: of every corpus, drawn at random (0: all).
    """

    corpora: tuple[str, ...]
    labels: tuple[str, ...] = FOUR_EMOTIONS
    split: Split = Split.SPEAKERS
    parts: int = 5
    tested: int = 5
    targets: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    most_clips: int = 0

    def __post_init__(self) -> None:
        check_labels(self.labels)
        unknown = [name for name in self.corpora if name not in CORPORA]
        if unknown:
            raise RecipeError(f"[data] names the unknown corpus '{unknown[0]}'.", f"Known: {', '.join(CORPORA)}.")
        if not set(self.targets) <= set(self.corpora) or (self.targets and len(self.corpora) < 2):
            raise RecipeError("[data]: targets are some of the corpora, and others are left.", "Name them in both.")
        if not set(self.asked) <= set(self.labels) or len(self.asked) == 1:
            raise RecipeError("[data]: asked are some of the labels, two or more.", "Leave it out to ask all.")
        if self.parts < 2 or not 1 <= self.tested <= self.parts or self.most_clips < 0:
            raise RecipeError("[data]: parts of 2 or more, of which 1 or more are tested.", "Try 5 and 5.")


@dataclass(frozen=True)
class RowSection:
    """[[rows]]: fbank, mfcc or an encoder (as in [base], or "start", the one there); what is on it, and how trained.

    paper: its WA, UA and F1 in the paper, in percent; none where the row is not the paper's.
    """

    title: str
    upstream: str = "start"
    downstream: str = "hgfm"
    trained: Upstream = Upstream.FROZEN
    read_layers: tuple[int, ...] = ()
    paper: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.downstream not in DOWNSTREAM:
            raise RecipeError(f"There is no downstream model '{self.downstream}'.", f"Use {', '.join(DOWNSTREAM)}.")
        if len(self.paper) not in (0, 3):
            raise RecipeError(f"[[rows]] '{self.title}': paper has three figures, or none.", "Write WA, UA and F1.")


@dataclass(frozen=True)
class HgfmTableRecipe:
    """kind = "hgfm-table": a table of the paper.

    tuned_epochs: of rows whose upstream is trained, after `training.epochs` of the downstream model alone.
    """

    kind: str
    name: str
    title: str
    data: TableDataSection
    rows: tuple[RowSection, ...]
    seed: int = 0
    tuned_epochs: int = 1
    read_layers: tuple[int, ...] = (2, 3)
    base: BaseSection = field(default_factory=BaseSection)
    model: ModelSection = field(default_factory=ModelSection)
    training: TrainingSection = field(default_factory=TrainingSection)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_start(self.seed, [*self.read_layers, *(layer for row in self.rows for layer in row.read_layers)])
        if not self.rows or self.training.upstream is not Upstream.FROZEN:
            raise RecipeError("A table has rows, and each says what is trained of its upstream.", "Write [[rows]].")
        if self.tuned_epochs < 1 and any(row.trained is not Upstream.FROZEN for row in self.rows):
            raise RecipeError("A row is fine-tuned, for no epoch.", "Write tuned_epochs = 1 or more.")
