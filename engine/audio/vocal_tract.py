"""Vocal tract length perturbation (Jaitly & Hinton 2013) of log-mel spectrograms: the same words from another throat.

A longer vocal tract has its resonances lower. Moving the bands of a spectrogram along the frequency axis is far
cheaper than resampling the sound, so that training can hear a clip from another throat in every step.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.audio.decode import MODEL_RATE_HZ

_HIGHEST_HZ = MODEL_RATE_HZ / 2
_BEND_HZ = 4800.0  # above the formants that tell vowels apart the scale bends back to end where it ended
# Slaney's mel scale, which Whisper's filters are on: linear up to 1 kHz, then logarithmic
_KNEE_HZ, _HZ_PER_MEL = 1000.0, 200 / 3
_KNEE_MEL, _LOG_STEP = _KNEE_HZ / _HZ_PER_MEL, np.log(6.4) / 27

Floats = NDArray[np.float64]


def stretch_matrix(bins: int, factor: float) -> Tensor:
    """(bins, bins), to be multiplied with a spectrogram (bins, frames) of `engine.audio.log_mel`.

    What was at frequency f lies at f / factor then, up to 4.8 kHz: a factor over 1 is a longer vocal tract.
    """
    centres = _to_mel(_HIGHEST_HZ) * np.arange(1, bins + 1) / (bins + 1)
    # the bin, not a whole number, that each new bin takes its value from
    position = np.interp(_to_mel(_source_hz(_to_hz(centres), factor)), centres, np.arange(bins))
    lower = np.minimum(position.astype(int), bins - 2)
    share = position - lower
    matrix = np.zeros((bins, bins), dtype=np.float32)
    rows = np.arange(bins)
    matrix[rows, lower] = 1 - share
    matrix[rows, lower + 1] += share
    return torch.from_numpy(matrix)


def _source_hz(hz: Floats, factor: float) -> Floats:
    """Jaitly & Hinton, section 2: linear up to the bend, then linear to the same end."""
    bend = _BEND_HZ * min(factor, 1.0)
    above = _HIGHEST_HZ - (_HIGHEST_HZ - bend) / (_HIGHEST_HZ - bend / factor) * (_HIGHEST_HZ - hz)
    source: Floats = np.where(hz <= bend / factor, hz * factor, above)
    return source


def _to_mel(hz: Floats | float) -> Floats:
    logarithmic = _KNEE_MEL + np.log(np.maximum(hz, _KNEE_HZ) / _KNEE_HZ) / _LOG_STEP
    mel: Floats = np.where(np.less(hz, _KNEE_HZ), np.divide(hz, _HZ_PER_MEL), logarithmic)
    return mel


def _to_hz(mel: Floats) -> Floats:
    logarithmic = _KNEE_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _KNEE_MEL) - _KNEE_MEL))
    hz: Floats = np.where(mel < _KNEE_MEL, mel * _HZ_PER_MEL, logarithmic)
    return hz
