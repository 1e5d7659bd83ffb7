"""The closed-form extractor: discriminant directions of the mean over time."""

from typing import Any

import torch
from torch import Tensor

from engine.extractors.extractor import exact_product
from engine.extractors.pooled import PooledExtractor


class LinearDiscriminant(PooledExtractor):
    """Mean over time of every layer read, standardised, then projected: fitted by linear algebra, not by gradients.

    The directions are those of a linear discriminant analysis over (corpus, emotion) groups
    (`engine.metalearning.supervised.discriminant`).
    """

    kind = "linear-discriminant"
    channel_mean: Tensor
    channel_spread: Tensor
    directions: Tensor

    def __init__(self, hidden_size: int, layers: int, embedding_size: int = 24) -> None:
        super().__init__(hidden_size, layers)
        self.embedding_size = embedding_size
        self.register_buffer("channel_mean", torch.zeros(hidden_size * layers))
        self.register_buffer("channel_spread", torch.ones(hidden_size * layers))
        self.register_buffer("directions", torch.zeros(hidden_size * layers, embedding_size))

    def specification(self) -> dict[str, Any]:
        return super().specification() | {"embedding_size": self.embedding_size}

    def fold(self, projection: Tensor) -> bool:
        self.directions = exact_product(self.directions, projection)
        return True

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        means = (hidden * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
        projected: Tensor = ((means - self.channel_mean) / self.channel_spread) @ self.directions
        return projected
