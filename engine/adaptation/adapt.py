"""Adaptation, whatever the method: fall back where a method cannot work, tune, and recompute the prototypes."""

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from engine.adaptation.clips import LabelledClip, check_labels, embed_whole, prepare
from engine.adaptation.disjoint import disjoint_draw
from engine.adaptation.fine_tuning import fine_tune
from engine.adaptation.pmf import pmf_draw
from engine.adaptation.settings import AdaptationSettings, Remark, StepTaken
from engine.bases import Base
from engine.encoder import EmotionEncoder
from engine.prototypes import Prototypes, fit_prototypes

MOST_STEPS_WITHOUT_SPLIT = 5  # with one clip a label, more steps learn the clips by heart


@dataclass(frozen=True)
class Adapted:
    """The result: a tuned copy of the base's encoder and the prototypes of all clips. The base is untouched."""

    encoder: EmotionEncoder
    prototypes: Prototypes
    settings: AdaptationSettings  # what was done, which is not what was asked if there was a Remark
    final_loss: float | None


def adapt(
    base: Base, clips: Sequence[LabelledClip], labels: Sequence[str], settings: AdaptationSettings
) -> Iterator[StepTaken | Remark | Adapted]:
    """Adapt a copy of `base` (on its device) to `clips`; the last event is `Adapted`. Raises LabellingError."""
    check_labels([clip.label for clip in clips], labels)
    settings, remarks = _possible(clips, settings)
    yield from remarks
    encoder = copy.deepcopy(base.encoder)
    prepared = prepare(encoder, clips)
    loss = None
    if settings.method != "prototypes":
        draw = (disjoint_draw if settings.method == "disjoint" else pmf_draw)(prepared, settings)
        for taken in fine_tune(encoder, prepared, settings, settings.steps, draw, standardised=base.standardised):
            loss = taken.loss
            yield taken
    targets = torch.tensor([clip.label for clip in clips], device=encoder.device)
    embeddings = embed_whole(encoder, prepared)
    prototypes = fit_prototypes(embeddings, targets, len(labels), standardised=base.standardised)
    yield Adapted(encoder, prototypes, settings, loss)


def _possible(clips: Sequence[LabelledClip], settings: AdaptationSettings) -> tuple[AdaptationSettings, list[Remark]]:
    """The nearest settings that work with these clips, and what to tell the user of the difference."""
    counts = Counter(clip.label for clip in clips)
    if settings.method != "disjoint":
        return settings, []
    if max(counts.values()) > 1:
        single = sum(count == 1 for count in counts.values())
        remark = Remark(
            f"Labels with a single clip: {single}. That clip serves as example and as test at once.",
            "A second clip of each makes the model better.",
        )
        return settings, [remark] if single else []
    steps = min(settings.steps, MOST_STEPS_WITHOUT_SPLIT)
    remark = Remark(
        f"With one clip a label no disjoint split is possible: adapting by pmf, {steps} steps.",
        "Label a second clip of each emotion.",
    )
    return replace(settings, method="pmf", steps=steps), [remark]
