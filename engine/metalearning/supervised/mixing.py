"""From cached frames to the closed-form part, and from all parts to one extractor."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from engine.extractors import LinearDiscriminant, Mixture, PooledExtractor
from engine.known_emotions import KnownEmotions, learn_known_emotions
from engine.metalearning.supervised.discriminant import fit_discriminant
from engine.metalearning.supervised.frame_cache import CachedCorpus
from engine.metalearning.supervised.recipe import DiscriminantSection, MixtureSection

_CLIPS_SEEN = 1000  # of each corpus; evenly spaced, so that all speakers are among them
_CLIPS_PER_BATCH = 32
_LEAST_SHARE = 0.01  # of the largest variance: weaker directions than this are noise, and not made stronger still


def closed_form_part(
    corpora: Sequence[CachedCorpus], plan: DiscriminantSection, hidden_size: int, layers: int
) -> LinearDiscriminant:
    """The discriminant extractor of the corpora's clean clips."""
    owners = np.concatenate([np.full(len(corpus.labels), number) for number, corpus in enumerate(corpora)])
    offsets = np.cumsum([0] + [len(corpus.label_names) for corpus in corpora])
    groups = np.concatenate([corpus.labels + offsets[number] for number, corpus in enumerate(corpora)])
    means = np.concatenate([corpus.means() for corpus in corpora])
    fitted = fit_discriminant(means, owners, groups, plan.dimensions, plan.shrinkage)
    extractor = LinearDiscriminant(hidden_size, layers, fitted.directions.shape[1])
    extractor.channel_mean = torch.from_numpy(fitted.channel_mean).float()
    extractor.channel_spread = torch.from_numpy(fitted.channel_spread).float()
    extractor.directions = torch.from_numpy(fitted.directions).float()
    return extractor


@torch.no_grad()
def mix(
    parts: Sequence[PooledExtractor],
    weights: Sequence[float],
    corpora: Sequence[CachedCorpus],
    plan: MixtureSection | None = None,
) -> Mixture:
    """All parts joined; each is centred and scaled so that its mean square norm on the training clips is weight^2.

    With a `plan` the whole is flattened then. Trained embeddings differ most in how excited a voice is; what tells joy
    from anger is in weaker directions, which a head of few clips hardly hears (results log).
    """
    centres, scales, joined = [], [], []
    by_part = zip(*(_embedded(parts, corpus) for corpus in corpora), strict=True)
    for embedded, weight in zip(by_part, weights, strict=True):
        means = torch.stack([embeddings.mean(0) for embeddings in embedded])
        within = [(embeddings - mean).square().sum(1).mean() for embeddings, mean in zip(embedded, means, strict=True)]
        centres.append(means.mean(0))
        scales.append(torch.full_like(means[0], weight / float(torch.stack(within).mean().sqrt())))
        joined.append([(each - mean) * scales[-1] for each, mean in zip(embedded, means, strict=True)])
    axes = None if plan is None else _flattened([torch.cat(each, 1) for each in zip(*joined, strict=True)], plan)
    mixture = Mixture(parts, None if axes is None else axes.shape[1])
    mixture.centre, mixture.scale = torch.cat(centres), torch.cat(scales)
    if axes is not None:
        mixture.axes = axes
    return mixture


def _flattened(corpora: Sequence[Tensor], plan: MixtureSection) -> Tensor:
    """Axes (joined, size): the principal ones, each divided by its variance to the power of half the flattening.

    corpora: (clips, joined) of each, centred. All corpora weigh as much.
    """
    covariance = torch.stack([each.double().T @ each.double() / len(each) for each in corpora]).mean(0)
    variances, directions = torch.linalg.eigh(covariance)
    strongest = variances.flip(0)[: plan.size].clamp(min=0) / variances[-1]
    stretched = (strongest + _LEAST_SHARE) ** (-plan.flattening / 2)
    axes: Tensor = directions.flip(1)[:, : plan.size] * stretched
    return axes.float()


@torch.no_grad()
def known_emotions(mixture: Mixture, corpora: Sequence[CachedCorpus]) -> KnownEmotions:
    """What the finished extractor makes of the emotions of the training clips."""
    pairs = []
    for corpus in corpora:
        (embeddings,) = _embedded([mixture], corpus)
        emotions = [corpus.label_names[label] for label in corpus.labels[_seen(corpus)].tolist()]
        pairs.append((embeddings, emotions))
    return learn_known_emotions(pairs)


def _embedded(parts: Sequence[PooledExtractor], corpus: CachedCorpus) -> list[Tensor]:
    """What each part makes of the same clips of a corpus, which are read once for all: (clips, embedding size)."""
    batches = [[part.pool(*batch) for part in parts] for batch in _batches(corpus)]
    return [torch.cat(pieces) for pieces in zip(*batches, strict=True)]


def _seen(corpus: CachedCorpus) -> list[int]:
    """Which clips of a corpus are looked at."""
    seen: list[int] = np.unique(np.linspace(0, len(corpus.labels) - 1, _CLIPS_SEEN).round().astype(int)).tolist()
    return seen


def _batches(corpus: CachedCorpus) -> Iterator[tuple[Tensor, Tensor]]:
    """Pooled frames and masks of up to 1,000 clean clips."""
    seen = _seen(corpus)
    for first in range(0, len(seen), _CLIPS_PER_BATCH):
        frames = [
            torch.from_numpy(corpus.views[0].frames(clip).astype(np.float32))
            for clip in seen[first : first + _CLIPS_PER_BATCH]
        ]
        lengths = torch.tensor([len(each) for each in frames])
        hidden = torch.nn.utils.rnn.pad_sequence(frames, batch_first=True)
        yield hidden, torch.arange(hidden.shape[1])[None, :] < lengths[:, None]
