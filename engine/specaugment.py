"""SpecAugment (Park et al. 2019): spans of time and spans of channels are masked.

Where the masks act is the backbone's matter: on the log-mel spectrogram of the compact encoder, after the
feature projection of a wav2vec2-type model (method of the library's own pre-training). Drawing them here,
from one torch generator, keeps the model in eval mode and a run repeatable.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ClipMasks:
    """What is masked of one clip, on the CPU: `time` (frames,) and `channels` (channels,), boolean."""

    time: Tensor
    channels: Tensor


@dataclass(frozen=True)
class SpecAugment:
    """Strength of the masks: expected masked share of time and of channels, and the length of one span."""

    time_probability: float = 0.15
    time_span_s: float = 0.2
    channel_probability: float = 0.1
    channel_span_fraction: float = 0.1

    def draw(self, frames: int, channels: int, frame_rate_hz: float, generator: torch.Generator) -> ClipMasks:
        """Masks of one clip, so that they do not depend on what it shares a batch with."""
        return ClipMasks(
            time=self.time_mask(torch.tensor([frames]), frame_rate_hz, generator)[0],
            channels=self.channel_mask(1, channels, generator)[0],
        )

    def time_mask(self, lengths: Tensor, frame_rate_hz: float, generator: torch.Generator) -> Tensor:
        """Boolean (clips, max(lengths)): True where a frame is masked; never over half of a clip."""
        mask = torch.zeros(len(lengths), int(lengths.max()), dtype=torch.bool)
        for row, length in enumerate(lengths.tolist()):
            span = max(1, min(round(self.time_span_s * frame_rate_hz), length // 4))
            _mask_spans(mask[row, :length], span, self.time_probability, generator)
        return mask

    def channel_mask(self, clips: int, channels: int, generator: torch.Generator) -> Tensor:
        """Boolean (clips, channels): True where a channel is masked for the whole clip."""
        mask = torch.zeros(clips, channels, dtype=torch.bool)
        span = max(1, round(self.channel_span_fraction * channels))
        for row in mask:
            _mask_spans(row, span, self.channel_probability, generator)
        return mask


def _mask_spans(row: Tensor, span: int, probability: float, generator: torch.Generator) -> None:
    """Mask spans of `row` in place; their number is rounded at random so that its mean is right."""
    length = len(row)
    wanted = probability * length / span
    count = int(wanted + float(torch.rand((), generator=generator)))
    count = min(count, length // (2 * span))
    for _ in range(count):
        start = int(torch.randint(0, length - span + 1, (), generator=generator))
        row[start : start + span] = True
