"""A published alternative that takes no time: nearest mean on the base's own embeddings, as a last layer."""

from collections.abc import Iterator, Sequence

import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, Remark, StepTaken
from engine.adaptation.clips import embed_whole, prepare
from engine.adaptation.tuned_copy import shared_copy
from engine.base_folder import Base
from engine.heads import last_layer
from engine.systems import catalogue


def fake_adapt(
    base: Base,
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    settings: AdaptationSettings,
    device: torch.device,
) -> Iterator[StepTaken | Remark | Adapted]:
    """Says something once, takes its steps, and answers by Euclidean nearest mean."""
    yield Remark("This is no real system.", "Use a real one.")
    encoder = shared_copy(base.encoder, device)
    for step in range(1, settings.steps + 1):
        yield StepTaken(step, settings.steps, 1.0 / step)
    embeddings = embed_whole(encoder, prepare(encoder, clips))
    own = torch.tensor([clip.label for clip in clips], device=device)
    means = torch.stack([embeddings[own == label].mean(0) for label in range(len(labels))])
    yield Adapted(encoder, last_layer(means, -0.5 * means.square().sum(1)), None, settings, 1.0 / settings.steps)


def use_fake_systems(patch: pytest.MonkeyPatch, broken: str = "") -> None:
    """Every system is `fake_adapt`, but for the one called `broken`, which is a mistake of ours."""

    def adapt_of(system: str) -> object:
        if system == broken:
            raise ModuleNotFoundError(f"No module named 'engine.systems.{system}.adapt'")
        return fake_adapt

    patch.setattr(catalogue, "adapt_of", adapt_of)
