"""The loop that `disjoint` and `pmf` share: draw an inner episode, augment, cross-entropy, Adam.

Main paper, section 3.4. The encoder stays in eval mode throughout; what is random is drawn from one torch
generator, so that a seed repeats a run exactly on the CPU. Layers below those that are tuned are gone through once
a view, not once a step (`views`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.adaptation.clips import PreparedClip, embed_whole
from engine.adaptation.drawn import Drawn, backward
from engine.adaptation.optimiser import Optimiser
from engine.adaptation.settings import AdaptationSettings, StepTaken
from engine.adaptation.tuned_copy import TunedCopy
from engine.adaptation.views import Views, Window
from engine.base_folder import Base
from engine.heads.frame import Frame, class_means, fit_frame
from engine.heads.prototypes import prototype_head


@dataclass(frozen=True)
class InnerEpisode:
    """Positions of the clips that make the prototypes in one step, and of those that are classified."""

    support: tuple[int, ...]
    query: tuple[int, ...]


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
    is short, and gradients are used up one by one (`Optimiser`), unless they come in parts.
    """
    encoder = tuned.encoder
    generator = torch.Generator().manual_seed(settings.seed)
    labels = torch.tensor([clip.label for clip in clips], device=encoder.device)
    label_count = int(labels.max()) + 1
    # centre and spread stay those of the base: moving with the batch they would cancel what is learnt
    embeddings = embed_whole(encoder, clips)
    means = class_means(embeddings, labels, label_count)
    frame = fit_frame(
        embeddings,
        means,
        labels,
        standardised=base.standardised,
        centred=False,
        blocks=encoder.extractor.blocks,
    )
    views = Views(tuned, clips, settings) if tuned.depth else None
    in_backward = encoder.backbone.checkpointing and not in_parts  # memory is short
    optimiser = Optimiser(tuned, settings.learning_rate, in_backward=in_backward)
    for step in range(1, settings.steps + 1):
        episode = draw(generator)
        drawn = _draw(tuned, clips, episode, settings, views, generator)

        def loss_of(embeddings: Tensor, episode: InnerEpisode = episode) -> Tensor:
            return _episode_loss(embeddings, labels, label_count, episode, frame, base.cosine_scale)

        loss = backward(drawn, loss_of, in_parts=in_parts)
        optimiser.step()
        yield StepTaken(step, settings.steps, loss)
    optimiser.finish()


def _draw(
    tuned: TunedCopy,
    clips: Sequence[PreparedClip],
    episode: InnerEpisode,
    settings: AdaptationSettings,
    views: Views | None,
    generator: torch.Generator,
) -> Drawn:
    """A window of each clip of the episode, support first, under a mask."""
    windows = [_draw_window(position, clips, generator) for position in episode.support + episode.query]
    inputs = [clips[position].windows[index] for position, index in windows]
    if views is not None:
        return Drawn(tuned, inputs, None, views.draw(windows, generator), settings.precision)
    masks = tuned.encoder.backbone.draw_masks(inputs, settings.augment, generator)
    return Drawn(tuned, inputs, masks, None, settings.precision)


def _episode_loss(
    embeddings: Tensor, labels: Tensor, label_count: int, episode: InnerEpisode, frame: Frame, cosine_scale: float
) -> Tensor:
    """Cross-entropy of the augmented query on prototypes of the augmented support; every label weighs the same."""
    support, query = embeddings[: len(episode.support)], embeddings[len(episode.support) :]
    vectors = class_means(support, labels[list(episode.support)], label_count)
    logits = prototype_head(vectors, frame, cosine_scale).logits(query)
    query_labels = labels[list(episode.query)]
    weights = 1.0 / torch.bincount(query_labels, minlength=label_count).clamp(min=1)
    return torch.nn.functional.cross_entropy(logits, query_labels, weight=weights.to(logits))


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
