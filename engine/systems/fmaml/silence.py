"""Clips of silence, made of the room tone that is in recordings of speech.

The paper's clips of silence "were self-generated" (section 4.1) and it does not say how. Noise that no room of the
corpus has would be told apart by that alone; what a user's silence is made of is between his own words.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.audio.decode import MODEL_RATE_HZ

Samples = NDArray[np.float32]

_STRETCH = round(0.3 * MODEL_RATE_HZ)  # longer ones have speech in them in most corpora
_FADE = round(0.03 * MODEL_RATE_HZ)
_FRAME = round(0.01 * MODEL_RATE_HZ)
_LEAST_DB, _MOST_DB = -12.0, 6.0  # of another level than the corpus's own, as other microphones have


def quietest_stretch(samples: Samples, length: int = _STRETCH) -> Samples:
    """The `length` samples of `samples` (n,) with the least energy, to 10 ms; all of a shorter clip."""
    frames = len(samples) // _FRAME
    wanted = length // _FRAME
    if frames <= wanted:
        return samples
    energy = np.square(samples[: frames * _FRAME].reshape(frames, _FRAME)).sum(1, dtype=np.float64)
    summed = np.concatenate([[0.0], np.cumsum(energy)])
    first = int(np.argmin(summed[wanted:] - summed[:-wanted])) * _FRAME
    return samples[first : first + length]


def room_tone(recordings: Sequence[Samples], length: int, random: np.random.Generator) -> Samples:
    """`length` samples of silence at 16 kHz: the quietest stretches of `recordings`, cross-faded one into the other.

    They come in random order, again and again, each from a random place; the level of the whole is random.
    """
    stretches = [quietest_stretch(recording) for recording in recordings]
    order: list[int] = []
    made = np.zeros(0, dtype=np.float32)
    while len(made) < length:
        order = order or random.permutation(len(stretches)).tolist()
        piece = stretches[order.pop()]
        made = _joined(made, piece[int(random.integers(1 + len(piece) // 4)) :])
    gain = 10 ** (random.uniform(_LEAST_DB, _MOST_DB) / 20)
    return (gain * made[:length]).astype(np.float32)


def _joined(first: Samples, second: Samples) -> Samples:
    fade = min(_FADE, len(first), len(second) // 2)
    rising = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    crossed = first[len(first) - fade :] * (1 - rising) + second[:fade] * rising
    return np.concatenate([first[: len(first) - fade], crossed, second[fade:]])
