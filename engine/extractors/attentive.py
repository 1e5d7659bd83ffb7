"""Attentive statistics pooling (Okabe et al. 2018) over the layers read: the trained part of the compact base."""

from typing import Any

import torch
from torch import Tensor, nn

from engine.extractors.extractor import fold_into
from engine.extractors.pooled import PooledExtractor

_ATTENTION_WIDTH = 64
_CONTEXT_KERNEL = 5
_GROUPS = 8
_LEAST_VARIANCE = 1e-4


class AttentiveStatistics(PooledExtractor):
    """Project, look at 0.2 s of context, then mean and standard deviation over time under a learnt attention.

    `channel_mean` and `channel_spread` standardise the frames by the statistics of the training corpora.
    """

    kind = "attentive-statistics"
    channel_mean: Tensor
    channel_spread: Tensor

    def __init__(
        self, hidden_size: int, layers: int, width: int = 256, embedding_size: int = 256, dropout: float = 0.1
    ) -> None:
        super().__init__(hidden_size, layers)
        self.width, self.embedding_size, self.dropout_rate = width, embedding_size, dropout
        self.register_buffer("channel_mean", torch.zeros(hidden_size * layers))
        self.register_buffer("channel_spread", torch.ones(hidden_size * layers))
        self.project = nn.Linear(hidden_size * layers, width)
        self.context = nn.Conv1d(width, width, _CONTEXT_KERNEL, padding=_CONTEXT_KERNEL // 2, groups=_GROUPS)
        self.norm = nn.LayerNorm(width)
        self.attention = nn.Sequential(
            nn.Linear(width, _ATTENTION_WIDTH), nn.Tanh(), nn.Linear(_ATTENTION_WIDTH, width)
        )
        self.statistics_norm = nn.LayerNorm(2 * width)
        self.dropout = nn.Dropout(dropout)
        self.embed = nn.Linear(2 * width, embedding_size)

    def specification(self) -> dict[str, Any]:
        own = {"width": self.width, "embedding_size": self.embedding_size, "dropout": self.dropout_rate}
        return super().specification() | own

    def fold(self, projection: Tensor) -> bool:
        fold_into(self.embed, projection)
        return True

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        real = mask[:, :, None]
        local = nn.functional.gelu(self._project_standardised(hidden)) * real
        around = nn.functional.gelu(self.context(local.transpose(1, 2))).transpose(1, 2)
        local = self.norm(local + around)
        weights = self.attention(local).masked_fill(~real, -torch.inf).softmax(1)
        mean = (weights * local).sum(1)
        variance = (weights * local.square()).sum(1) - mean.square()
        statistics = torch.cat([mean, variance.clamp(min=_LEAST_VARIANCE).sqrt()], dim=-1)
        embedding: Tensor = self.embed(self.dropout(self.statistics_norm(statistics)))
        return embedding

    def _project_standardised(self, hidden: Tensor) -> Tensor:
        """The projection of the standardised frames, by weights that do both: frames are many, weights are few."""
        weight = self.project.weight / self.channel_spread
        return nn.functional.linear(hidden, weight, self.project.bias - weight @ self.channel_mean)
