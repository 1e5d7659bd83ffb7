"""How loud a microphone is, for a meter that misses no peak however seldom it is read."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

METER_S = 0.3  # the rms is over this long
FLOOR_DBFS = -120.0
CLIP_LEVEL = 0.999

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Level:
    """`peak_dbfs` is since the last reading, `clipped` holds until `reset_clip_hold`."""

    peak_dbfs: float
    rms_dbfs: float
    clipped: bool


class LevelMeter:
    """Told of every block by one thread, read by another."""

    def __init__(self, rate_hz: int) -> None:
        self.clipped = False
        self._window = round(METER_S * rate_hz)
        self._recent: Samples = np.zeros(0, dtype=np.float32)
        self._peak = 0.0
        self._fresh = False
        self._shown_peak = 0.0

    def reset_clip_hold(self) -> None:
        self.clipped = False

    def hear(self, new: Samples) -> None:
        """Take in the next samples, shape (n,), n > 0."""
        peak = float(np.abs(new).max())
        self._peak = max(self._peak, peak)
        self._recent = np.concatenate([self._recent, new])[-self._window :]
        self._fresh = True
        if peak >= CLIP_LEVEL:
            self.clipped = True

    def read(self) -> Level:
        """The level now; the peak is over all that came since the last reading."""
        if self._fresh:  # two readings in a row must not show a gap where nothing new has come yet
            self._shown_peak, self._peak, self._fresh = self._peak, 0.0, False
        recent = self._recent
        rms = float(np.sqrt(np.mean(np.square(recent)))) if len(recent) else 0.0
        return Level(_dbfs(self._shown_peak), _dbfs(rms), self.clipped)


def _dbfs(amplitude: float) -> float:
    return max(FLOOR_DBFS, 20.0 * math.log10(amplitude)) if amplitude > 0 else FLOOR_DBFS
