"""Long work in a warm, spawned process that can be killed; the GUI thread polls its pipe.

A job ends exactly once: `done`, `failed` or `cancelled`.
"""

import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event as StopFlag

from PySide6.QtCore import QObject, QTimer, Signal

from engine.errors import SerStudioError
from serstudio.gui.bridge.child_process import SPAWN, start_child, start_in_words
from serstudio.usecases.dispatch import Request
from serstudio.usecases.events import Done, Known, Progress, Warned
from serstudio.usecases.worker_process import Cancelled, Failed, failure_of, serve_jobs

POLL_MS = 30
CANCEL_GRACE_S = 0.7
PROGRESS_INTERVAL_S = 0.06

Serve = Callable[[Connection, StopFlag], None]


class JobState(Enum):
    """Where a job is in its life."""

    WAITING = "waiting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    ENDED = "ended"


class Job(QObject):
    """One request on its way. Its signals come in the GUI thread; one of the last three, once."""

    progressed = Signal(object)  # Progress, at most 16 times a second
    warned = Signal(object)  # Warned
    known = Signal(object)  # a part of the result, which the request names
    done = Signal(object)  # the result that the request names
    failed = Signal(object)  # Failed; `report` is empty when the user can mend it
    cancelled = Signal()
    ended = Signal()  # after whichever of the three

    def __init__(self, request: Request, runner: "JobRunner") -> None:
        super().__init__()  # no parent: it lives as long as somebody holds it
        self.request = request
        self.state = JobState.WAITING
        self.last_progress: Progress | None = None
        self._runner = runner

    def cancel(self) -> None:
        """Stop it within a second; nothing happens when it has ended already."""
        self._runner.cancel(self)

    def abandon(self) -> None:
        """Stop it, and tell nobody: for when those who would hear of it let go of what they need."""
        self.blockSignals(True)  # noqa: FBT003
        self.cancel()


class JobRunner(QObject):
    """Runs jobs one after another in one warm process."""

    job_ended = Signal(object)  # Job

    def __init__(self, name: str, parent: QObject | None = None, serve: Serve = serve_jobs) -> None:
        super().__init__(parent)
        self._name = name
        self._serve = serve
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._stop_flag: StopFlag | None = None
        self._queue: deque[Job] = deque()
        self._job: Job | None = None
        self._cancel_deadline = 0.0
        self._pending: Progress | None = None
        self._last_emit = 0.0
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.on_timeout)

    @property
    def busy(self) -> bool:
        return self._job is not None or bool(self._queue)

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def submit(self, request: Request) -> Job:
        """Run `request` as soon as those before it have ended."""
        if self._closed:
            raise RuntimeError("the runner is closed")
        job = Job(request, self)
        self._queue.append(job)
        self._timer.start()
        return job

    def cancel(self, job: Job) -> None:
        if job in self._queue:
            self._queue.remove(job)
            self._end(job, job.cancelled.emit)
        elif job is self._job and job.state is JobState.RUNNING:
            job.state = JobState.CANCELLING
            self._cancel_deadline = time.monotonic() + CANCEL_GRACE_S
            if self._stop_flag is not None:
                self._stop_flag.set()

    def rest(self) -> None:
        """Give back the memory of the process while there is nothing to do; the next job starts another."""
        if not self.busy:
            self._stop_process(gently=False)

    def close(self) -> None:
        """Cancel everything and end the process; for the closing of the window."""
        self._closed = True
        self._timer.stop()
        job, self._job = self._job, None
        waiting = [*([job] if job else []), *self._queue]
        self._queue.clear()
        self._stop_process(gently=job is None)
        for each in waiting:
            self._end(each, each.cancelled.emit)

    # --- the pipe ----------------------------------------------------------------------------------

    def on_timeout(self) -> None:
        if self._closed:
            return
        if self._job is None:
            self._start_next()
        if self._job is not None:
            self._drain(self._job)
        if self._job is not None and self._job.state is JobState.CANCELLING:
            self._enforce_cancel(self._job)
        if self._job is None and not self._queue:
            self._timer.stop()

    def _start_next(self) -> None:
        if not self._queue:
            return
        job = self._queue.popleft()
        try:
            if self._process is None or not self._process.is_alive():
                self._start_process()
        except SerStudioError as error:
            failed = failure_of(error)
            self._end(job, lambda: job.failed.emit(failed))
            return
        self._job = job
        assert self._connection is not None
        assert self._stop_flag is not None
        self._stop_flag.clear()
        self._pending = None
        job.state = JobState.RUNNING
        try:
            self._connection.send(job.request)
        except OSError:
            self._lose_process(job)

    def _drain(self, job: Job) -> None:
        assert self._connection is not None
        try:
            while self._job is job and self._connection.poll():
                self._take(job, self._connection.recv())
        except (EOFError, OSError):
            self._lose_process(job)
        if self._job is job and self._pending is not None:
            self._emit_progress(job)

    def _take(self, job: Job, message: object) -> None:
        if isinstance(message, Progress):
            self._pending = job.last_progress = message
        elif isinstance(message, Warned):
            job.warned.emit(message)
        elif isinstance(message, Known):
            job.known.emit(message.part)
        elif isinstance(message, Done):
            self._emit_progress(job, now=True)
            self._job = None
            result = message.result
            self._end(job, lambda: job.done.emit(result))
        elif isinstance(message, Failed):
            self._job = None
            self._end(job, lambda: job.failed.emit(message))
        elif isinstance(message, Cancelled):
            self._job = None
            self._end(job, job.cancelled.emit)

    def _emit_progress(self, job: Job, *, now: bool = False) -> None:
        due = now or time.monotonic() - self._last_emit >= PROGRESS_INTERVAL_S
        if self._pending is not None and due:
            event, self._pending = self._pending, None
            self._last_emit = time.monotonic()
            job.progressed.emit(event)

    def _enforce_cancel(self, job: Job) -> None:
        if time.monotonic() < self._cancel_deadline:
            return
        self._stop_process(gently=False)
        self._job = None
        self._end(job, job.cancelled.emit)

    def _lose_process(self, job: Job) -> None:
        code = self._process.exitcode if self._process is not None else None
        cancelling = job.state is JobState.CANCELLING
        self._stop_process(gently=False)
        self._job = None
        if cancelling:
            self._end(job, job.cancelled.emit)
            return
        failed = Failed(
            "The engine stopped before it had finished.",
            "The memory may have run out: close other programs and try again. Nothing is lost.",
            "" if code in (None, -9, 137) else f"The {self._name} process ended with code {code}.",
        )
        self._end(job, lambda: job.failed.emit(failed))

    def _end(self, job: Job, tell: Callable[[], None]) -> None:
        if job.state is JobState.ENDED:
            return
        job.state = JobState.ENDED
        tell()
        job.ended.emit()
        self.job_ended.emit(job)

    # --- the process -------------------------------------------------------------------------------

    def _start_process(self) -> None:
        self._stop_process(gently=False)
        with start_in_words():
            stop_flag = SPAWN.Event()
            self._process, self._connection = start_child(self._serve, self._name, stop_flag)
        self._stop_flag = stop_flag

    def _stop_process(self, *, gently: bool) -> None:
        process, connection = self._process, self._connection
        self._process = self._connection = self._stop_flag = None
        if process is None or connection is None:
            return
        if gently and process.is_alive():
            try:
                connection.send(None)
                process.join(0.3)
            except OSError:
                pass  # it has gone by itself
        if process.is_alive():
            process.kill()
        process.join(2.0)
        connection.close()
        process.close()
