"""The three extractors of the main paper (section 3.2), from the last layer read to 256 numbers a clip."""

from typing import Any

import torch
from torch import Tensor, nn

from engine.backbones.protocol import Frames
from engine.extractors.extractor import Extractor, fold_into, masked_mean

EMBEDDING_SIZE = 256  # section 4.4


class MeanFC(Extractor):
    """Mean over time, dropout, one fully connected layer."""

    kind = "mean-fc"

    def __init__(self, hidden_size: int, layers: int = 1) -> None:
        super().__init__(hidden_size, layers)
        self.embedding_size = EMBEDDING_SIZE
        self.dropout = nn.Dropout(0.5)
        self.project = nn.Linear(hidden_size, EMBEDDING_SIZE)

    def fold(self, projection: Tensor) -> bool:
        fold_into(self.project, projection)
        return True

    def forward(self, frames: Frames) -> Tensor:
        projected: Tensor = self.project(self.dropout(masked_mean(frames.hidden[-1], frames)))
        return projected


class _Heaviside(torch.autograd.Function):
    """1 for positive inputs, else 0; backwards the sigmoid's gradient stands in for the step's (which is 0)."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor) -> Tensor:
        ctx.save_for_backward(inputs)
        return (inputs > 0).to(inputs.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (inputs,) = ctx.saved_tensors
        slope = torch.sigmoid(inputs)
        return grads[0] * slope * (1 - slope)


class LateralInhibition(Extractor):
    """Eq. 1: LI(x) = x . Diag(step(x . ZeroDiag(W^T) + b)), then a fully connected layer, then the mean over time."""

    kind = "lateral-inhibition"

    def __init__(self, hidden_size: int, layers: int = 1) -> None:
        super().__init__(hidden_size, layers)
        self.embedding_size = EMBEDDING_SIZE
        self.weight = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.zeros(hidden_size))
        nn.init.xavier_uniform_(self.weight)
        self.dropout = nn.Dropout(0.5)
        self.project = nn.Linear(hidden_size, EMBEDDING_SIZE)

    def fold(self, projection: Tensor) -> bool:
        fold_into(self.project, projection)
        return True

    def gate(self, hidden: Tensor) -> Tensor:
        """The 0/1 gate of every channel, computed from the other channels only."""
        others = self.weight.T - torch.diag(torch.diagonal(self.weight))
        gate: Tensor = _Heaviside.apply(hidden @ others + self.bias)  # type: ignore[no-untyped-call]
        return gate

    def forward(self, frames: Frames) -> Tensor:
        hidden = frames.hidden[-1]
        projected = self.project(self.dropout(hidden * self.gate(hidden)))
        return masked_mean(projected, frames)


class GatedLinearUnit(Extractor):
    """Eq. 2: GLU(x) = Conv_A(x) * sigmoid(Conv_B(x)), kernel 32, stride 1, 1-D dropout 0.1, max over time.

    A clip under 32 frames (0.65 s) is right-padded with zeros to one kernel; windows that reach into the
    padding of a batch do not take part in the max.
    """

    kind = "glu"
    kernel = 32

    def __init__(self, hidden_size: int, layers: int = 1, size: int = EMBEDDING_SIZE) -> None:
        super().__init__(hidden_size, layers)
        self.embedding_size = size
        self.convolve = nn.Conv1d(hidden_size, size, self.kernel)
        self.gate = nn.Conv1d(hidden_size, size, self.kernel)
        self.dropout = nn.Dropout1d(0.1)

    def forward(self, frames: Frames) -> Tensor:
        hidden = (frames.hidden[-1] * frames.mask[:, :, None]).transpose(1, 2)
        hidden = nn.functional.pad(hidden, (0, max(0, self.kernel - hidden.shape[-1])))
        gated = self.dropout(self.convolve(hidden)) * torch.sigmoid(self.gate(hidden))
        usable = torch.clamp(frames.lengths - self.kernel + 1, min=1)
        beyond = torch.arange(gated.shape[-1], device=gated.device)[None, :] >= usable[:, None]
        pooled: Tensor = gated.masked_fill(beyond[:, None, :], -torch.inf).amax(-1)
        return pooled
