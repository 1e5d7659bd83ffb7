"""The network of F-MAML (section 4.2): four convolutional blocks on MFCCs, 576 numbers, one linear layer."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from engine.backbones.protocol import Frames
from engine.extractors.extractor import Extractor

FIXED = ("silence", "neutral")  # the last outputs, in this order (section 3.2)
_EPSILON = 1e-5


class Moments(NamedTuple):
    """What a batch normalisation takes away and divides by: mean and variance (filters,)."""

    mean: Tensor
    variance: Tensor


Statistics = tuple[Moments, ...]  # a pair a block


class _Block(nn.Module):
    """3x3 convolution of stride 2, ReLU, batch normalisation: in the paper's order.

    Of a clip shorter than its batch only what a convolution of that clip alone would see takes part, in the
    convolution and in the statistics.
    """

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(channels, filters, 3, stride=2, padding=1)
        self.scale = nn.Parameter(torch.ones(filters))
        self.shift = nn.Parameter(torch.zeros(filters))
        self.register_buffer("mean", torch.zeros(filters))
        self.register_buffer("variance", torch.ones(filters))

    def forward(self, values: Tensor, mask: Tensor, moments: Moments | None) -> tuple[Tensor, Moments]:
        """values: (clips, channels, bands, frames), 0 beyond each clip; mask: (clips, frames after this block).

        Returns the same for the next block, and the moments used: `moments`, or else those of this very batch.
        """
        rectified = torch.relu(self.convolve(values))
        if moments is None:
            moments = _moments(rectified, mask)
        factor = self.scale * (moments.variance + _EPSILON).rsqrt()
        real = mask[:, None, None, :].to(factor.dtype)
        # both have a value a filter and a frame: small beside `rectified`, so that padding is masked at no cost
        added = (self.shift - moments.mean * factor)[:, None, None] * real
        return torch.addcmul(added, rectified, factor[:, None, None] * real), moments


def _moments(values: Tensor, mask: Tensor) -> Moments:
    """Mean and variance over the real part of (clips, filters, bands, frames), for each filter."""
    count = mask.sum() * values.shape[2]
    mean = (values.sum(2) * mask[:, None, :]).sum((0, 2)) / count
    square = (values.square().sum(2) * mask[:, None, :]).sum((0, 2)) / count
    return Moments(mean, (square - mean.square()).clamp(min=0.0))


class ConvolutionalNetwork(Extractor):
    """MFCCs to 576 numbers, and the linear layer that F-MAML learns with them.

    Four blocks halve 40 coefficients to 20, 10, 5 and 3 and the frames as often. The paper flattens 576 neurons
    and does not say how a clip of any length comes to them; here the real frames that are left are averaged in 3
    equal pieces: 64 filters x 3 bands x 3 pieces.

    Batch normalisation is never transductive. While a task's parameters are adapted, every step normalises the
    support by the support's own moments; then the moments of the whole support under the adapted parameters are
    taken once more, and by these every query is normalised, alone or not (`Statistics`). An adapted model keeps
    them in its buffers; those of a base are a running mean over the supports of its meta-training.

    `output` has `ways` outputs for emotions, which any task may deal out anew, and behind them, if `fixed`, those of
    `FIXED`. It is no part of the embedding: an adapted model has the rows that it needs as its head.
    """

    kind = "fmaml"

    def __init__(
        self,
        hidden_size: int,
        layers: int = 1,
        ways: int = 5,
        filters: int = 64,
        depth: int = 4,
        pieces: int = 3,
        *,
        fixed: bool = True,
    ) -> None:
        super().__init__(hidden_size, layers)
        self.ways, self.filters, self.depth, self.pieces, self.fixed = ways, filters, depth, pieces, fixed
        self.convolutions = nn.ModuleList(_Block(filters if number else 1, filters) for number in range(depth))
        bands = hidden_size
        for _ in range(depth):
            bands = _halved(bands)
        self.embedding_size = filters * bands * pieces
        self.output = nn.Linear(self.embedding_size, ways + (len(FIXED) if fixed else 0))

    def specification(self) -> dict[str, Any]:
        shape = {"ways": self.ways, "filters": self.filters, "depth": self.depth, "pieces": self.pieces}
        return super().specification() | shape | {"fixed": self.fixed}

    def forward(self, frames: Frames) -> Tensor:
        """Frames (1, clips, frames, coefficients) to embeddings (clips, 576), by the statistics in the buffers."""
        return self.embed(frames, self.statistics)[0]

    def embed(self, frames: Frames, statistics: Statistics | None) -> tuple[Tensor, Statistics]:
        """Embeddings (clips, 576), and the statistics used: `statistics`, or else those of this very batch."""
        lengths = frames.lengths
        values = frames.hidden[-1].transpose(1, 2)[:, None] * frames.mask[:, None, None, :]
        used = []
        for number, block in enumerate(self.convolutions):
            lengths = _halved(lengths)
            mask = torch.arange(_halved(values.shape[-1]), device=lengths.device) < lengths[:, None]
            values, moments = block(values, mask, None if statistics is None else statistics[number])
            used.append(moments)
        pooled = values @ _shares(lengths, values.shape[-1], self.pieces).to(values.dtype)[:, None]
        return pooled.flatten(1), tuple(used)

    @property
    def statistics(self) -> Statistics:
        """Those in the buffers."""
        return tuple(Moments(block.mean, block.variance) for block in self._each())

    @torch.no_grad()
    def keep(self, statistics: Statistics, share: float = 1.0) -> None:
        """Move the buffers by `share` of the way to `statistics`."""
        for block, moments in zip(self._each(), statistics, strict=True):
            block.mean.lerp_(moments.mean.detach().to(block.mean), share)
            block.variance.lerp_(moments.variance.detach().to(block.variance), share)

    def _each(self) -> list[Any]:
        return list(self.convolutions)


def _halved(size: Any) -> Any:
    """What a 3x3 convolution of stride 2 and padding 1 leaves of `size`, a number or numbers."""
    return (size + 1) // 2


def _shares(lengths: Tensor, steps: int, pieces: int) -> Tensor:
    """(clips, steps, pieces): the weight of each step in the mean of each piece of a clip's real steps.

    Pieces are those of an adaptive average: a clip of fewer steps than pieces has the same step in several.
    """
    number = torch.arange(pieces, device=lengths.device)
    first = (number * lengths[:, None]) // pieces
    last = -((-(number + 1) * lengths[:, None]) // pieces)
    step = torch.arange(steps, device=lengths.device)[None, :, None]
    inside = (step >= first[:, None, :]) & (step < last[:, None, :])
    return inside / inside.sum(1, keepdim=True)
