"""Adaptation, whatever the method: fall back where a method cannot work, tune, and fit the head."""

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from engine.adaptation.clips import LabelledClip, PreparedClip, check_labels, embed_whole, prepare
from engine.adaptation.disjoint import disjoint_draw
from engine.adaptation.fine_tuning import DrawEpisode, fine_tune
from engine.adaptation.pmf import pmf_draw
from engine.adaptation.settings import AdaptationSettings, Remark, StepTaken
from engine.bases import Base
from engine.choices import HEADS
from engine.encoder import EmotionEncoder
from engine.heads import Head, fit_head
from engine.heads.fit import degenerates
from engine.heads.speakers import SpeakerOffsets, fit_speaker_offsets, neutral_label

MOST_STEPS_WITHOUT_SPLIT = 5  # with one clip a label, more steps learn the clips by heart


@dataclass(frozen=True)
class Adapted:
    """The result: a tuned copy of the base's encoder and the head of all clips. The base is untouched.

    `speakers`: what was taken away from the voices that are known, if that was asked for.
    """

    encoder: EmotionEncoder
    head: Head
    speakers: SpeakerOffsets | None
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
    if settings.tunes:
        for taken in fine_tune(encoder, prepared, settings, draw_for(prepared, settings), base):
            loss = taken.loss
            yield taken
    targets = torch.tensor([clip.label for clip in clips], device=encoder.device)
    embeddings = embed_whole(encoder, prepared)
    voices = None
    if settings.speaker_mean:
        names = [clip.speaker for clip in clips]
        voices = fit_speaker_offsets(embeddings, targets, names, len(labels), neutral_label(labels))
        embeddings = voices.subtract(embeddings, names)
    head = fit_head(
        settings.head_kind,
        embeddings,
        targets,
        len(labels),
        standardised=base.standardised,
        cosine_scale=base.cosine_scale,
    )
    yield Adapted(encoder, head, voices, settings, loss)


def draw_for(clips: Sequence[PreparedClip], settings: AdaptationSettings) -> DrawEpisode:
    """How the method draws inner episodes from `clips`."""
    return (disjoint_draw if settings.method == "disjoint" else pmf_draw)(clips, settings)


def _possible(clips: Sequence[LabelledClip], settings: AdaptationSettings) -> tuple[AdaptationSettings, list[Remark]]:
    """The nearest settings that work with these clips, and what to tell the user of the difference."""
    remarks: list[Remark] = []
    counts = Counter(clip.label for clip in clips)
    if degenerates(settings.head_kind, list(counts.values())):
        remarks.append(
            Remark(
                f"With one clip a label '{settings.head_kind}' has too little to go by: prototypes instead.",
                "Label a second clip of each emotion.",
            )
        )
        settings = replace(settings, method=settings.method if settings.tunes else HEADS[0], head=HEADS[0])
    split = settings.tunes and settings.method == "disjoint"
    if split and max(counts.values()) == 1:
        steps = min(settings.steps, MOST_STEPS_WITHOUT_SPLIT)
        remarks.append(
            Remark(
                f"With one clip a label no disjoint split is possible: adapting by pmf, {steps} steps.",
                "Label a second clip of each emotion.",
            )
        )
        settings = replace(settings, method="pmf", steps=steps)
    elif split and min(counts.values()) == 1:
        single = sum(count == 1 for count in counts.values())
        remarks.append(
            Remark(
                f"Labels with a single clip: {single}. That clip serves as example and as test at once.",
                "A second clip of each makes the model better.",
            )
        )
    if settings.speaker_mean and not any(clip.speaker for clip in clips):
        remarks.append(Remark("No speaker is named, so no voice can be taken away.", "Name the speaker of each clip."))
    return settings, remarks
