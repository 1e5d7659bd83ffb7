"""The job runner: a job ends exactly once, whatever the process does."""

import errno
import time
from collections.abc import Iterator
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest
from fake_engine import BROKEN, DYING, ENDLESS, REFUSED, STUBBORN, serve_fake_jobs

from serstudio.gui.bridge.child_process import SPAWN
from serstudio.gui.bridge.jobs import Job, JobRunner, JobState
from serstudio.project import Project
from serstudio.usecases.requests import AdaptProject, DescribeMachine, MachineDescribed


class Ends:
    """Counts how a job ends."""

    def __init__(self, job: Job) -> None:
        self.kinds: list[str] = []
        self.results: list[object] = []
        self.progress: list[object] = []
        job.done.connect(self.on_done)
        job.failed.connect(self.on_failed)
        job.cancelled.connect(self.on_cancelled)
        job.progressed.connect(self.on_progressed)

    def on_progressed(self, progress: object) -> None:
        self.progress.append(progress)

    def on_done(self, result: object) -> None:
        self.kinds.append("done")
        self.results.append(result)

    def on_failed(self, failed: object) -> None:
        self.kinds.append("failed")
        self.results.append(failed)

    def on_cancelled(self) -> None:
        self.kinds.append("cancelled")


@pytest.fixture
def runner(qapp) -> Iterator[JobRunner]:
    runner = JobRunner("test", None, serve_fake_jobs)
    yield runner
    runner.close()


def adapt(folder: Path, base: str = "compact", steps: int = 3) -> AdaptProject:
    return AdaptProject(folder, base=base, steps=steps)


def wait_for_end(qtbot, ends: Ends, timeout: int = 20_000) -> None:
    qtbot.waitUntil(lambda: bool(ends.kinds), timeout=timeout)
    qtbot.wait(120)  # anything that comes twice would come now


def test_done_once_with_the_result(runner: JobRunner, project: Project, qtbot) -> None:
    ends = Ends(runner.submit(adapt(project.folder)))
    wait_for_end(qtbot, ends)
    assert ends.kinds == ["done"]
    assert ends.results[0].number == 1
    assert ends.progress, "the last progress is told before the end"
    assert not runner.busy


def test_jobs_run_one_after_another_in_one_warm_process(runner: JobRunner, project: Project, qtbot) -> None:
    first, second = Ends(runner.submit(adapt(project.folder))), Ends(runner.submit(adapt(project.folder)))
    wait_for_end(qtbot, first)
    process = runner.process_id
    wait_for_end(qtbot, second)
    assert [each.results[0].number for each in (first, second)] == [1, 2]
    assert runner.process_id == process


@pytest.mark.parametrize(("base", "has_report"), [(REFUSED, False), (BROKEN, True)])
def test_a_failure_says_whose_mistake_it_is(runner, project, qtbot, base: str, has_report: bool) -> None:
    ends = Ends(runner.submit(adapt(project.folder, base)))
    wait_for_end(qtbot, ends)
    assert ends.kinds == ["failed"]
    assert bool(ends.results[0].report) is has_report
    assert "/home/ana" not in ends.results[0].report


def test_a_cancelled_job_ends_exactly_once(runner: JobRunner, project: Project, qtbot) -> None:
    job = runner.submit(adapt(project.folder, ENDLESS))
    ends = Ends(job)
    qtbot.waitUntil(lambda: bool(ends.progress), timeout=20_000)
    for _ in range(3):
        job.cancel()
    wait_for_end(qtbot, ends)
    assert ends.kinds == ["cancelled"]
    assert job.state is JobState.ENDED


def test_a_job_that_does_not_listen_is_killed_within_a_second(runner, project, qtbot) -> None:
    job = runner.submit(adapt(project.folder, STUBBORN))
    ends = Ends(job)
    qtbot.waitUntil(lambda: bool(ends.progress), timeout=20_000)
    asked = time.monotonic()
    job.cancel()
    qtbot.waitUntil(lambda: bool(ends.kinds), timeout=5_000)
    assert time.monotonic() - asked < 1.0
    assert ends.kinds == ["cancelled"]
    after = Ends(runner.submit(adapt(project.folder)))
    wait_for_end(qtbot, after)
    assert after.kinds == ["done"], "a new process takes over"


def test_a_waiting_job_can_be_cancelled(runner: JobRunner, project: Project, qtbot) -> None:
    first, waiting = runner.submit(adapt(project.folder, ENDLESS)), runner.submit(adapt(project.folder))
    ends = Ends(waiting)
    waiting.cancel()
    assert ends.kinds == ["cancelled"]
    first.cancel()
    qtbot.waitUntil(lambda: not runner.busy, timeout=20_000)


def test_a_process_that_dies_fails_its_job_in_words(runner: JobRunner, project: Project, qtbot) -> None:
    ends = Ends(runner.submit(adapt(project.folder, DYING)))
    wait_for_end(qtbot, ends)
    assert ends.kinds == ["failed"]
    assert "stopped" in ends.results[0].message


def test_a_process_that_cannot_be_started_fails_its_job_once(runner, project: Project, qtbot, monkeypatch) -> None:
    pipes = []

    def kept_pipe(make=SPAWN.Pipe):
        pipes.append(make())
        return pipes[-1]

    def refuse(process: SpawnProcess) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    with monkeypatch.context() as shortage:
        shortage.setattr(SPAWN, "Pipe", kept_pipe)
        shortage.setattr(SpawnProcess, "start", refuse)
        ends = Ends(runner.submit(adapt(project.folder)))
        wait_for_end(qtbot, ends)
    assert ends.kinds == ["failed"]
    assert ends.results[0].message == "The engine could not be started (Cannot allocate memory)."
    assert (ends.results[0].hint, ends.results[0].report) == ("Close other programs, and try again.", "")
    assert [each.closed for each in pipes[0]] == [True, True]
    assert not runner.busy
    again = Ends(runner.submit(adapt(project.folder)))
    wait_for_end(qtbot, again)
    assert again.kinds == ["done"]


def test_no_room_for_a_pipe_fails_the_job_as_well(runner: JobRunner, project: Project, qtbot, monkeypatch) -> None:
    def refuse() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(SPAWN, "Pipe", refuse)
    first, second = Ends(runner.submit(adapt(project.folder))), Ends(runner.submit(adapt(project.folder)))
    wait_for_end(qtbot, second)
    assert (first.kinds, second.kinds) == (["failed"], ["failed"])
    runner.close()


def test_closing_cancels_what_runs_and_ends_the_process(runner: JobRunner, project: Project, qtbot) -> None:
    job = runner.submit(adapt(project.folder, STUBBORN))
    ends = Ends(job)
    qtbot.waitUntil(lambda: bool(ends.progress), timeout=20_000)
    runner.close()
    assert ends.kinds == ["cancelled"]
    assert runner.process_id is None


def test_a_rest_ends_the_process_only_while_there_is_nothing_to_do(runner: JobRunner, project: Project, qtbot) -> None:
    ends = Ends(runner.submit(adapt(project.folder, steps=60)))
    qtbot.waitUntil(lambda: bool(ends.progress), timeout=20_000)
    runner.rest()
    wait_for_end(qtbot, ends)
    assert ends.kinds == ["done"]
    assert runner.process_id is not None
    runner.rest()
    assert runner.process_id is None
    again = Ends(runner.submit(adapt(project.folder)))
    wait_for_end(qtbot, again)
    assert again.kinds == ["done"]


def test_progress_is_throttled(runner: JobRunner, project: Project, qtbot) -> None:
    ends = Ends(runner.submit(adapt(project.folder, steps=60)))
    wait_for_end(qtbot, ends)
    assert 3 <= len(ends.progress) < 30, "60 steps in 0.6 s must not be 60 signals"
    assert ends.progress[-1].step == 60


def test_the_machine_is_described(runner: JobRunner, qtbot) -> None:
    ends = Ends(runner.submit(DescribeMachine()))
    wait_for_end(qtbot, ends)
    assert isinstance(ends.results[0], MachineDescribed)
