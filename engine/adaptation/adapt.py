"""Adaptation, whatever the method: tune, and fit the head."""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from engine.adaptation.adapted import Adapted
from engine.adaptation.clips import LabelledClip, PreparedClip, check_labels, embed_whole, prepare
from engine.adaptation.disjoint import disjoint_draw
from engine.adaptation.fine_tuning import DrawEpisode, fine_tune
from engine.adaptation.pmf import pmf_draw
from engine.adaptation.possible import possible_settings
from engine.adaptation.settings import AdaptationSettings, Remark, StepTaken
from engine.adaptation.thrift import Ladder, Thrift, TooLittleError
from engine.adaptation.tuned_copy import Added, copy_for_tuning, shared_copy
from engine.bases import Base
from engine.device import is_lacking
from engine.encoder import EmotionEncoder
from engine.errors import LabellingError
from engine.heads import Head, fit_head
from engine.heads.speakers import SpeakerOffsets, fit_speaker_offsets, neutral_label
from engine.out_of_memory import ran_out_of_memory
from engine.systems import catalogue


def adapt(
    base: Base,
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    settings: AdaptationSettings,
    device: torch.device | None = None,
) -> Iterator[StepTaken | Remark | Adapted]:
    """Adapt a copy of `base` to `clips`, on `device` (None: where the base is); the last event is `Adapted`.

    Where memory runs out it starts again, thriftier and at last on the processor, with a `Remark`. Raises
    LabellingError, also where the loss or the head is no longer finite, and MemoryShortError where none of that does.
    """
    check_labels([clip.label for clip in clips], labels)
    if not settings.is_system:
        settings, remarks = possible_settings(base, clips, labels, settings)
        yield from remarks
    ladder = Ladder(device or base.encoder.device)
    while True:
        try:
            for event in _attempt(base, clips, labels, settings, ladder):
                _check_finite(event)
                yield event
            return
        except (RuntimeError, MemoryError, TypeError) as error:
            ran_out = ran_out_of_memory(error)
            if not ran_out and not is_lacking(ladder.place, error):
                raise
            hopeless = not ran_out or isinstance(error, TooLittleError)
        # outside of the clause: the error holds on to what the attempt took
        yield ladder.leave() if hopeless or settings.is_system else ladder.descend(tunes=settings.tunes)


def _check_finite(event: StepTaken | Remark | Adapted) -> None:
    """LabellingError where tuning has run off into what is no number: a model of that could not be opened."""
    mend = "Lower the learning rate, and leave out clips whose samples are not between -1 and 1."
    if isinstance(event, StepTaken) and not math.isfinite(event.loss):
        raise LabellingError(f"The loss is no longer a number at step {event.step}.", mend)
    if isinstance(event, Adapted) and not event.head.is_finite:
        raise LabellingError("Adapting has come to values that are not numbers.", mend)


def _attempt(
    base: Base,
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    settings: AdaptationSettings,
    ladder: Ladder,
) -> Iterator[StepTaken | Remark | Adapted]:
    """The whole of it, at the place and as thriftily as `ladder` says. Raises whatever an allocator raises."""
    if settings.is_system:
        yield from catalogue.adapt_of(settings.method)(base, clips, labels, settings, ladder.place)
        return
    loss, added = None, Added(None, None)
    if settings.tunes:
        tuned = copy_for_tuning(base.encoder, settings.trained, settings.seed, ladder.place)
        encoder = tuned.encoder
        prepared = prepare(encoder, clips)
        remark = ladder.fit(tuned, prepared, settings)
        if remark is not None:
            yield remark
        in_parts = ladder.thrift.most_clips is not None
        draw = draw_for(prepared, settings)
        for taken in fine_tune(tuned, prepared, settings, draw, base, in_parts=in_parts):
            loss = taken.loss
            yield taken
        Thrift.end(tuned)
        added = tuned.finish()
    else:
        encoder = shared_copy(base.encoder, ladder.place)
        prepared = prepare(encoder, clips)
    head, voices = _fit(base, encoder, prepared, clips, labels, settings, added.projection)
    yield Adapted(encoder, head, voices, settings, loss, added.lora)


def _fit(
    base: Base,
    encoder: EmotionEncoder,
    prepared: Sequence[PreparedClip],
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    settings: AdaptationSettings,
    projection: Tensor | None,
) -> tuple[Head, SpeakerOffsets | None]:
    """The head of all clips, after the `projection` that was tuned, and the voices that were taken away before."""
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
        blocks=encoder.extractor.blocks,
        cosine_scale=base.cosine_scale,
        known=base.known_by_name(labels),
        projection=projection,
    )
    return head, voices


def draw_for(clips: Sequence[PreparedClip], settings: AdaptationSettings) -> DrawEpisode:
    """How the method draws inner episodes from `clips`."""
    return (disjoint_draw if settings.method == "disjoint" else pmf_draw)(clips, settings)
