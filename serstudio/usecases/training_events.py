"""What an engine's training tells, as a use-case's events."""

from engine.metalearning.events import TrainingProgress, TrainingRemark
from serstudio.usecases.events import Progress, Warned


def as_event(told: TrainingProgress | TrainingRemark) -> Progress | Warned:
    """The event for the user."""
    if isinstance(told, TrainingRemark):
        return Warned(told.message, told.hint)
    return Progress(told.step, told.steps or None, told.message, told.loss, told.remaining_s)
