"""What every extractor is: frames in, one embedding a clip out."""

from typing import Any

import torch
from torch import Tensor, nn

from engine.backbones.protocol import Frames


class Extractor(nn.Module):
    """Base of all extractors. The paper's three work on the last layer read, `pooling` on all of them."""

    embedding_size: int
    kind: str
    blocks: int = 1  # parts of equal size, a layer each, that an embedding is made of (`engine.heads.frame`)

    def specification(self) -> dict[str, Any]:
        """JSON from which `build_extractor` makes the same architecture again."""
        return {"kind": self.kind, "hidden_size": self.hidden_size, "layers": self.layers}

    def __init__(self, hidden_size: int, layers: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.layers = layers

    def fold(self, projection: Tensor) -> bool:  # noqa: ARG002
        """Make `projection` (embedding size, embedding size) part of the weights: embeddings come out projected.

        False, and nothing is changed, of a kind whose last step is not linear.
        """
        return False


def fold_into(layer: nn.Linear, projection: Tensor) -> None:
    """Make `projection` (outputs, outputs) part of `layer`, on whose outputs it would come next."""
    with torch.no_grad():
        layer.weight.copy_(exact_product(layer.weight.T, projection).T)
        layer.bias.copy_(exact_product(layer.bias, projection))


def exact_product(one: Tensor, other: Tensor) -> Tensor:
    """`one` @ `other` in the type of `one`, rounded once: a base's fingerprint is to be the same on other machines."""
    return (one.double() @ other.double()).to(one.dtype)


def masked_mean(values: Tensor, frames: Frames) -> Tensor:
    """Mean over the real frames of (clips, frames, channels)."""
    return (values * frames.mask[:, :, None]).sum(1) / frames.lengths[:, None]
