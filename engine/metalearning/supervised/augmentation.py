"""Altered copies of a clip that keep its emotion: another voice, room, microphone, line, or noise around it.

The copies are what stops the networks from learning the training clips by heart: a sentence that only one
speaker said in one mood tells the mood by its words and its voice.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from engine.audio.decode import MODEL_RATE_HZ

Samples = NDArray[np.float32]

_PEAK = 0.7
_SLOWEST, _FASTEST = 0.86, 1.17  # beyond them a calm voice begins to sound excited


def altered(samples: Samples, random: np.random.Generator) -> Samples:
    """16 kHz samples (n,) to altered ones (m,), at most 17 % longer or shorter."""
    changed = _speed(samples.astype(np.float64), random)
    if random.random() < 0.4:
        changed = _room(changed, random)
    if random.random() < 0.4:
        changed = _microphone(changed, random)
    if random.random() < 0.25:
        changed = _line(changed, random)
    if random.random() < 0.5:
        changed = _noise(changed, random)
    levelled: Samples = (changed / (np.abs(changed).max() + 1e-6) * _PEAK).astype(np.float32)
    return levelled


def _speed(samples: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Pitch, formants and tempo together (Ko et al. 2015): in effect another speaker."""
    factor = float(np.exp(random.uniform(np.log(_SLOWEST), np.log(_FASTEST))))
    resampled: NDArray[np.float64] = signal.resample_poly(samples, 100, round(100 * factor))
    return resampled


def _room(samples: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Exponentially decaying noise as the impulse response; 0.1 to 0.6 s to fall by 60 dB."""
    length = int(random.uniform(0.1, 0.6) * MODEL_RATE_HZ)
    response = random.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    response[0] = 0.0
    response *= 10 ** (-random.uniform(0, 12) / 20) / np.sqrt(np.square(response).sum())
    response[0] = 1.0
    echoed: NDArray[np.float64] = signal.fftconvolve(samples, response)[: len(samples)]
    return echoed


def _microphone(samples: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """A frequency response that wanders by 8 dB up and down."""
    gains = 10 ** (random.uniform(-8, 8, 8) / 20)
    filtered: NDArray[np.float64] = signal.lfilter(signal.firwin2(101, np.linspace(0, 1, 8), gains), 1, samples)
    return filtered


def _line(samples: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """A band that ends at 3 to 7 kHz, as of telephones and low bit rates."""
    sections = signal.butter(6, random.uniform(3000, 7000), fs=MODEL_RATE_HZ, output="sos")
    filtered: NDArray[np.float64] = signal.sosfilt(sections, samples)
    return filtered


def _noise(samples: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """White to brown noise, 8 to 35 dB below the speech."""
    white = random.standard_normal(len(samples))
    noise: NDArray[np.float64] = signal.lfilter([1], [1, -random.uniform(0, 0.98)], white)
    below = 10 ** (-random.uniform(8, 35) / 20)
    gain = np.sqrt(np.square(samples).mean() / (np.square(noise).mean() + 1e-12)) * below
    louder: NDArray[np.float64] = samples + gain * noise
    return louder
