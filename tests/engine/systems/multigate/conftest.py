"""Tiny streams, a tiny network on them, and what is kept of made-up languages."""

from dataclasses import asdict

import numpy as np
import pytest
import torch

from engine.backbones.compact import CompactBackbone
from engine.base_folder import Base
from engine.choices import Recommended
from engine.encoder import EmotionEncoder
from engine.metalearning.supervised.frame_cache import CachedCorpus, CachedView
from engine.systems.multigate.languages import Language
from engine.systems.multigate.network import MultiGate
from engine.systems.multigate.recipe import NetworkSection
from engine.systems.multigate.streams import EncoderStream, MfccStream, StreamsBackbone, open_stream
from engine.systems.multigate.training import shape_of
from tests.engine.conftest import TINY_WHISPER

SMALL = NetworkSection(size=16, tower=24, kernels=8, lstm=8, attention=12)
SMALL_SECTIONS = """[network]
size = 16
tower = 24
kernels = 8
lstm = 8
attention = 12
[training]
epochs = 1
batch = 12
shortest_s = 0.2
longest_s = 0.3
"""  # of a recipe: the same sizes, and a training that is over at once


def tiny_streams() -> StreamsBackbone:
    """MFCCs, a tiny random encoder of the compact kind, and the real speaker encoder."""
    torch.manual_seed(0)
    compact = CompactBackbone(TINY_WHISPER, (2, 3))
    return StreamsBackbone([MfccStream(), EncoderStream("compact", compact), open_stream("ge2e")[0]])


def tiny_network(backbone: StreamsBackbone, languages: tuple[str, ...] = ("pl", "en"), **changes: str) -> MultiGate:
    """Random weights, also where training begins with zeros."""
    torch.manual_seed(1)
    network = MultiGate(
        backbone.hidden_size,
        1,
        [asdict(shape_of(stream, SMALL)) for stream in backbone.members],
        languages,
        languages[0],
        size=SMALL.size,
        tower=SMALL.tower,
        **changes,
    )
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.startswith(("gates", "connections")):
                parameter.normal_()
    return network.eval()


@pytest.fixture(scope="session")
def streams() -> StreamsBackbone:
    return tiny_streams()


@pytest.fixture
def base(streams: StreamsBackbone) -> Base:
    network = tiny_network(streams)
    encoder = EmotionEncoder(streams, network.for_new_language(kept=network.languages))
    recommended = Recommended("multigate", steps=3, learning_rate=1e-3, head="linear", trained="extractor")
    return Base("tiny", encoder, standardised=False, licence="none", recommended=recommended)


def made_up_language(name: str, backbone: StreamsBackbone, labels: int = 3, seed: int = 0) -> Language:
    """Steps whose first channels tell the emotion, four speakers, two takes of each label."""
    random = np.random.default_rng(seed)
    numbers = [(label, voice) for label in range(labels) for voice in range(4) for _ in range(2)]
    lengths = random.integers(8, 20, len(numbers))
    streams = []
    for shape in (shape_of(stream, SMALL) for stream in backbone.members):
        rate = {"stacked": 4, "pairs": 1}.get(shape.reading.value, 0)
        clips = []
        for (label, voice), length in zip(numbers, lengths, strict=True):
            steps = random.normal(0, 1, (int(length) * rate or 1, shape.channels))
            steps[:, label] += 3.0
            steps[:, 10 + voice] += 3.0
            clips.append(steps.astype(np.float16))
        starts = np.concatenate([[0], np.cumsum([len(clip) for clip in clips])])
        streams.append(
            CachedCorpus(
                name,
                np.array([label for label, _ in numbers]),
                ("anger", "fear", "neutral", "sadness")[:labels],
                np.array([voice for _, voice in numbers]),
                (CachedView((np.concatenate(clips),), (starts,)),),
            )
        )
    return Language(name, tuple(streams), np.arange(len(numbers)))


@pytest.fixture(scope="session")
def languages(streams: StreamsBackbone) -> list[Language]:
    return [made_up_language("nemo", streams), made_up_language("ravdess", streams, labels=2, seed=1)]
