"""Cached frames without an encoder: what the networks are trained on, made up."""

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.metalearning.supervised.frame_cache import CachedCorpus, CachedView

HIDDEN, LAYERS = 32, 2
CHANNELS = HIDDEN * LAYERS


def made_up_cache(name: str, labels: int = 3, speakers: int = 4, takes: int = 3, seed: int = 0) -> CachedCorpus:
    """Frames whose first channels tell the emotion, and others the voice."""
    random = np.random.default_rng(seed)
    numbers = [(label, voice) for label in range(labels) for voice in range(speakers) for _ in range(takes)]
    clips: list[NDArray[np.float16]] = []
    for label, voice in numbers:
        frames = random.normal(0, 1, (int(random.integers(20, 60)), CHANNELS))
        frames[:, label] += 3.0
        frames[:, 10 + voice] += 3.0
        clips.append(frames.astype(np.float16))
    starts = np.concatenate([[0], np.cumsum([len(clip) for clip in clips])])
    view = CachedView((np.concatenate(clips),), (starts,))
    return CachedCorpus(
        name,
        np.array([label for label, _ in numbers]),
        tuple(f"emotion {label}" for label in range(labels)),
        np.array([voice for _, voice in numbers]),
        (view,),
    )


@pytest.fixture
def caches() -> list[CachedCorpus]:
    return [made_up_cache("nemo"), made_up_cache("ravdess", labels=2, seed=1)]
