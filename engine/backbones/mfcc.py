"""MFCCs as frames: a backbone without weights, for networks that are trained on them from nothing."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.audio.mfcc import Mfcc
from engine.backbones.protocol import Backbone
from engine.specaugment import ClipMasks, SpecAugment

_RATE_HZ = 100.0


class MfccBackbone(Backbone):
    """`coefficients` MFCCs, 100 frames a second; there are no layers, and layer 0 is what is read."""

    kind = "mfcc"

    def __init__(self, coefficients: int = 40, *, normalised: bool = True) -> None:
        super().__init__()
        self.hidden_size = coefficients
        self.read_layers = (0,)
        self.mfcc = Mfcc(coefficients, normalised=normalised)
        self.layers = nn.ModuleList()

    def front_end(self, samples: Tensor) -> Tensor:
        """Samples (n,) to MFCCs (coefficients, n // 160)."""
        cepstra: Tensor = self.mfcc(samples)
        return cepstra

    def draw_masks(self, inputs: Sequence[Tensor], augment: SpecAugment, generator: torch.Generator) -> list[ClipMasks]:
        return [augment.draw(each.shape[-1], each.shape[0], _RATE_HZ, generator) for each in inputs]

    def first_state(self, inputs: Sequence[Tensor], masks: Sequence[ClipMasks] | None) -> tuple[Tensor, list[int]]:
        if masks is not None:
            inputs = [
                each.masked_fill((of_clip.channels[:, None] | of_clip.time[None, :]).to(each.device), 0.0)
                for each, of_clip in zip(inputs, masks, strict=True)
            ]
        padded = nn.utils.rnn.pad_sequence([each.T for each in inputs], batch_first=True)
        return padded, [each.shape[-1] for each in inputs]

    def run_layer(self, index: int, state: Tensor, surroundings: Any) -> Tensor:  # noqa: ARG002
        raise IndexError(f"MFCCs have no layer {index}")

    def specification(self) -> dict[str, Any]:
        return {"kind": self.kind, "coefficients": self.hidden_size, "normalised": self.mfcc.normalised}
