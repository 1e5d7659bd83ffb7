"""The worker process for real: spawned, asked, cancelled, abandoned."""

import multiprocessing as mp
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from engine import out_of_memory
from engine.decision import Decision
from serstudio.usecases.events import Done, Progress
from serstudio.usecases.requests import AdaptProject, MeasureMemory, VersionAdded
from serstudio.usecases.stream_live import EndStream, OpenStream, StreamEnded, StreamStarted, serve_live
from serstudio.usecases.worker_process import Cancelled, Failed, serve_jobs
from tests.engine.conftest import voice
from tests.usecases.conftest import events_of

SPAWN = mp.get_context("spawn")
PATIENCE_S = 90


class Child:
    """A spawned process and the parent's end of its pipe."""

    def __init__(self, target: object, *arguments: object) -> None:
        self.connection, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=target, args=(theirs, *arguments))
        self.process.start()
        theirs.close()

    def receive(self) -> object:
        assert self.connection.poll(PATIENCE_S), "the child said nothing"
        return self.connection.recv()

    def close(self) -> None:
        self.connection.close()
        self.process.join(PATIENCE_S)
        assert self.process.exitcode == 0, "it ends by itself when its parent goes away"
        self.process.close()


@pytest.fixture
def worker() -> Iterator[tuple[Child, object]]:
    cancel = SPAWN.Event()
    child = Child(serve_jobs, cancel)
    yield child, cancel
    child.close()


def test_jobs_end_once_are_cancelled_and_fail_in_words(
    worker: tuple[Child, mp.synchronize.Event], labelled_project: Path, tiny_base_folder: str
) -> None:
    child, cancel = worker
    child.connection.send(AdaptProject(labelled_project, base=tiny_base_folder, steps=2))
    while isinstance(event := child.receive(), Progress):
        pass
    assert isinstance(event, Done)
    assert isinstance(event.result, VersionAdded)

    child.connection.send(AdaptProject(labelled_project, base=tiny_base_folder, steps=100_000))
    while not (isinstance(event := child.receive(), Progress) and event.loss is not None):
        pass
    cancel.set()
    while isinstance(event := child.receive(), Progress):
        pass
    assert event == Cancelled()
    assert [path.name for path in (labelled_project / "models").iterdir()] == ["0001"]

    cancel.clear()
    child.connection.send(AdaptProject(labelled_project, base="nonsense"))
    while isinstance(event := child.receive(), Progress):
        pass
    assert isinstance(event, Failed)
    assert "no base called" in event.message
    assert event.report == "", "what the user can mend is not a bug report"


def test_a_job_leaves_no_memory_of_a_gpu_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, with a request that fails at once and one that ends well."""
    given_back: list[str] = []
    monkeypatch.setattr(out_of_memory, "give_back", lambda: given_back.append("all"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # Ctrl-C is to go on ending the tests
    ours, theirs = mp.Pipe()
    for request in (AdaptProject(Path("/nowhere")), MeasureMemory(), None):
        ours.send(request)
    serve_jobs(theirs, mp.Event())
    assert isinstance(ours.recv(), Failed)
    assert isinstance(ours.recv(), Done)
    assert given_back == ["all", "all"]
    ours.close()
    theirs.close()


def test_a_live_child_hears_answers_and_survives_a_wrong_model(
    labelled_project: Path, tiny_base_folder: str, tmp_path: Path
) -> None:
    events_of(AdaptProject(labelled_project, base=tiny_base_folder, steps=1))
    child = Child(serve_live)
    child.connection.send(OpenStream(tmp_path / "nothing", 16_000))
    failed = child.receive()
    assert isinstance(failed, Failed)
    child.connection.send(np.zeros(100, dtype=np.float32))  # sound on its way when it failed
    child.connection.send(OpenStream(labelled_project, 16_000))
    assert isinstance(child.receive(), StreamStarted)
    _speak(child.connection, voice(0, 3.0))
    child.connection.send(EndStream())
    heard = []
    while isinstance(event := child.receive(), Decision):
        heard.append(event)
    assert len(heard) == 8  # from 1.5 s to 3 s in hops of 0.2 s
    assert isinstance(event, StreamEnded)
    assert event.duration_s == pytest.approx(3.0)
    child.close()


def _speak(connection: Connection, samples: np.ndarray) -> None:
    for start in range(0, len(samples), 800):
        connection.send(samples[start : start + 800])
