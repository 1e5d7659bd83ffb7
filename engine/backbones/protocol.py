"""What the rest of the engine needs of a pre-trained speech encoder."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.specaugment import SpecAugment


@dataclass(frozen=True)
class Frames:
    """Hidden states of the layers that were asked for.

    hidden: (layers read, clips, frames, hidden size); lengths: (clips,) real frames, the rest is padding.
    """

    hidden: Tensor
    lengths: Tensor

    @property
    def mask(self) -> Tensor:
        """Boolean (clips, frames): True on real frames."""
        steps = torch.arange(self.hidden.shape[2], device=self.hidden.device)
        return steps[None, :] < self.lengths[:, None]


class Backbone(nn.Module, ABC):
    """An encoder from 16 kHz samples to frames.

    `front_end` is fixed (nothing in it is ever trained), so its output can be computed once a clip and kept;
    `encode` is the part that adaptation trains. A clip's frames do not depend on what else is in its batch.
    """

    hidden_size: int
    read_layers: tuple[int, ...]  # 0 is the input of the first transformer layer, k the output of the k-th

    @abstractmethod
    def front_end(self, samples: Tensor) -> Tensor:
        """Samples (n,) at 16 kHz to this encoder's input, time last."""

    @abstractmethod
    def encode(
        self,
        inputs: Sequence[Tensor],
        augment: SpecAugment | None = None,
        generator: torch.Generator | None = None,
    ) -> Frames:
        """Front-end outputs of several clips to frames; `augment` masks them, drawing from `generator`."""

    @property
    @abstractmethod
    def transformer_layers(self) -> nn.ModuleList:
        """The transformer layers, the lowest first."""

    @abstractmethod
    def can_share_batch(self, shortest: int, longest: int) -> bool:
        """Whether inputs of these two lengths may be padded together: exactly, and without much waste."""

    @abstractmethod
    def specification(self) -> dict[str, Any]:
        """JSON from which `build_backbone` makes the same architecture again."""
