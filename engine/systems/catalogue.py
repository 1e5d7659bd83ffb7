"""What the published alternatives are called, and where their code is. No torch here: menus need it at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine.choices import SYSTEMS, Recommended
from engine.late_import import import_place

if TYPE_CHECKING:
    import torch

    from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, Remark, StepTaken
    from engine.base_folder import Base


class Adapt(Protocol):
    """Adapt a copy of `base` to `clips`, on `device`; the last event is `Adapted`. Raises LabellingError, BaseError."""

    def __call__(
        self,
        base: "Base",
        clips: "Sequence[LabelledClip]",
        labels: Sequence[str],
        settings: "AdaptationSettings",
        device: "torch.device",
    ) -> "Iterator[StepTaken | Remark | Adapted]": ...


@dataclass(frozen=True)
class System:
    """title, source: its name and its paper. recommended: how it is adapted unless its base says otherwise.

    any_backbone: whether it can be put on the backbone of any base; else it is adapted from its own base alone.
    trained: what a menu offers to train, of `engine.choices.TRAINED`.
    """

    title: str
    summary: str
    source: str
    recommended: Recommended
    any_backbone: bool = False
    trained: tuple[str, ...] = ("extractor",)


CATALOGUE: dict[str, System] = {
    "hgfm": System(
        "XLSR-HGFM",
        "Reads speech in one direction and the other, and looks for the moments that tell.",
        "Zhang et al., A Multilingual Framework Based on Pre-training Model for Speech Emotion Recognition",
        Recommended("hgfm", steps=60, learning_rate=2e-4, head="linear", trained="extractor"),
        any_backbone=True,
        trained=("extractor", "all"),
    ),
    "multigate": System(
        "Multi-gating with architecture search",
        "Hears several kinds of features at once, and lets each language choose among them.",
        "Wang et al., Multilingual Speech Emotion Recognition With Multi-Gating Mechanism and Neural Architecture "
        "Search",
        Recommended("multigate", steps=30, learning_rate=1e-3, head="linear", trained="extractor"),
        trained=("extractor", "all"),
    ),
    "fmaml": System(
        "F-MAML",
        "A small network that has practised learning from few clips, and learns yours in a few steps.",
        "Naman et al., Fixed-MAML for Few Shot Classification in Multilingual Speech Emotion Recognition",
        Recommended("fmaml", steps=5, learning_rate=0.1, head="linear", trained="extractor"),
    ),
}
assert tuple(CATALOGUE) == SYSTEMS


def adapt_of(system: str) -> Adapt:
    """The function that adapts by `system`, one of SYSTEMS."""
    adapt: Adapt = import_place(f"engine.systems.{system}.adapt:adapt")
    return adapt
