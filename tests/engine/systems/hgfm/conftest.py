"""Tiny corpora, a tiny HGFM base, and recipes that take seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.base_folder import Base
from engine.choices import Recommended
from engine.systems.hgfm.network import HierarchicalGrainedFeatureModel
from engine.systems.hgfm.upstream import frame_statistics
from tests.engine.conftest import tiny_encoder, voice
from tests.engine.metalearning.conftest import corpora_root, tiny_start

__all__ = ["corpora_root", "tiny_start"]

RECIPE = """kind = "hgfm"
name = "tiny"
seed = 3
labels = ["anger", "happiness", "sadness"]
read_layers = [1, 2]
[data]
corpora = ["nemo", "ravdess"]
validation = ["emodb"]
[base]
start = "START"
[model]
projected = 16
state = 8
dropout = 0.1
[training]
batch = 16
TRAINING
[adaptation]
steps = 3
episodes = 1
"""
FROZEN = "epochs = 2\naugmented = 1"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Many small steps: threads that wait for one another take longer than the work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small_network(hidden_size: int = 32, layers: int = 2) -> HierarchicalGrainedFeatureModel:
    return HierarchicalGrainedFeatureModel(hidden_size, layers, projected=16, state=8)


@pytest.fixture
def hgfm_base() -> Base:
    """A random HGFM on a random encoder of the compact kind."""
    encoder = tiny_encoder(small_network)
    heard = [encoder.front_end(voice(seed, 0.5, 110.0 * 1.5 ** (seed % 2))) for seed in range(6)]
    encoder.extractor.channel_mean, encoder.extractor.channel_spread = frame_statistics(encoder.backbone, heard)
    recommended = Recommended("hgfm", 5, 5e-3, head="linear", trained="extractor")
    return Base("tiny-hgfm", encoder, standardised=False, licence="none", recommended=recommended)


def write_recipe(path: Path, start: Path | str, training: str = FROZEN) -> Path:
    path.write_text(RECIPE.replace("START", str(start)).replace("TRAINING", training))
    return path


def random_frames(lengths: list[int], channels: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Pooled frames (clips, steps, channels), noise in the padding too, and their mask."""
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(len(lengths), max(lengths), channels, generator=generator)
    return hidden, torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
