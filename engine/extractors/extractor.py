"""What every extractor is: frames in, one embedding a clip out."""

from typing import Any

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


def masked_mean(values: Tensor, frames: Frames) -> Tensor:
    """Mean over the real frames of (clips, frames, channels)."""
    return (values * frames.mask[:, :, None]).sum(1) / frames.lengths[:, None]
