"""Cosine prototypes (Snell et al. 2017; main paper, section 3.3).

A prototype is the mean of its label's embeddings, taken before normalising. A query's logits are the scaled
cosines to the prototypes; the softmax of them are its scores.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

COSINE_SCALE = 10.0  # the paper leaves it open; at 1 the 4-way loss cannot fall under 0.58
_SPREAD_SHRINKAGE = 0.1


@dataclass(frozen=True)
class Prototypes:
    """vectors: (labels, embedding size); centre and spread: (embedding size,).

    Embeddings are taken as (e - centre) / spread before any cosine. Without a meta-trained extractor they
    all point much the same way, and few channels tell labels apart: standardising them by the labelled
    clips' own centre and within-label spread is worth 4 points. A meta-trained extractor has centre 0 and
    spread 1, as the paper has it.
    """

    vectors: Tensor
    centre: Tensor
    spread: Tensor
    scale: float = COSINE_SCALE

    def logits(self, embeddings: Tensor) -> Tensor:
        """Embeddings (clips, embedding size) to logits (clips, labels)."""
        queries = torch.nn.functional.normalize((embeddings - self.centre) / self.spread, dim=-1)
        keys = torch.nn.functional.normalize((self.vectors - self.centre) / self.spread, dim=-1)
        return self.scale * queries @ keys.T

    def scores(self, embeddings: Tensor) -> Tensor:
        """Embeddings (clips, embedding size) to probabilities (clips, labels); each row sums to 1."""
        return self.logits(embeddings).softmax(-1)


def class_means(embeddings: Tensor, labels: Tensor, label_count: int) -> Tensor:
    """Mean embedding of each label: (label_count, embedding size). Every label needs at least one clip."""
    members = torch.nn.functional.one_hot(labels, label_count).to(embeddings.dtype)
    return (members.T @ embeddings) / members.sum(0)[:, None]


def fit_prototypes(embeddings: Tensor, labels: Tensor, label_count: int, *, standardised: bool) -> Prototypes:
    """Prototypes of the labelled `embeddings` (clips, embedding size) with `labels` (clips,) in 0..label_count-1."""
    vectors = class_means(embeddings, labels, label_count)
    if not standardised:
        return Prototypes(vectors, torch.zeros_like(vectors[0]), torch.ones_like(vectors[0]))
    # the mean of the class means, not of the clips: a label with many clips must not pull the centre
    return Prototypes(vectors, vectors.mean(0), _within_label_spread(embeddings, labels, vectors))


def _within_label_spread(embeddings: Tensor, labels: Tensor, means: Tensor) -> Tensor:
    """Standard deviation within labels, shrunk towards its average over channels.

    With one clip a label there is no spread within labels; that between the clips stands in for it.
    """
    if len(embeddings) > len(means):
        variance = (embeddings - means[labels]).square().sum(0) / (len(embeddings) - len(means))
    else:
        variance = (embeddings - means.mean(0)).square().mean(0)
    shrunk = (1 - _SPREAD_SHRINKAGE) * variance + _SPREAD_SHRINKAGE * variance.mean()
    return torch.sqrt(shrunk + 1e-12)
