"""Several extractors side by side, each with its own say."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.extractors.extractor import exact_product
from engine.extractors.pooled import PooledExtractor


class Mixture(PooledExtractor):
    """The embeddings of `parts`, each centred and brought to a mean square norm of its own, joined.

    Parts that err on different clips are better together than any of them (results log). `centre` and `scale` are
    statistics of the training corpora. With `size` the joined embedding is turned and stretched to that many numbers:
    `axes` (joined, size), which bring its strong directions nearer to its weak ones.
    """

    kind = "mixture"
    centre: Tensor
    scale: Tensor
    axes: Tensor

    def __init__(self, parts: Sequence[PooledExtractor], size: int | None = None) -> None:
        super().__init__(parts[0].hidden_size, parts[0].layers)
        self.parts = nn.ModuleList(parts)
        joined = sum(part.embedding_size for part in parts)
        self.embedding_size = joined if size is None else size
        self.register_buffer("centre", torch.zeros(joined))
        self.register_buffer("scale", torch.ones(joined))
        self._turned = size is not None
        if size is not None:
            self.register_buffer("axes", torch.eye(joined, size))

    @property
    def members(self) -> list[PooledExtractor]:
        """The parts, in the order of their numbers in the embedding."""
        return [part for part in self.parts if isinstance(part, PooledExtractor)]

    def specification(self) -> dict[str, Any]:
        size = {"size": self.embedding_size} if self._turned else {}
        return {"kind": self.kind, "parts": [part.specification() for part in self.members]} | size

    def fold(self, projection: Tensor) -> bool:
        if self._turned:
            self.axes = exact_product(self.axes, projection)
        else:
            self.register_buffer("axes", projection.to(self.scale, copy=True))
            self._turned = True
        return True

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        joined = torch.cat([part.pool(hidden, mask) for part in self.members], dim=-1)
        scaled = (joined - self.centre) * self.scale
        return scaled @ self.axes if self._turned else scaled
