"""LoRA (Hu et al. 2021): beside each linear map of the layers a product of two thin matrices is tuned, from zero."""

import math

import torch
from torch import Tensor, nn

from engine.encoder import EmotionEncoder
from engine.low_rank import Factors, merged

RANK = 8
SCALE = 2.0  # alpha / rank of the paper


class LowRank(nn.Module):
    """`linear`, which is left alone, and `down` (rank, in), `up` (out, rank) beside it."""

    def __init__(self, linear: nn.Linear, generator: torch.Generator) -> None:
        super().__init__()
        self.linear = linear
        bound = 1 / math.sqrt(linear.in_features)
        down = torch.rand(RANK, linear.in_features, generator=generator) * 2 * bound - bound
        self.down = nn.Parameter(down.to(linear.weight))
        self.up = nn.Parameter(linear.weight.new_zeros(linear.out_features, RANK))

    def forward(self, inputs: Tensor) -> Tensor:
        added = nn.functional.linear(nn.functional.linear(inputs, self.down), self.up)
        output: Tensor = self.linear(inputs) + SCALE * added
        return output

    @property
    def factors(self) -> Factors:
        """What is added to the weight, as A (rank, in) and B (out, rank)."""
        return self.down.detach(), SCALE * self.up.detach()


def add_low_rank(encoder: EmotionEncoder, seed: int) -> None:
    """Put a `LowRank` in place of every linear map of the transformer layers (attention and feed-forward)."""
    generator = torch.Generator().manual_seed(seed)
    for layer in encoder.backbone.transformer_layers:
        for module in list(layer.modules()):
            for name, child in module.named_children():
                if isinstance(child, nn.Linear) and min(child.weight.shape) > RANK:  # WavLM's gates are thinner
                    setattr(module, name, LowRank(child, generator))


def merge_low_rank(encoder: EmotionEncoder) -> dict[str, Factors]:
    """Take every `LowRank` out again, adding it to its weight; what was added, by the weight's name in `encoder`.

    The weights are new tensors: those that were there before may be another encoder's too.
    """
    added: dict[str, Factors] = {}
    for path, module in list(encoder.named_modules()):
        for name, child in module.named_children():
            if isinstance(child, LowRank):
                linear, factors = child.linear, child.factors
                linear.weight = nn.Parameter(merged(linear.weight, factors), requires_grad=False)
                setattr(module, name, linear)
                added[f"{path}.{name}.weight"] = factors
    return added
