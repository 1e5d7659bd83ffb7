"""What a user may choose about an adaptation, and what it reports while it runs."""

from dataclasses import dataclass, field

from engine.choices import METHODS
from engine.errors import LabellingError
from engine.specaugment import SpecAugment


@dataclass(frozen=True)
class AdaptationSettings:
    """Defaults are the main paper's choice (Tables 8 and 9): 25 steps of Adam at 1e-5, 2 of 5 as inner support."""

    method: str = "disjoint"
    steps: int = 25
    learning_rate: float = 1e-5
    seed: int = 0
    inner_support_share: float = 0.4
    most_clips_per_label: int = 5  # in one step; every clip still takes its turn
    augment: SpecAugment = field(default_factory=SpecAugment)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise LabellingError(f"There is no method called '{self.method}'.", f"Use one of {', '.join(METHODS)}.")
        if self.steps < 0:
            raise LabellingError(f"{self.steps} steps make no sense.", "Use 0 or more.")
        if not 0 < self.learning_rate < 1:
            raise LabellingError(f"A learning rate of {self.learning_rate} makes no sense.", "Try 1e-5.")


@dataclass(frozen=True)
class StepTaken:
    """One optimiser step is done; `loss` is its cross-entropy in nats, before the step."""

    step: int
    steps: int
    loss: float


@dataclass(frozen=True)
class Remark:
    """Something the user should know: the method had to do other than asked."""

    message: str
    hint: str = ""
