"""Milliseconds from samples to an embedding, and how near a batch comes to the least time that its sums take."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from engine.audio.decode import MODEL_RATE_HZ
from engine.bench.arithmetic import count_flops, seconds_of
from engine.bench.subjects import CLIP_S, Samples
from engine.encoder import EmotionEncoder

LENGTHS_S = (1.0, 2.0, 3.0, 5.0)
BATCH = 16
_REPEATS, _WARM_UP = 30, 3


@torch.inference_mode()
def latencies_ms(
    encoder: EmotionEncoder, recording: Samples, length_s: float, device: torch.device
) -> tuple[float, float]:
    """Median and 95th percentile of one clip of `length_s` at a time, each cut from another place."""
    length = round(length_s * MODEL_RATE_HZ)
    times = []
    for turn in range(_REPEATS + _WARM_UP):
        start = (turn * length) % (len(recording) - length)
        times.append(1000 * seconds_of(partial(_embed, encoder, [recording[start : start + length]]), device))
    middle, high = np.percentile(times[_WARM_UP:], [50, 95])
    return float(middle), float(high)


@torch.inference_mode()
def batch_seconds(encoder: EmotionEncoder, recording: Samples, device: torch.device) -> tuple[float, int]:
    """The best of some runs over 16 clips of 3 s together, front end included, and its operations."""
    length = round(CLIP_S * MODEL_RATE_HZ)
    clips = [recording[number * length : (number + 1) * length] for number in range(BATCH)]

    work = partial(_embed, encoder, clips)
    flops = count_flops(work)
    return min(seconds_of(work, device) for _ in range(3)), flops


def _embed(encoder: EmotionEncoder, clips: Sequence[Samples]) -> None:
    encoder.embed([encoder.front_end(clip) for clip in clips])
