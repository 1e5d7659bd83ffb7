"""Several extractors side by side, each with its own say."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.extractors.pooled import PooledExtractor


class Mixture(PooledExtractor):
    """The embeddings of `parts`, each centred and brought to unit mean square norm, joined.

    Parts that err on different clips are better together than any of them (results log). `centre` and `scale`
    are statistics of the training corpora.
    """

    kind = "mixture"
    centre: Tensor
    scale: Tensor

    def __init__(self, parts: Sequence[PooledExtractor]) -> None:
        super().__init__(parts[0].hidden_size, parts[0].layers)
        self.parts = nn.ModuleList(parts)
        self.embedding_size = sum(part.embedding_size for part in parts)
        self.register_buffer("centre", torch.zeros(self.embedding_size))
        self.register_buffer("scale", torch.ones(self.embedding_size))

    @property
    def members(self) -> list[PooledExtractor]:
        """The parts, in the order of their numbers in the embedding."""
        return [part for part in self.parts if isinstance(part, PooledExtractor)]

    def specification(self) -> dict[str, Any]:
        return {"kind": self.kind, "parts": [part.specification() for part in self.members]}

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        joined = torch.cat([part.pool(hidden, mask) for part in self.members], dim=-1)
        return (joined - self.centre) * self.scale
