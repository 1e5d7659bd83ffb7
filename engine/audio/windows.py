"""Windows of a long clip. Nothing is cut off: a clip over 9.375 s becomes several windows.

9.375 s (150,000 samples) is the main paper's limit (section 4.2), which filters longer clips out; a field
recording cannot be thrown away, so it is split instead and its windows' answers are averaged by duration.
"""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.audio.decode import MAX_CLIP_S, MIN_CLIP_S, MODEL_RATE_HZ, iter_audio, probe_audio
from engine.audio.resample import StreamingResampler

Samples = NDArray[np.float32]
Windows = tuple[Samples, ...]

WINDOW_SAMPLES = round(MAX_CLIP_S * MODEL_RATE_HZ)
MIN_WINDOW_SAMPLES = round(MIN_CLIP_S * MODEL_RATE_HZ)


class Windower:
    """A stream of 16 kHz blocks to consecutive windows of 9.375 s, and a last one of 0.1 s or more."""

    def __init__(self) -> None:
        self._pending = np.zeros(0, dtype=np.float32)

    def feed(self, samples: Samples) -> list[Samples]:
        """Take a block (n,); return the windows that are complete."""
        self._pending = np.concatenate([self._pending, samples])
        complete = []
        while len(self._pending) > WINDOW_SAMPLES:  # not >=: a clip of exactly one window is the rest at the end
            complete.append(self._pending[:WINDOW_SAMPLES])
            self._pending = self._pending[WINDOW_SAMPLES:]
        return complete

    def flush(self) -> list[Samples]:
        """The rest, unless it is too short (under 0.1 s) to be heard as anything."""
        rest, self._pending = self._pending, self._pending[:0]
        return [rest] if len(rest) >= MIN_WINDOW_SAMPLES else []


def read_windows(path: Path, most: int) -> list[Samples]:
    """Windows of a file at 16 kHz, in bounded memory; at most `most`, spread evenly over a long file.

    Raises AudioError.
    """
    info = probe_audio(path)
    total = max(1, math.ceil(info.duration_s / MAX_CLIP_S))
    wanted = set(np.linspace(0, total - 1, min(most, total)).round().astype(int).tolist())
    resampler, windower = StreamingResampler(info.rate_hz), Windower()
    windows: list[Samples] = []
    index = 0
    for block in iter_audio(path):
        for window in windower.feed(resampler.feed(block)):
            if index in wanted:
                windows.append(window)
            index += 1
    rest = windower.feed(resampler.flush()) + windower.flush()
    return windows + [window for offset, window in enumerate(rest) if index + offset in wanted or not windows]
