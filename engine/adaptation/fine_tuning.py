"""The loop that `disjoint` and `pmf` share: draw an inner episode, augment, cross-entropy, Adam.

Main paper, section 3.4. The encoder stays in eval mode throughout; what is random is drawn from one torch
generator, so that a seed repeats a run exactly on the CPU.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.adaptation.clips import PreparedClip, embed_whole
from engine.adaptation.settings import AdaptationSettings, StepTaken
from engine.adaptation.trained import trained_parameters
from engine.base_folder import Base
from engine.encoder import EmotionEncoder
from engine.heads.frame import Frame, class_means, fit_frame
from engine.heads.prototypes import prototype_head


@dataclass(frozen=True)
class InnerEpisode:
    """Positions of the clips that make the prototypes in one step, and of those that are classified."""

    support: tuple[int, ...]
    query: tuple[int, ...]


DrawEpisode = Callable[[torch.Generator], InnerEpisode]


def fine_tune(
    encoder: EmotionEncoder,
    clips: Sequence[PreparedClip],
    settings: AdaptationSettings,
    draw: DrawEpisode,
    base: Base,
) -> Iterator[StepTaken]:
    """Train `encoder`, a copy of that of `base`, in place, reporting each step. Raises LabellingError."""
    generator = torch.Generator().manual_seed(settings.seed)
    labels = torch.tensor([clip.label for clip in clips], device=encoder.device)
    label_count = int(labels.max()) + 1
    # centre and spread stay those of the base: moving with the batch they would cancel what is learnt
    embeddings = embed_whole(encoder, clips)
    means = class_means(embeddings, labels, label_count)
    frame = fit_frame(embeddings, means, labels, standardised=base.standardised, centred=False)
    trained = trained_parameters(encoder, settings.trained)
    optimiser = torch.optim.Adam(trained, lr=settings.learning_rate)
    with _only(encoder, trained):
        for step in range(1, settings.steps + 1):
            episode = draw(generator)
            loss = _episode_loss(
                encoder, clips, labels, label_count, episode, (frame, base.cosine_scale), settings, generator
            )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            yield StepTaken(step, settings.steps, float(loss.detach()))


@contextmanager
def _only(encoder: EmotionEncoder, trained: Sequence[nn.Parameter]) -> Iterator[None]:
    """No gradient for the other parameters meanwhile: what lies below the lowest trained one is not gone through."""
    tuned = {id(parameter) for parameter in trained}
    others = [each for each in encoder.parameters() if each.requires_grad and id(each) not in tuned]
    for parameter in others:
        parameter.requires_grad = False
    try:
        yield
    finally:
        for parameter in others:
            parameter.requires_grad = True


def _episode_loss(
    encoder: EmotionEncoder,
    clips: Sequence[PreparedClip],
    labels: Tensor,
    label_count: int,
    episode: InnerEpisode,
    cosines: tuple[Frame, float],
    settings: AdaptationSettings,
    generator: torch.Generator,
) -> Tensor:
    """Cross-entropy of the augmented query on prototypes of the augmented support; every label weighs the same."""
    positions = episode.support + episode.query
    windows = [_draw_window(clips[position], generator) for position in positions]
    embeddings = encoder.embed(windows, settings.augment, generator)
    support, query = embeddings[: len(episode.support)], embeddings[len(episode.support) :]
    vectors = class_means(support, labels[list(episode.support)], label_count)
    logits = prototype_head(vectors, *cosines).logits(query)
    query_labels = labels[list(episode.query)]
    weights = 1.0 / torch.bincount(query_labels, minlength=label_count).clamp(min=1)
    return torch.nn.functional.cross_entropy(logits, query_labels, weight=weights)


def _draw_window(clip: PreparedClip, generator: torch.Generator) -> Tensor:
    """One of the clip's windows; a clip of a single window draws nothing."""
    if len(clip.windows) == 1:
        return clip.windows[0]
    return clip.windows[int(torch.randint(len(clip.windows), (), generator=generator))]


def draw_per_label(clips: Sequence[PreparedClip], most: int, generator: torch.Generator) -> list[list[int]]:
    """Positions of up to `most` clips of each label, in random order."""
    groups: list[list[int]] = [[] for _ in range(max(clip.label for clip in clips) + 1)]
    for position, clip in enumerate(clips):
        groups[clip.label].append(position)
    return [
        [group[index] for index in torch.randperm(len(group), generator=generator).tolist()[:most]] for group in groups
    ]
