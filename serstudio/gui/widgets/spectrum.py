"""A clip as the eye sees it: a min/max envelope and a log-mel picture, in numpy alone. No Qt.

Both are for looking at; the engine has its own features.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FLOOR_DB = -75.0
TOP_HZ = 8_000.0


@dataclass(frozen=True)
class ClipPicture:
    """What the plots of one clip show.

    `envelope`: (columns, 2) minimum and maximum; `mel`: (frames, bands) in 0..1; both span `duration_s`.
    """

    samples: NDArray[np.float32]
    rate_hz: int
    envelope: NDArray[np.float32]
    mel: NDArray[np.float32]
    shown_s: float
    duration_s: float


def envelope_of(samples: NDArray[np.float32], columns: int = 1600) -> NDArray[np.float32]:
    """Minimum and maximum of each of `columns` equal pieces, shape (columns, 2)."""
    columns = max(1, min(columns, samples.size))
    edges = np.linspace(0, samples.size, columns, endpoint=False).astype(np.int64)
    if not samples.size:
        return np.zeros((1, 2), np.float32)
    low = np.minimum.reduceat(samples, edges)
    high = np.maximum.reduceat(samples, edges)
    return np.stack([low, high], axis=1).astype(np.float32)


def band_of(hz: float, rate_hz: int, bands: int) -> float:
    """Where a frequency lies in the picture, in bands from the bottom."""
    top_hz = min(TOP_HZ, rate_hz / 2)
    return bands * float(np.log10(1 + hz / 700) / np.log10(1 + top_hz / 700))


@lru_cache(maxsize=8)
def mel_matrix(rate_hz: int, size: int, bands: int) -> NDArray[np.float32]:
    """Triangular mel filters, shape (size // 2 + 1, bands), up to 8 kHz or half the rate."""
    top_hz = min(TOP_HZ, rate_hz / 2)
    mels = np.linspace(0.0, 2595 * np.log10(1 + top_hz / 700), bands + 2)
    centres_hz = 700 * (10 ** (mels / 2595) - 1)
    bins_hz = np.fft.rfftfreq(size, 1 / rate_hz)[:, None]
    width_hz = max(rate_hz / size, 1.0)  # a low band is never narrower than a bin, or it would be empty
    rising = (bins_hz - centres_hz[:-2]) / np.maximum(np.diff(centres_hz)[:-1], width_hz)
    falling = (centres_hz[2:] - bins_hz) / np.maximum(np.diff(centres_hz)[1:], width_hz)
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def mel_frames(samples: NDArray[np.float32], rate_hz: int, bands: int = 96, frames: int = 1200) -> NDArray[np.float32]:
    """At most about `frames` log-mel columns in 0..1 (0 = 75 dB under the loudest), shape (frames, bands)."""
    size = 1 << int(np.ceil(np.log2(max(256, rate_hz * 0.032))))
    if samples.size < size:
        samples = np.pad(samples, (0, size - samples.size))
    hop = max(round(rate_hz * 0.008), (samples.size - size) // frames, 1)
    starts = np.arange(0, samples.size - size + 1, hop)
    window = np.hanning(size).astype(np.float32)
    weights = mel_matrix(rate_hz, size, bands)
    power = np.empty((starts.size, bands), np.float32)
    for begin in range(0, starts.size, 256):  # in pieces, so that a long clip needs little memory
        piece = starts[begin : begin + 256, None] + np.arange(size)
        spectrum = np.abs(np.fft.rfft(samples[piece] * window, axis=1)).astype(np.float32) ** 2
        power[begin : begin + 256] = spectrum @ weights
    level_db = 10 * np.log10(power + 1e-10)
    top_db = max(float(level_db.max()), -40.0)
    scaled: NDArray[np.float32] = np.clip((level_db - top_db - FLOOR_DB) / -FLOOR_DB, 0.0, 1.0)
    return scaled.astype(np.float32)


def live_columns(samples: NDArray[np.float32], rate_hz: int, hop: int, bands: int = 96) -> NDArray[np.float32]:
    """Columns every `hop` samples on a fixed scale (-85..-10 dB full scale), for a scrolling picture."""
    size = 1 << int(np.ceil(np.log2(max(256, rate_hz * 0.032))))
    starts = np.arange(0, samples.size - size + 1, hop)
    if not starts.size:
        return np.zeros((0, bands), np.float32)
    window = np.hanning(size).astype(np.float32)
    pieces = samples[starts[:, None] + np.arange(size)] * window
    spectrum = (np.abs(np.fft.rfft(pieces, axis=1)) / (size / 4)).astype(np.float32) ** 2
    level_db = 10 * np.log10(spectrum @ mel_matrix(rate_hz, size, bands) + 1e-10)
    scaled: NDArray[np.float32] = np.clip((level_db + 85.0) / 75.0, 0.0, 1.0).astype(np.float32)
    return scaled
