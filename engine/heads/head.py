"""The one structure of all heads, however they were fitted."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Head:
    """A linear classifier; one that is not `plain` works on the unit sphere.

    z = unit((e - centre) / spread) for an embedding e; logits = scale * (z . weight + bias).
    weight: (labels, embedding size); bias: (labels,); centre and spread: (embedding size,). `scale` is the
    inverse temperature of the softmax. For cosine prototypes the rows of `weight` are unit vectors, the bias
    is 0 and the scale that of the cosines. `plain`: z = (e - centre) / spread, whatever its length. `projection`
    (embedding size, embedding size): where one was tuned, e is what it makes of the encoder's embedding.
    """

    kind: str
    weight: Tensor
    bias: Tensor
    centre: Tensor
    spread: Tensor
    scale: float = 1.0
    plain: bool = False
    projection: Tensor | None = None

    def logits(self, embeddings: Tensor) -> Tensor:
        """Embeddings (clips, embedding size) to logits (clips, labels)."""
        if self.projection is not None:
            embeddings = embeddings @ self.projection
        points = (embeddings - self.centre) / self.spread
        if not self.plain:
            points = torch.nn.functional.normalize(points, dim=-1)
        return self.scale * points @ self.weight.T + self.scale * self.bias

    def scores(self, embeddings: Tensor) -> Tensor:
        """Embeddings (clips, embedding size) to probabilities (clips, labels); each row sums to 1."""
        return self.logits(embeddings).softmax(-1)

    @property
    def is_finite(self) -> bool:
        """Whether all of its values are numbers: one that is not is neither written nor opened."""
        parts = [self.weight, self.bias, self.centre, self.spread]
        parts += [] if self.projection is None else [self.projection]
        return math.isfinite(self.scale) and all(bool(part.isfinite().all()) for part in parts)

    def shifted(self, offset: Tensor) -> "Head":
        """The head for embeddings from which `offset` (embedding size,) is to be taken away first."""
        moved = offset if self.projection is None else offset @ self.projection
        return replace(self, centre=self.centre + moved)

    def to(self, device: torch.device) -> "Head":
        """This head with its tensors on `device`."""
        return replace(
            self,
            weight=self.weight.to(device),
            bias=self.bias.to(device),
            centre=self.centre.to(device),
            spread=self.spread.to(device),
            projection=None if self.projection is None else self.projection.to(device),
        )


def last_layer(weight: Tensor, bias: Tensor) -> Head:
    """The last, linear layer of a network as a head: weight (labels, embedding size), bias (labels,)."""
    zeros, ones = torch.zeros_like(weight[0]), torch.ones_like(weight[0])
    return Head("linear", weight.detach().clone(), bias.detach().clone(), zeros, ones, plain=True)
