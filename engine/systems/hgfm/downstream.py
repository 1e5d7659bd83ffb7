"""The downstream rivals of Table I, and the matrix of eq. 6 on any of them.

The paper names the two rivals and no size of theirs: widths and kernels here are those of the sources given, as wide
as HGFM. They work on the same frames, two by two, and padding never takes part.
"""

import torch
from torch import Tensor, nn

from engine.extractors import PooledExtractor
from engine.systems.hgfm.network import HierarchicalGrainedFeatureModel
from engine.systems.hgfm.recipe import ModelSection

_WIDTH = 256


class StandardisedExtractor(PooledExtractor):
    """Frames are standardised by the statistics of the clips that it was trained on."""

    channel_mean: Tensor
    channel_spread: Tensor

    def __init__(self, hidden_size: int, layers: int) -> None:
        super().__init__(hidden_size, layers)
        self.embedding_size = _WIDTH
        self.register_buffer("channel_mean", torch.zeros(hidden_size * layers))
        self.register_buffer("channel_spread", torch.ones(hidden_size * layers))

    def standard(self, hidden: Tensor, mask: Tensor) -> Tensor:
        return (hidden - self.channel_mean) / self.channel_spread * mask[:, :, None]


class FullyConvolutional(StandardisedExtractor):
    """FCN (Shelhamer et al. 2017), for sequences as in Wang et al. (2016): three convolutions, mean over time."""

    kind = "fcn"

    def __init__(self, hidden_size: int, layers: int) -> None:
        super().__init__(hidden_size, layers)
        widths = (hidden_size * layers, 128, 256, _WIDTH)
        kernels = (7, 5, 3)  # odd, so that a frame stays where it is
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2)
            for inputs, outputs, kernel in zip(widths[:-1], widths[1:], kernels, strict=True)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in widths[1:])

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        state, real = self.standard(hidden, mask), mask[:, :, None]
        for convolve, norm in zip(self.convolutions, self.norms, strict=True):
            state = torch.relu(norm(convolve(state.transpose(1, 2)).transpose(1, 2))) * real
        return state.sum(1) / mask.sum(1)[:, None]


class ConvolutionAttentionDense(StandardisedExtractor):
    """CNN, self-attention, DNN (Cai and Guo 2020): two convolutions, four heads of attention, two dense layers."""

    kind = "cnn-attention"

    def __init__(self, hidden_size: int, layers: int) -> None:
        super().__init__(hidden_size, layers)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, _WIDTH, 3, padding=1) for inputs in (hidden_size * layers, _WIDTH)
        )
        self.attention = nn.MultiheadAttention(_WIDTH, 4, batch_first=True)
        self.norm = nn.LayerNorm(_WIDTH)
        self.dense = nn.Sequential(nn.Linear(_WIDTH, _WIDTH), nn.ReLU(), nn.Linear(_WIDTH, _WIDTH), nn.ReLU())

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        state, real = self.standard(hidden, mask), mask[:, :, None]
        for convolve in self.convolutions:
            state = torch.relu(convolve(state.transpose(1, 2)).transpose(1, 2)) * real
        attended, _ = self.attention(state, state, state, key_padding_mask=~mask, need_weights=False)
        state = self.norm(state + attended) * real
        dense: Tensor = self.dense(state.sum(1) / mask.sum(1)[:, None])
        return dense


class Classifier(nn.Module):
    """A downstream model and the matrix of eq. 6; the softmax is in the loss and in the head."""

    def __init__(self, extractor: PooledExtractor, label_count: int) -> None:
        super().__init__()
        self.extractor = extractor
        self.last = nn.Linear(extractor.embedding_size, label_count)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Pooled frames (clips, steps, channels) and mask (clips, steps) to logits (clips, labels)."""
        logits: Tensor = self.last(self.extractor.pool(hidden, mask))
        return logits


def build_downstream(kind: str, hidden_size: int, layers: int, model: ModelSection) -> PooledExtractor:
    """A downstream model of `kind`, one of DOWNSTREAM, with fresh weights; `model` is for HGFM. Raises KeyError."""
    if kind == HierarchicalGrainedFeatureModel.kind:
        return HierarchicalGrainedFeatureModel(hidden_size, layers, model.projected, model.state, model.dropout)
    rivals = {rival.kind: rival for rival in (FullyConvolutional, ConvolutionAttentionDense)}
    return rivals[kind](hidden_size, layers)
