"""To the model's rate (16 kHz), whole or block by block, with the same result to float rounding.

torchaudio's polyphase resampler is a strided convolution: an output sample depends only on the inputs
within its kernel's reach. So a stream that keeps that reach of context on both sides, aligned to whole
periods of the two rates, gives the very samples that resampling the whole recording would give.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torchaudio.functional import resample

from engine.audio.decode import MODEL_RATE_HZ

Samples = NDArray[np.float32]

_KERNEL_ZEROS = 6  # torchaudio's lowpass_filter_width
_ROLLOFF = 0.99
_STEP_S = 0.05


def to_model_rate(samples: Samples, rate_hz: int) -> Samples:
    """Resample mono `samples` (n,) from `rate_hz` to 16 kHz; returns (ceil(n * 16000 / rate_hz),)."""
    if rate_hz == MODEL_RATE_HZ:
        return np.ascontiguousarray(samples, dtype=np.float32)
    resampled: Samples = resample(torch.from_numpy(np.ascontiguousarray(samples)), rate_hz, MODEL_RATE_HZ).numpy()
    return resampled


class StreamingResampler:
    """Resamples a stream of blocks; `feed` and `flush` together give what `to_model_rate` gives at once.

    It works in steps of its own (50 ms), whatever the sizes of the blocks, so that a microphone and a file
    give bit-equal samples.
    """

    def __init__(self, rate_hz: int) -> None:
        common = math.gcd(rate_hz, MODEL_RATE_HZ)
        self._rate_hz = rate_hz
        self._period_in = rate_hz // common
        self._period_out = MODEL_RATE_HZ // common
        reach = math.ceil(_KERNEL_ZEROS * self._period_in / (min(self._period_in, self._period_out) * _ROLLOFF))
        self._context_periods = math.ceil(reach / self._period_in) + 1
        self._step_periods = max(1, round(_STEP_S * rate_hz / self._period_in))
        self._pending = np.zeros(0, dtype=np.float32)
        self._left_periods = 0  # whole periods at the head of _pending whose output was given already
        self._total_in = 0
        self._total_out = 0

    def feed(self, samples: Samples) -> Samples:
        """Take the next block at the input rate; return what can be said of the output by now."""
        if self._rate_hz == MODEL_RATE_HZ:
            return np.ascontiguousarray(samples, dtype=np.float32)
        self._total_in += len(samples)
        self._pending = np.concatenate([self._pending, samples.astype(np.float32, copy=False)])
        steps = []
        while len(self._pending) >= self._period_in * (self._left_periods + self._step_periods + self._context_periods):
            steps.append(self._step())
        given = np.concatenate(steps) if steps else np.zeros(0, dtype=np.float32)
        self._total_out += len(given)
        return given

    def flush(self) -> Samples:
        """The rest of the output; the stream is over."""
        if self._rate_hz == MODEL_RATE_HZ or not len(self._pending):
            return np.zeros(0, dtype=np.float32)
        tail = to_model_rate(self._pending, self._rate_hz)[self._left_periods * self._period_out :]
        wanted = math.ceil(self._total_in * self._period_out / self._period_in) - self._total_out
        self._pending = np.zeros(0, dtype=np.float32)
        return tail[:wanted]

    def _step(self) -> Samples:
        """Output of the next step, from its own input and the context on both sides of it."""
        end = self._left_periods + self._step_periods
        whole = to_model_rate(self._pending[: (end + self._context_periods) * self._period_in], self._rate_hz)
        given = whole[self._left_periods * self._period_out : end * self._period_out]
        keep_from = max(0, end - self._context_periods)
        self._pending = self._pending[keep_from * self._period_in :]
        self._left_periods = end - keep_from
        return given
