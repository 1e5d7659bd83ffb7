"""Spectrograms without sound, made up, and what a tiny encoder makes of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.backbones.protocol import Backbone
from engine.extractors import pool_pairs
from engine.metalearning.supervised.frame_cache import CachedCorpus, CachedView
from tests.engine.conftest import tiny_encoder

BANDS = 80


def made_up_cache(name: str, labels: int = 3, speakers: int = 4, takes: int = 3, seed: int = 0) -> CachedCorpus:
    """Spectrograms whose low bands tell the emotion, and others the voice."""
    random = np.random.default_rng(seed)
    numbers = [(label, voice) for label in range(labels) for voice in range(speakers) for _ in range(takes)]
    clips: list[NDArray[np.float16]] = []
    for label, voice in numbers:
        bands = random.normal(0, 0.3, (int(random.integers(20, 60)), BANDS))
        bands[:, 8 * label : 8 * label + 8] += 1.5
        bands[:, 40 + 8 * voice : 48 + 8 * voice] += 1.5
        clips.append(bands.astype(np.float16))
    return CachedCorpus(
        name,
        np.array([label for label, _ in numbers]),
        tuple(f"emotion {label}" for label in range(labels)),
        np.array([voice for _, voice in numbers]),
        (view_of(clips),),
    )


def view_of(clips: list[NDArray[np.float16]]) -> CachedView:
    starts = np.concatenate([[0], np.cumsum([len(clip) for clip in clips])])
    return CachedView((np.concatenate(clips),), (starts,))


def framed(corpus: CachedCorpus, backbone: Backbone) -> CachedCorpus:
    """The same clips as pooled frames."""
    clips = []
    for clip in range(len(corpus.labels)):
        piece = torch.from_numpy(corpus.views[0].frames(clip).astype(np.float32)).T
        with torch.no_grad():
            hidden, _ = pool_pairs(backbone.encode([piece]))
        clips.append(hidden[0].half().numpy())
    return replace(corpus, views=(view_of(clips),))


@pytest.fixture
def backbone() -> Backbone:
    return tiny_encoder().backbone


@pytest.fixture
def caches() -> list[CachedCorpus]:
    return [made_up_cache("nemo"), made_up_cache("ravdess", labels=2, seed=1)]
