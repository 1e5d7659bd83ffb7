"""f_i of the paper (section 4.1): from one feature stream to one vector of the size that all streams share."""

import torch
from torch import Tensor, nn

from engine.systems.multigate.shapes import Reading, StreamShape

_WIDTHS = (3, 5)


class SequenceEncoder(nn.Module):
    """Convolution, bidirectional LSTM, and self-attention whose query is the LSTM's last state (eq. 1 and 2).

    The paper's kernels are 3 x 3 and 5 x 5 and make n-grams z' of L x d' out of z of L x d; here they are 3 and 5
    steps wide and reach over all channels, both side by side, which is what gives z' that shape.
    """

    def __init__(self, shape: StreamShape, size: int, dropout: float) -> None:
        super().__init__()
        self.pooling = shape.pooling
        self.convolve = nn.ModuleList(
            nn.Conv1d(shape.channels, shape.kernels, width, padding=width // 2) for width in _WIDTHS
        )
        grams, both = len(_WIDTHS) * shape.kernels, 2 * shape.lstm
        self.lstm = nn.ModuleList(
            BidirectionalLayer(both if layer else grams, shape.lstm) for layer in range(shape.lstm_layers)
        )
        self.query, self.key, self.value = (nn.Linear(both, shape.attention, bias=False) for _ in range(3))
        self.scale = both**-0.5  # sqrt(k) of eq. 2: the size of the last state
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(shape.attention, size)
        self.norm = nn.LayerNorm(size)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """Standardised steps (clips, steps, channels), mask (clips, steps) to (clips, size)."""
        columns = (values * mask[:, :, None]).transpose(1, 2)
        grams = torch.cat([torch.relu(convolve(columns)) for convolve in self.convolve], dim=1).transpose(1, 2)
        grams, mask = _pooled(grams, mask, self.pooling)
        states, lengths = grams, mask.sum(1)
        for layer in self.lstm:
            states, summary = layer(self.dropout(states), lengths)
        likeness = (self.query(summary)[:, None] * self.key(states)).sum(-1) * self.scale
        weights = likeness.masked_fill(~mask, -torch.inf).softmax(-1)
        attended = (weights[:, :, None] * self.value(states)).sum(1)
        normed: Tensor = self.norm(self.project(self.dropout(attended)))
        return normed


class BidirectionalLayer(nn.Module):
    """An LSTM either way over the real steps of padded sequences.

    What packed sequences give, whose way back takes six times as long on a processor: the steps of the second LSTM
    are turned round within each sequence, so that padding comes last for both.
    """

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.onward = nn.LSTM(inputs, size, batch_first=True)
        self.back = nn.LSTM(inputs, size, batch_first=True)

    def forward(self, values: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Steps (clips, steps, inputs) and real ones (clips,) to states (clips, steps, 2 size), and the last of either
        way (clips, 2 size)."""
        steps = torch.arange(values.shape[1], device=values.device)[None, :]
        turned = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)[:, :, None]
        onward, _ = self.onward(values)
        behind, _ = self.back(values.gather(1, turned.expand_as(values)))
        last = (lengths - 1)[:, None, None].expand(-1, 1, onward.shape[2])
        summary = torch.cat([onward.gather(1, last), behind.gather(1, last)], dim=-1)[:, 0]
        return torch.cat([onward, behind.gather(1, turned.expand_as(behind))], dim=-1), summary


class VectorEncoder(nn.Module):
    """A stream that is a vector already, brought to the size of the others."""

    def __init__(self, shape: StreamShape, size: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(shape.channels, size)
        self.norm = nn.LayerNorm(size)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG002
        """Standardised vectors (clips, 1, channels) to (clips, size)."""
        normed: Tensor = self.norm(self.project(self.dropout(values[:, 0])))
        return normed


def build_stream_encoder(shape: StreamShape, size: int, dropout: float) -> nn.Module:
    """f_i for a stream of that shape."""
    kind = VectorEncoder if shape.reading is Reading.VECTOR else SequenceEncoder
    return kind(shape, size, dropout)


def _pooled(values: Tensor, mask: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Means over the real ones of every `steps` neighbours; what a clip's batch is padded to does not matter."""
    if steps == 1:
        return values, mask
    clips, length, channels = values.shape
    missing = -length % steps
    values = nn.functional.pad(values * mask[:, :, None], (0, 0, 0, missing)).reshape(clips, -1, steps, channels)
    counts = nn.functional.pad(mask, (0, missing)).reshape(clips, -1, steps).sum(-1)
    return values.sum(2) / counts.clamp(min=1)[:, :, None], counts > 0
