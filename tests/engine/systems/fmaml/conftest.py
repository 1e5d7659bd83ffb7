"""Tiny networks, tasks and corpora for F-MAML."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engine.backbones.mfcc import MfccBackbone
from engine.backbones.protocol import Frames
from engine.bases import Base
from engine.choices import Recommended
from engine.encoder import EmotionEncoder
from engine.systems.fmaml.maml import Batch, Task
from engine.systems.fmaml.network import ConvolutionalNetwork
from tests.engine.conftest import voice

CORPORA = {
    "nemo": ("anger", "happiness", "sadness", "neutral"),
    "ravdess": ("anger", "fear", "neutral"),
    "emodb": ("anger", "happiness", "sadness", "neutral"),
}


def tiny_network(ways: int = 3, filters: int = 8, seed: int = 0, *, fixed: bool = True) -> ConvolutionalNetwork:
    torch.manual_seed(seed)
    return ConvolutionalNetwork(40, ways=ways, filters=filters, fixed=fixed)


def tiny_base(ways: int = 3, *, fixed: bool = True) -> Base:
    """An untrained base of F-MAML whose statistics are not those of a fresh one."""
    network = tiny_network(ways, fixed=fixed)
    with torch.no_grad():
        network.keep(network.embed(frames_of([80, 60, 90]), None)[1])
    encoder = EmotionEncoder(MfccBackbone(), network)
    return Base("tiny", encoder, standardised=False, licence="none", recommended=Recommended("fmaml", 5, 0.1))


def frames_of(lengths: list[int], seed: int = 0, coefficients: int = 40, dtype: torch.dtype = torch.float32) -> Frames:
    """Random clips, 0 beyond their lengths."""
    generator = torch.Generator().manual_seed(seed)
    frames = Frames(
        torch.randn(1, len(lengths), max(lengths), coefficients, generator=generator, dtype=dtype),
        torch.tensor(lengths),
    )
    return Frames(frames.hidden * frames.mask[None, :, :, None], frames.lengths)


def random_task(dtype: torch.dtype = torch.float32, coefficients: int = 40, outputs: int = 4) -> Task:
    """Two emotions and two fixed outputs: support of 4 clips, query of 6."""
    support = Batch(frames_of([20, 14, 17, 20], 1, coefficients, dtype), torch.tensor([0, 0, 1, 1]))
    query = Batch(frames_of([20, 15, 11, 18, 20, 9], 2, coefficients, dtype), torch.tensor([0, 1, 2, 3, 0, 1]))
    return Task(support, query, torch.arange(outputs))


@pytest.fixture(scope="session")
def speech_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders nemo, ravdess and emodb: emotions of a pitch of their own, two speakers, pauses of quiet noise."""
    root = tmp_path_factory.mktemp("speech")
    for corpus, (name, emotions) in enumerate(CORPORA.items()):
        (root / name).mkdir()
        rows = ["file,label,speaker,language,duration_s"]
        for label, emotion in enumerate(emotions):
            for take in range(8):
                number = 1000 * corpus + 100 * label + take
                file = f"{emotion}-{take}.wav"
                pause = np.random.default_rng(number).normal(0, 1e-3, 6400).astype(np.float32)
                soundfile.write(
                    root / name / file, np.concatenate([voice(number, 0.4, 100 * 1.5**label), pause]), 16_000
                )
                rows.append(f"{file},{emotion},s{take % 2},xx,0.8")
        (root / name / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root


def tiny_recipe(**changes: str) -> str:
    """TOML of a run of 4 steps; `changes` add lines to the sections of that name."""
    sections = {
        "data": 'corpora = ["nemo", "ravdess"]\nvalidation = ["emodb"]',
        "mfcc": "silence = 6",
        "tasks": "ways = 3\nshots = 2\nqueries = 2\ncrop_s = 0.5",
        "maml": "inner_steps = 2\ntasks_per_step = 2\nsteps = 4\nfilters = 4\ncheckpoint_steps = 1",
    }
    for name, lines in changes.items():
        sections[name] = f"{sections.get(name, '')}\n{lines}".strip()
    body = "\n".join(f"[{name}]\n{lines}" for name, lines in sections.items())
    return f'kind = "fmaml"\nname = "tiny"\nseed = 1\nvalidation_tasks = 2\n{body}\n'
