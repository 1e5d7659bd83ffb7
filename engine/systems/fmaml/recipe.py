"""The recipe of kind "fmaml". No torch."""

from dataclasses import dataclass, field
from enum import StrEnum

from engine.errors import RecipeError
from engine.metalearning.corpora import CORPORA
from engine.metalearning.recipe import DataSection

_ROWS = 3  # supervised, MAML, F-MAML


class Order(StrEnum):
    """Of the meta-gradient: through the gradients of the inner steps (MAML), or not (first-order MAML)."""

    FIRST = "first"
    SECOND = "second"


@dataclass(frozen=True)
class TasksSection:
    """[tasks]: N+F-way K-shot (section 3.2). `ways`: emotions at most; `queries` a label; `crop_s` of longer clips.

    fixed: silence and neutral have outputs of their own and are never in the support (F-MAML); if not, they are
    labels like all others (plain MAML, the paper's MetaSER).
    """

    ways: int = 5
    shots: int = 5
    queries: int = 5
    crop_s: float = 3.0
    fixed: bool = True

    def __post_init__(self) -> None:
        if self.ways < 2 or self.shots < 1 or self.queries < 1:
            raise RecipeError("[tasks] needs 2 ways, 1 shot and 1 query at least.", "Use larger numbers.")
        if self.crop_s < 0.1:
            raise RecipeError(f"[tasks]: clips of {self.crop_s} s make no sense.", "The paper's have 3 to 4 s.")


@dataclass(frozen=True)
class MfccSection:
    """[mfcc]: section 4.2. normalised: to mean 0 and deviation 1 over each clip. silence: clips made a corpus."""

    coefficients: int = 40
    normalised: bool = True
    silence: int = 200

    def __post_init__(self) -> None:
        if self.coefficients < 8 or self.silence < 1:
            raise RecipeError("[mfcc] makes no sense.", "coefficients of 8 or more, 1 clip of silence or more.")


@dataclass(frozen=True)
class MamlSection:
    """[maml]: `inner_rate` is the paper's alpha, `outer_rate` its beta; `tasks_per_step` make one step of Adam.

    filters: of each convolutional block.
    """

    inner_steps: int = 5
    inner_rate: float = 0.1
    outer_rate: float = 1e-3
    tasks_per_step: int = 4
    steps: int = 400
    order: Order = Order.FIRST
    filters: int = 64
    checkpoint_steps: int = 10

    def __post_init__(self) -> None:
        if min(self.inner_steps, self.tasks_per_step, self.steps, self.filters, self.checkpoint_steps) < 1:
            raise RecipeError("[maml] counts something below 1.", "Use positive numbers.")
        for name, rate in (("inner_rate", self.inner_rate), ("outer_rate", self.outer_rate)):
            if not 0 < rate < 1:
                raise RecipeError(f"[maml]: {name} cannot be {rate}.", "The paper's are 0.1 and 0.001.")


@dataclass(frozen=True)
class FmamlRecipe:
    """Everything that decides a training of F-MAML. `validation_tasks`: on each validation corpus, in the end."""

    kind: str
    name: str
    data: DataSection
    seed: int = 0
    validation_tasks: int = 100
    mfcc: MfccSection = field(default_factory=MfccSection)
    tasks: TasksSection = field(default_factory=TasksSection)
    maml: MamlSection = field(default_factory=MamlSection)

    def __post_init__(self) -> None:
        if self.seed < 0 or self.validation_tasks < 1:
            raise RecipeError("A number at the top is too small.", "seed of 0 or more, validation_tasks of 1 or more.")


@dataclass(frozen=True)
class FmamlTableRecipe:
    """kind = "fmaml-table": one of the paper's tables.

    training: the recipe whose settings the networks are trained with, a file beside this one or bundled; each target's
    network on its corpora without the target. targets: the corpora that take turns as the new language. tests: random
    ones of each (the paper's 100); queries a label (25); crop_s: of longer clips, for the paper's have 3 to 4 s.
    supervised_steps: of Adam at 0.001, each on 16 clips, for the network that learns the support from nothing.
    paper: a list a row (supervised, MAML, F-MAML), one figure a target, nan where it has none.
    """

    kind: str
    table: int
    title: str
    training: str
    targets: tuple[str, ...]
    paper: tuple[tuple[float, ...], ...]
    shots: int = 5
    queries: int = 25
    tests: int = 100
    crop_s: float = 4.0
    supervised_steps: int = 50

    @property
    def name(self) -> str:
        return f"fmaml-table{self.table}"

    @property
    def table_name(self) -> str:
        return f"F-MAML, table {self.table}"

    def __post_init__(self) -> None:
        if not self.targets or min(self.shots, self.queries, self.tests, self.supervised_steps) < 1:
            raise RecipeError("The table measures nothing.", "Name targets, and count from 1.")
        unknown = [name for name in self.targets if name not in CORPORA]
        if unknown:
            raise RecipeError(f"There is no corpus '{unknown[0]}' to test on.", f"Known: {', '.join(CORPORA)}.")
        if len(self.paper) != _ROWS or any(len(row) != len(self.targets) for row in self.paper):
            raise RecipeError(f"paper needs {_ROWS} lists of {len(self.targets)} figures.", "Write nan for none.")
