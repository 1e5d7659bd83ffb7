"""To the model's rate (16 kHz), whole or block by block, with the same result to float rounding.

torchaudio's polyphase resampler is a strided convolution: an output sample depends only on the inputs
within its kernel's reach. So a stream that keeps that reach of context on both sides, aligned to whole
periods of the two rates, gives the very samples that resampling the whole recording would give.
"""

import math
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torchaudio.transforms import Resample

from engine.audio.decode import MODEL_RATE_HZ

Samples = NDArray[np.float32]

_KERNEL_ZEROS = 6  # torchaudio's lowpass_filter_width
_ROLLOFF = 0.99
_STEP_S = 0.05
# The kernel has about as many weights as a period of the one rate has samples times a period of the other: 282,240 at
# 11,025 Hz, but 89 million at 22,254 Hz, where 3 s took 43 s and 2 GB.
_MOST_WEIGHTS = 1_000_000


def to_model_rate(samples: Samples, rate_hz: int) -> Samples:
    """Resample mono `samples` (n,) from `rate_hz` to 16 kHz; returns (ceil(n * 16000 / rate_hz),).

    An odd rate is taken for its `_simple_ratio` to 16 kHz, the length too.
    """
    ratio = _simple_ratio(rate_hz)
    if ratio == 1:
        return np.ascontiguousarray(samples, dtype=np.float32)
    return _resampled(_resampler(ratio), samples)


def _simple_ratio(rate_hz: int) -> Fraction:
    """`rate_hz` / 16 kHz, or the nearest ratio whose kernel is small, where that of the rate itself is not.

    The pitch and the length are then off by 0.05 % at worst, at 15,992 Hz, and by less than 0.001 % at 22,254 or
    11,127 Hz: nobody hears 0.05 %, a hundredth of a semitone. It is less than one sample in 0.1 s, so that a clip
    which is just long enough remains so.
    """
    ratio = Fraction(rate_hz, MODEL_RATE_HZ)
    if ratio.numerator * ratio.denominator <= _MOST_WEIGHTS:
        return ratio
    return ratio.limit_denominator(math.isqrt(_MOST_WEIGHTS * MODEL_RATE_HZ // rate_hz))


def _resampler(ratio: Fraction) -> Resample:
    # in single precision, as torchaudio's function makes it for such samples; the class alone would use double
    return Resample(ratio.numerator, ratio.denominator, dtype=torch.float32)


def _resampled(resampler: Resample, samples: Samples) -> Samples:
    resampled: Samples = resampler(torch.from_numpy(np.ascontiguousarray(samples))).numpy()
    return resampled


class StreamingResampler:
    """Resamples a stream of blocks; `feed` and `flush` together give what `to_model_rate` gives at once.

    It works in steps of its own (50 ms), whatever the sizes of the blocks, so that a microphone and a file
    give bit-equal samples.
    """

    def __init__(self, rate_hz: int) -> None:
        ratio = _simple_ratio(rate_hz)
        self._resampler = None if ratio == 1 else _resampler(ratio)  # kept: making the kernel takes longer than a step
        self._period_in, self._period_out = ratio.numerator, ratio.denominator
        reach = math.ceil(_KERNEL_ZEROS * self._period_in / (min(self._period_in, self._period_out) * _ROLLOFF))
        self._context_periods = math.ceil(reach / self._period_in) + 1
        self._step_periods = max(1, round(_STEP_S * rate_hz / self._period_in))
        self._pending = np.zeros(0, dtype=np.float32)
        self._left_periods = 0  # whole periods at the head of _pending whose output was given already
        self._total_in = 0
        self._total_out = 0

    def feed(self, samples: Samples) -> Samples:
        """Take the next block at the input rate; return what can be said of the output by now."""
        if self._resampler is None:
            return np.ascontiguousarray(samples, dtype=np.float32)
        self._total_in += len(samples)
        self._pending = np.concatenate([self._pending, samples.astype(np.float32, copy=False)])
        steps = []
        while len(self._pending) >= self._period_in * (self._left_periods + self._step_periods + self._context_periods):
            steps.append(self._step(self._resampler))
        given = np.concatenate(steps) if steps else np.zeros(0, dtype=np.float32)
        self._total_out += len(given)
        return given

    def flush(self) -> Samples:
        """The rest of the output; the stream is over."""
        if self._resampler is None or not len(self._pending):
            return np.zeros(0, dtype=np.float32)
        tail = _resampled(self._resampler, self._pending)[self._left_periods * self._period_out :]
        wanted = math.ceil(self._total_in * self._period_out / self._period_in) - self._total_out
        self._pending = np.zeros(0, dtype=np.float32)
        return tail[:wanted]

    def _step(self, resampler: Resample) -> Samples:
        """Output of the next step, from its own input and the context on both sides of it."""
        end = self._left_periods + self._step_periods
        whole = _resampled(resampler, self._pending[: (end + self._context_periods) * self._period_in])
        given = whole[self._left_periods * self._period_out : end * self._period_out]
        keep_from = max(0, end - self._context_periods)
        self._pending = self._pending[keep_from * self._period_in :]
        self._left_periods = end - keep_from
        return given
