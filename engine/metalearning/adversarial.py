"""Domain-adversarial training (Ganin et al. 2016; main paper, sections 3.4 and 4.4).

A discriminator learns to tell the corpus from the backbone's frames; its gradient reaches the backbone reversed
and scaled, so that the backbone unlearns what tells corpora apart.
"""

from typing import Any

import torch
from torch import Tensor, nn

from engine.backbones.protocol import Frames
from engine.extractors import GatedLinearUnit


class _GradientReversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return inputs.view_as(inputs)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * grads[0], None


def reverse_gradient(inputs: Tensor, strength: float) -> Tensor:
    """The same values; backwards their gradient is multiplied by -strength (the paper's lambda)."""
    reversed_: Tensor = _GradientReversal.apply(inputs, strength)  # type: ignore[no-untyped-call]
    return reversed_


class CorpusDiscriminator(nn.Module):
    """A GLU with one output a corpus, on the last layer read (section 4.4), behind the reversal."""

    def __init__(self, hidden_size: int, corpora: int, strength: float) -> None:
        super().__init__()
        self.glu = GatedLinearUnit(hidden_size, size=corpora)
        self.strength = strength

    def forward(self, frames: Frames) -> Tensor:
        """Frames of several clips to logits (clips, corpora)."""
        reversed_ = reverse_gradient(frames.hidden[-1:], self.strength)
        logits: Tensor = self.glu(Frames(reversed_, frames.lengths))
        return logits
