"""From frames to one embedding: the three extractors of the main paper (section 3.2) and a weightless one.

All take `Frames` and return (clips, embedding size); padded frames never take part.
"""

from typing import Any

import torch
from torch import Tensor, nn

from engine.backbones.protocol import Frames

EMBEDDING_SIZE = 256  # section 4.4


class Extractor(nn.Module):
    """Base of all extractors. The paper's three work on the last layer read, `pooling` on all of them."""

    embedding_size: int
    kind: str

    def specification(self) -> dict[str, Any]:
        """JSON from which `build_extractor` makes the same architecture again."""
        return {"kind": self.kind, "hidden_size": self.hidden_size, "layers": self.layers}

    def __init__(self, hidden_size: int, layers: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.layers = layers


class MeanPooling(Extractor):
    """Mean over time of every layer read, each brought to unit length: no weights, nothing to meta-train.

    What stands in for an extractor until a meta-trained one is there. The standard deviation over time beside
    the mean (Snyder et al. 2018) costs 3 to 5 points in every cell measured, so it is left out (results log).
    """

    kind = "pooling"

    def __init__(self, hidden_size: int, layers: int) -> None:
        super().__init__(hidden_size, layers)
        self.embedding_size = hidden_size * layers

    def forward(self, frames: Frames) -> Tensor:
        means = [_masked_mean(layer, frames) for layer in frames.hidden]
        return torch.cat([nn.functional.normalize(mean, dim=-1) for mean in means], dim=-1)


class MeanFC(Extractor):
    """Mean over time, dropout, one fully connected layer."""

    kind = "mean-fc"

    def __init__(self, hidden_size: int, layers: int = 1) -> None:
        super().__init__(hidden_size, layers)
        self.embedding_size = EMBEDDING_SIZE
        self.dropout = nn.Dropout(0.5)
        self.project = nn.Linear(hidden_size, EMBEDDING_SIZE)

    def forward(self, frames: Frames) -> Tensor:
        projected: Tensor = self.project(self.dropout(_masked_mean(frames.hidden[-1], frames)))
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

    def gate(self, hidden: Tensor) -> Tensor:
        """The 0/1 gate of every channel, computed from the other channels only."""
        others = self.weight.T - torch.diag(torch.diagonal(self.weight))
        gate: Tensor = _Heaviside.apply(hidden @ others + self.bias)  # type: ignore[no-untyped-call]
        return gate

    def forward(self, frames: Frames) -> Tensor:
        hidden = frames.hidden[-1]
        projected = self.project(self.dropout(hidden * self.gate(hidden)))
        return _masked_mean(projected, frames)


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


def _masked_mean(values: Tensor, frames: Frames) -> Tensor:
    """Mean over the real frames of (clips, frames, channels)."""
    return (values * frames.mask[:, :, None]).sum(1) / frames.lengths[:, None]


_KINDS: dict[str, type[Extractor]] = {
    extractor.kind: extractor for extractor in (MeanPooling, MeanFC, LateralInhibition, GatedLinearUnit)
}


def build_extractor(specification: dict[str, Any]) -> Extractor:
    """The extractor that `specification` describes, with fresh weights. KeyError on an unknown kind."""
    return _KINDS[specification["kind"]](specification["hidden_size"], specification["layers"])
