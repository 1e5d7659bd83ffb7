"""What a user may choose about an adaptation, and what it reports while it runs."""

from dataclasses import dataclass, field

from engine.choices import HEADS, METHODS, SYSTEMS, TRAINED, TUNING_METHODS, TUNING_PRECISIONS, Recommended
from engine.errors import LabellingError
from engine.specaugment import SpecAugment
from engine.systems.catalogue import CATALOGUE

LAST_LAYER = "linear"  # the head of a system: the last layer of its network, trained with the rest


@dataclass(frozen=True)
class AdaptationSettings:
    """Defaults are the main paper's choice (Tables 8 and 9): 25 steps of Adam at 1e-5, 2 of 5 as inner support.

    `head` sits on a tuned encoder; a method that tunes nothing is itself the name of a head. `speaker_mean`:
    whether each known speaker's mean embedding is taken away (`engine.heads.speakers`). `views`: under how many
    masks a window goes through layers that are not tuned, once each. `precision`: of the tuning's products.
    """

    method: str = TUNING_METHODS[0]
    steps: int = 25
    learning_rate: float = 1e-5
    seed: int = 0
    head: str = HEADS[0]
    trained: str = TRAINED[0]
    speaker_mean: bool = False
    inner_support_share: float = 0.4
    most_clips_per_label: int = 5  # in one step; every clip still takes its turn
    augment: SpecAugment = field(default_factory=SpecAugment)
    views: int = 8
    precision: str = TUNING_PRECISIONS[0]

    def __post_init__(self) -> None:
        for what, value, known in (
            ("method", self.method, METHODS),
            ("head", self.head, (*HEADS, LAST_LAYER)),
            ("choice of what is trained", self.trained, TRAINED),
            ("precision to tune in", self.precision, TUNING_PRECISIONS),
        ):
            if value not in known:
                raise LabellingError(f"There is no {what} called '{value}'.", f"Use one of {', '.join(known)}.")
        if self.steps < 0:
            raise LabellingError(f"{self.steps} steps make no sense.", "Use 0 or more.")
        if not 0 < self.learning_rate < 1:
            raise LabellingError(f"A learning rate of {self.learning_rate} makes no sense.", "Try 1e-5.")

    @property
    def is_system(self) -> bool:
        """Whether the method is a published alternative, with a network and an adaptation of its own."""
        return self.method in SYSTEMS

    @property
    def tunes(self) -> bool:
        """Whether the encoder is tuned at all."""
        return self.is_system or (self.method in TUNING_METHODS and self.steps > 0)

    @property
    def head_kind(self) -> str:
        """The kind of head that is fitted in the end."""
        if self.is_system:
            return LAST_LAYER
        return self.head if self.method in TUNING_METHODS else self.method


def resolve_settings(
    recommended: Recommended,
    *,
    method: str | None = None,
    steps: int | None = None,
    learning_rate: float | None = None,
    head: str | None = None,
    trained: str | None = None,
    speaker_mean: bool | None = None,
    seed: int = 0,
    precision: str = TUNING_PRECISIONS[0],
) -> AdaptationSettings:
    """What the user chose, and where he chose nothing (None) what the base recommends.

    Who names a head and no method, where the base tunes nothing, means that head; who says how to tune, means
    to tune. Raises LabellingError on what makes no sense, also beside a method that is a head on a second one, or on
    how to tune.
    """
    how_to_tune = (steps, learning_rate, trained)
    if method in SYSTEMS and method != recommended.method:
        recommended = CATALOGUE[method].recommended
    elif recommended.method in SYSTEMS and method is not None and method not in SYSTEMS:
        recommended = Recommended()  # the steps, rate and head of that base are its system's
    if method is None:
        method = recommended.method
        if method in HEADS and how_to_tune != (None, None, None):
            method = TUNING_METHODS[0]
        elif method in HEADS and head is not None:
            method = head
    if method in SYSTEMS and (head is not None or speaker_mean):
        raise LabellingError(
            f"The method '{method}' has a last layer of its own, and takes no voices away.",
            "Leave the head and the speaker mean out, or use another method.",
        )
    if method in SYSTEMS and trained is not None and trained not in CATALOGUE[method].trained:
        raise LabellingError(
            f"The method '{method}' cannot train '{trained}'.", f"Use {' or '.join(CATALOGUE[method].trained)}."
        )
    if method in SYSTEMS and steps == 0:
        raise LabellingError(f"The method '{method}' needs a step at least.", "Use --steps 1 or more.")
    if method in HEADS and head not in (None, method):
        raise LabellingError(
            f"The method '{method}' is a head by itself, and '{head}' is another.",
            f"Give one of them, or a method that tunes: {', '.join(TUNING_METHODS)}.",
        )
    if method in HEADS and how_to_tune != (None, None, None):
        raise LabellingError(
            f"The method '{method}' tunes nothing, so there is no choice of steps, learning rate or what is trained.",
            f"Leave them out, or use a method that tunes: {', '.join(TUNING_METHODS)}.",
        )
    trained = recommended.trained if trained is None else trained
    return AdaptationSettings(
        method=method,
        steps=recommended.steps if steps is None else steps,
        learning_rate=recommended.rate_for(trained) if learning_rate is None else learning_rate,
        seed=seed,
        head=recommended.head if head is None else head,
        trained=trained,
        speaker_mean=recommended.speaker_mean if speaker_mean is None else speaker_mean,
        precision=precision,
    )


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
