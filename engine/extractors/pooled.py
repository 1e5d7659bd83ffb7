"""What the extractors of the compact base share: they look at neighbouring frames two by two."""

from abc import abstractmethod

from torch import Tensor, nn

from engine.backbones.protocol import Frames
from engine.extractors.extractor import Extractor

_FRAMES = 2  # 20 ms apart they say nearly the same; their mean halves the work, and the disk that training needs


class PooledExtractor(Extractor):
    """An extractor on pairs of frames, which training can compute once and keep."""

    def forward(self, frames: Frames) -> Tensor:
        return self.pool(*pool_pairs(frames))

    @abstractmethod
    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Pooled frames (clips, steps, layers * hidden size), mask (clips, steps) to (clips, embedding size)."""


def pool_pairs(frames: Frames) -> tuple[Tensor, Tensor]:
    """Means of neighbouring frames, all layers side by side: (clips, steps, layers * hidden size), and their mask.

    The odd last frame of a clip stands alone, whatever the clip's batch is padded to.
    """
    layers, clips, length, channels = frames.hidden.shape
    hidden = frames.hidden.permute(1, 2, 0, 3).reshape(clips, length, layers * channels)
    hidden = nn.functional.pad(hidden * frames.mask[:, :, None], (0, 0, 0, length % _FRAMES))
    mask = nn.functional.pad(frames.mask, (0, length % _FRAMES))
    counts = mask.reshape(clips, -1, _FRAMES).sum(-1)
    summed = hidden.reshape(clips, -1, _FRAMES, layers * channels).sum(2)
    return summed / counts.clamp(min=1)[:, :, None], counts > 0
