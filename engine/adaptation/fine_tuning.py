"""The loop that `disjoint` and `pmf` share: draw an inner episode, augment, cross-entropy, Adam.

Main paper, section 3.4. The encoder stays in eval mode throughout; what is random is drawn from one torch
generator, so that a seed repeats a run exactly on the CPU. Layers below those that are tuned are gone through once
a view, not once a step (`views`).
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch

from engine.adaptation.asked import Asked, InnerEpisode, LossOf, loss_in
from engine.adaptation.clips import PreparedClip, embed_whole
from engine.adaptation.drawn import Drawn, backward
from engine.adaptation.optimiser import Optimiser
from engine.adaptation.recorded import RecordedSteps, can_record
from engine.adaptation.settings import AdaptationSettings, StepTaken
from engine.adaptation.tuned_copy import TunedCopy
from engine.adaptation.views import Views, Window
from engine.base_folder import Base
from engine.heads.frame import class_means, fit_frame

DrawEpisode = Callable[[torch.Generator], InnerEpisode]


def fine_tune(
    tuned: TunedCopy,
    clips: Sequence[PreparedClip],
    settings: AdaptationSettings,
    draw: DrawEpisode,
    base: Base,
    *,
    in_parts: bool = False,
) -> Iterator[StepTaken]:
    """Train `tuned`, a copy of the encoder of `base`, in place, reporting each step. Raises LabellingError.

    in_parts: less memory, more time, the same result (`drawn.backward`). Where the backbone is checkpointing, memory
    is short, and gradients are used up one by one (`Optimiser`), unless they come in parts. Where memory is not, a
    CUDA device plays steps that are alike from a recording (`recorded`).
    """
    encoder = tuned.encoder
    generator = torch.Generator().manual_seed(settings.seed)
    labels = [clip.label for clip in clips]
    label_count = max(labels) + 1
    # centre and spread stay those of the base: moving with the batch they would cancel what is learnt
    embeddings, targets = embed_whole(encoder, clips), torch.tensor(labels, device=encoder.device)
    means = class_means(embeddings, targets, label_count)
    frame = fit_frame(
        embeddings,
        means,
        targets,
        standardised=base.standardised,
        centred=False,
        blocks=encoder.extractor.blocks,
    )
    loss_of = loss_in(frame, label_count, base.cosine_scale)
    views = Views(tuned, clips, settings) if tuned.depth else None
    is_spared = encoder.backbone.checkpointing or in_parts
    recorded = not is_spared and can_record(clips, settings, encoder.device)
    in_backward = encoder.backbone.checkpointing and not in_parts
    optimiser = Optimiser(tuned, settings.learning_rate, in_backward=in_backward, recorded=recorded)
    steps = (RecordedSteps if recorded else partial(_ToldSteps, in_parts=in_parts))(labels, loss_of, optimiser)
    for step in range(1, settings.steps + 1):
        episode = draw(generator)
        drawn = _draw(tuned, clips, episode, settings, views, generator)
        yield StepTaken(step, settings.steps, steps.take(drawn, episode))
    optimiser.finish()


class _ToldSteps:
    """Steps that a device is told of one operation after the other."""

    def __init__(self, labels: Sequence[int], loss_of: LossOf, optimiser: Optimiser, *, in_parts: bool) -> None:
        self._labels = labels
        self._loss_of = loss_of
        self._optimiser = optimiser
        self._in_parts = in_parts

    def take(self, drawn: Drawn, episode: InnerEpisode) -> float:
        """One step, of the windows that were drawn for `episode`; its loss."""
        asked = Asked.of(episode, self._labels, drawn.tuned.encoder.device)
        loss = backward(drawn, lambda embeddings: self._loss_of(embeddings, asked), in_parts=self._in_parts)
        self._optimiser.step()
        return loss


def _draw(
    tuned: TunedCopy,
    clips: Sequence[PreparedClip],
    episode: InnerEpisode,
    settings: AdaptationSettings,
    views: Views | None,
    generator: torch.Generator,
) -> Drawn:
    """A window of each clip of the episode, support first, under a mask."""
    windows = [_draw_window(position, clips, generator) for position in episode.positions]
    inputs = [clips[position].windows[index] for position, index in windows]
    if views is not None:
        return Drawn(tuned, inputs, None, views.draw(windows, generator), settings.precision)
    masks = tuned.encoder.backbone.draw_masks(inputs, settings.augment, generator)
    return Drawn(tuned, inputs, masks, None, settings.precision)


def _draw_window(position: int, clips: Sequence[PreparedClip], generator: torch.Generator) -> Window:
    """One of the clip's windows; a clip of a single window draws nothing."""
    windows = len(clips[position].windows)
    return position, (0 if windows == 1 else int(torch.randint(windows, (), generator=generator)))


def draw_per_label(clips: Sequence[PreparedClip], most: int, generator: torch.Generator) -> list[list[int]]:
    """Positions of up to `most` clips of each label, in random order."""
    groups: list[list[int]] = [[] for _ in range(max(clip.label for clip in clips) + 1)]
    for position, clip in enumerate(clips):
        groups[clip.label].append(position)
    return [
        [group[index] for index in torch.randperm(len(group), generator=generator).tolist()[:most]] for group in groups
    ]
