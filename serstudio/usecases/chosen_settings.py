"""From what the user chose, and what the base recommends, to the engine's settings."""

from engine.adaptation import AdaptationSettings, resolve_settings
from engine.choices import Recommended
from serstudio.usecases.requests import AdaptationChoice


def chosen_settings(choice: AdaptationChoice, recommended: Recommended) -> AdaptationSettings:
    """Raises LabellingError on what makes no sense, or does not go together."""
    return resolve_settings(
        recommended,
        method=choice.method,
        steps=choice.steps,
        learning_rate=choice.learning_rate,
        head=choice.head,
        trained=choice.trained,
        speaker_mean=choice.speaker_mean,
        seed=choice.seed,
        precision=choice.precision,
    )
