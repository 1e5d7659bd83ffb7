"""Tiny corpora of made-up voices, a tiny base to start from, and recipes that take a second."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from engine.base_folder import Base, save_base
from engine.metalearning.corpora import Corpus, CorpusClip
from engine.metalearning.events import TrainingEvent, TrainingProgress
from tests.engine.conftest import tiny_encoder, voice

EMOTIONS = ("anger", "happiness", "sadness")


def made_up_corpus(name: str = "nemo", labels: int = 3, speakers: int = 4, takes: int = 5) -> Corpus:
    """A corpus without files: `takes` clips of every label by every speaker."""
    names = ("anger", "happiness", "sadness", "neutral", "fear")[:labels]
    clips = [
        CorpusClip(Path(f"/{name}/{label}-{speaker}-{take}.wav"), label, f"s{speaker}", f"xx: {speaker % 3}", 1.0)
        for label in names
        for speaker in range(speakers)
        for take in range(takes)
    ]
    return Corpus(name, "xx", tuple(clips), too_long=0)


@pytest.fixture(scope="session")
def corpora_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders nemo, ravdess and emodb: three emotions of their own pitch, two speakers, four takes."""
    root = tmp_path_factory.mktemp("corpora")
    for corpus, name in enumerate(("nemo", "ravdess", "emodb")):
        folder = root / name
        folder.mkdir()
        rows = ["file,label,speaker,language,duration_s"]
        for label, emotion in enumerate(EMOTIONS):
            for speaker in range(2):
                for take in range(4):
                    file = f"{emotion}-{speaker}-{take}.wav"
                    samples = voice(1000 * corpus + 100 * label + 10 * speaker + take, 0.4, 100.0 * 1.6**label)
                    soundfile.write(folder / file, samples, 16_000)
                    rows.append(f"{file},{emotion},s{speaker},xx,0.4")
        (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture(scope="session")
def tiny_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base folder with a tiny random encoder of the compact kind."""
    folder = tmp_path_factory.mktemp("start") / "tiny"
    save_base(Base("tiny", tiny_encoder(), standardised=True, licence="none"), folder, "# card", {})
    return folder


def tiny_recipe(start: Path | str, **changes: str) -> str:
    """TOML of a run of 3 epochs, 2 steps each; `changes` add lines to the sections of that name."""
    sections = {
        "data": 'corpora = ["nemo", "ravdess"]\nvalidation = ["emodb"]',
        "base": f'start = "{start}"',
        "episodes": "ways = 2\nshots = 1\nqueries = 2",
        "training": "probing_epochs = 1\nepochs = 2\nepisodes_per_epoch = 4\naccumulation = 2\n"
        "validation_episodes = 4\ncheckpoint_steps = 1\ngradient_checkpointing = false",
    }
    for name, lines in changes.items():
        sections[name] = f"{sections.get(name, '')}\n{lines}".strip()
    body = "\n".join(f"[{name}]\n{lines}" for name, lines in sections.items())
    return f'kind = "episodic"\nname = "tiny"\nseed = 1\n{body}\n'


def killed_after(events: Iterator[TrainingEvent], step: int) -> None:
    """Run a training until so many steps are done, and end it there. It must not have come to its end before."""
    for event in events:
        if isinstance(event, TrainingProgress) and event.loss is not None and event.step >= step:
            events.close()  # type: ignore[attr-defined]
            return
    raise AssertionError(f"the training was over before step {step}")
