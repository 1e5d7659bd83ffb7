"""Where the embeddings of a handful of clips are centred, and by what they are divided, before any head."""

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.heads.layers import layer_weights

_SPREAD_SHRINKAGE = 0.1
_LEAST_DISTANCE = 1e-12  # of clips that are all alike
_LEAST_WEIGHT = 1e-6  # of a layer; its spread stays finite


@dataclass(frozen=True)
class Frame:
    """centre and spread: (embedding size,). on_sphere: whether points have unit length."""

    centre: Tensor
    spread: Tensor
    on_sphere: bool = True

    def points(self, embeddings: Tensor) -> Tensor:
        """Embeddings (clips, embedding size) as points about the centre."""
        points = (embeddings - self.centre) / self.spread
        return torch.nn.functional.normalize(points, dim=-1) if self.on_sphere else points


def class_means(embeddings: Tensor, labels: Tensor, label_count: int) -> Tensor:
    """Mean embedding of each label: (label_count, embedding size). Every label needs at least one clip."""
    members = torch.nn.functional.one_hot(labels, label_count).to(embeddings.dtype)
    return (members.T @ embeddings) / members.sum(0)[:, None]


def fit_frame(
    embeddings: Tensor, means: Tensor, labels: Tensor, *, standardised: bool, centred: bool, blocks: int = 1
) -> Frame:
    """The frame of labelled clips whose class means are `means` (labels, embedding size).

    standardised: the base has no meta-trained extractor. Its embeddings all point much the same way, and few
    channels tell labels apart: the labelled clips' own centre and within-label spread are worth 4 points.
    A trained extractor's prototypes have centre 0 and spread 1, for it was trained for plain cosines (main paper,
    3.3). The rivals are `centred` all the same: they were not part of that training, and their penalty is on the
    weights, so an offset common to all labels would cost them (method notes: +2 to +8). Nor are they brought to unit
    length, where a clip that tells little would lie as far out as a clear one (half a point to one, results log): what
    the clips are divided by makes their typical distance from the centre 1, so that the penalty means the same on
    every base.
    The centre is the mean of the class means, not of the clips: a label with many clips must not pull it.
    blocks: how many layers' vectors, of one size, a standardised embedding is made of; they are weighted by what
    each is worth (`layers.layer_weights`).
    """
    centre = means.mean(0)
    spread = torch.ones_like(centre)
    if standardised:
        pairs = zip(embeddings.chunk(blocks, -1), means.chunk(blocks, -1), strict=True)
        spread = torch.cat([_within_label_spread(block, labels, mean) for block, mean in pairs])
        if blocks > 1:
            points = ((embeddings - centre) / spread).reshape(len(embeddings), blocks, -1)
            weights = layer_weights(torch.nn.functional.normalize(points, dim=-1), labels, len(means))
            spread = spread / weights.clamp(min=_LEAST_WEIGHT).sqrt().repeat_interleave(len(spread) // blocks)
    if centred:
        squares = ((embeddings - centre) / spread).square().sum(1, keepdim=True)
        distance = class_means(squares, labels, len(means)).mean().sqrt()
        return Frame(centre, spread * distance.clamp(min=_LEAST_DISTANCE), on_sphere=False)
    return Frame(centre if standardised else torch.zeros_like(centre), spread)


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
