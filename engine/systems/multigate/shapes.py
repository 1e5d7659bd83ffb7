"""What a feature stream looks like to the network: how its channels are read, and the sizes of what encodes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor, nn

from engine.backbones.protocol import Frames
from engine.extractors import pool_pairs


class Reading(StrEnum):
    """How a stream's channels at 50 frames a second are read.

    STACKED: two neighbouring steps of 10 ms side by side, taken apart again. PAIRS: means of two frames, 25 steps a
    second. VECTOR: one vector, the same in every frame.
    """

    STACKED = "stacked"
    PAIRS = "pairs"
    VECTOR = "vector"


STEPS_PER_S = {Reading.STACKED: 100, Reading.PAIRS: 25}


@dataclass(frozen=True)
class StreamShape:
    """size: channels in a frame. The rest are sizes of its encoder (section 5.1), unless it is a vector.

    kernels: of either width; pooling: steps that are one for the LSTM, whose time goes with their number.
    """

    name: str
    size: int
    reading: Reading
    kernels: int = 64
    lstm: int = 128
    lstm_layers: int = 1
    attention: int = 256
    pooling: int = 1

    @property
    def channels(self) -> int:
        """Of a step as it is read."""
        return self.size // 2 if self.reading is Reading.STACKED else self.size

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> "StreamShape":
        """From the values of `dataclasses.asdict`. Raises KeyError, TypeError, ValueError."""
        return cls(**{**facts, "reading": Reading(facts["reading"])})


Steps = tuple[Tensor, Tensor]  # values (clips, steps, channels) and mask (clips, steps); a vector is one step


def read_steps(frames: Frames, reading: Reading) -> Steps:
    """A stream's own frames (layers, clips, frames, channels) as it is read."""
    if reading is Reading.PAIRS:
        return pool_pairs(frames)
    if reading is Reading.VECTOR:
        first = frames.hidden[-1][:, :1]
        return first, torch.ones_like(first[:, :, 0], dtype=torch.bool)
    clips, length, channels = frames.hidden[-1].shape
    steps = frames.hidden[-1].reshape(clips, 2 * length, channels // 2)
    return steps, frames.mask.repeat_interleave(2, dim=1)


def pad_steps(clips: list[Tensor]) -> Steps:
    """Steps of several clips, (steps, channels) each, without padding, as one."""
    lengths = torch.tensor([len(clip) for clip in clips], device=clips[0].device)
    values = nn.utils.rnn.pad_sequence(clips, batch_first=True)
    return values, torch.arange(values.shape[1], device=values.device)[None, :] < lengths[:, None]
