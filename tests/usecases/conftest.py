"""A tiny base on disk and a project with labelled voices: the real use-cases in a fraction of a second."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from engine.adaptation import AdaptationSettings, Adapted, adapt
from engine.bases import Base
from engine.model_folder import AdaptedModel, LabelSpec, save_model
from serstudio.project import Project
from serstudio.usecases.dispatch import Request, run
from serstudio.usecases.events import Done, Event
from serstudio.usecases.requests import ImportClips, NewProject
from tests.engine.conftest import labelled, tiny_encoder, voice

NAMES = ("anger", "joy", "fear")


def events_of(request: Request) -> tuple[list[Event], object]:
    """All events of a request but the last, and its result."""
    *events, done = run(request)
    assert isinstance(done, Done)
    return events, done.result


@pytest.fixture(scope="session")
def tiny_base_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model folder with a tiny random encoder, to be named as a base."""
    base = Base("tiny", tiny_encoder(), standardised=True, licence="none")
    *_, adapted = adapt(base, labelled([2, 2]), ("a", "b"), AdaptationSettings(method="prototypes"))
    assert isinstance(adapted, Adapted)
    labels = tuple(LabelSpec(name, "#000000", "▲", "1", 2, 0) for name in ("a", "b"))
    folder = tmp_path_factory.mktemp("tiny-base")
    model = AdaptedModel(
        encoder=adapted.encoder,
        head=adapted.head,
        labels=labels,
        language="",
        base="tiny",
        base_licence="none",
        standardised=base.standardised,
        origin={},
    )
    save_model(model, folder, card="")
    return str(folder)


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    """A folder with a manifest.csv: three labels, four speakers, two clips of each by each."""
    folder = tmp_path / "voices"
    folder.mkdir()
    rows = ["file,label,speaker"]
    for label, name in enumerate(NAMES):
        for speaker in range(4):
            for take in range(2):
                file = f"{name}-{speaker}-{take}.wav"
                samples = voice(100 * label + 10 * speaker + take, 0.5 + 0.1 * take, 100.0 * 1.6**label)
                soundfile.write(folder / file, samples, 16_000)
                rows.append(f"{file},{name},s{speaker}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def labelled_project(tmp_path: Path, voices: Path) -> Path:
    """A project folder with the 24 labelled clips."""
    folder = tmp_path / "field"
    events_of(NewProject(folder, "Field", "Ket", NAMES))
    events_of(ImportClips(folder, manifest=voices / "manifest.csv"))
    return folder


@pytest.fixture
def open_labelled_project(labelled_project: Path) -> Iterator[Project]:
    with Project.open(labelled_project) as project:
        yield project
