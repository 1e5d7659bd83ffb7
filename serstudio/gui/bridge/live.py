"""Live classification: a thread reads the microphone or a file, a child process listens to the blocks.

The Qt side is polled by a timer in the GUI thread and shows the newest value; neither the thread nor
the child knows Qt.
"""

import multiprocessing as mp
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from engine.audio.capture import Microphone, Ring
from engine.audio.decode import probe_audio
from engine.errors import SerStudioError
from serstudio.usecases.stream_live import (
    EndStream,
    Heard,
    OpenStream,
    StreamEnded,
    StreamStarted,
    file_blocks,
    microphone_blocks,
    serve_live,
)
from serstudio.usecases.worker_process import Failed

POLL_MS = 40
RING_S = 4.0
MOST_UNANSWERED_S = 0.5  # the child answers every 0.25 s; when it lags, blocks are joined and it skips ahead
SILENT_CHILD_MS = 15_000
Samples = NDArray[np.float32]


def serve_politely(connection: Connection) -> None:
    """`serve_live` on half of the processors: two seconds of sound need no more, and threads that wait
    for one another on a busy machine make each answer many times slower. Runs in the child.
    """
    os.environ["OMP_NUM_THREADS"] = str(min(4, max(1, (os.cpu_count() or 2) // 2)))
    serve_live(connection)


Serve = Callable[[Connection], None]


class LiveState(Enum):
    """Where listening is."""

    IDLE = "idle"
    LOADING = "loading"
    LISTENING = "listening"
    ENDING = "ending"


@dataclass(frozen=True)
class LiveSource:
    """A file, or the microphone with that index (None: the default one)."""

    file: Path | None = None
    device: int | None = None


class LiveBridge(QObject):
    """Start, listen, stop. Signals come in the GUI thread."""

    state_changed = Signal(object)  # LiveState
    started = Signal(object)  # StreamStarted
    heard = Signal(object)  # the newest Heard
    sounded = Signal(object, int)  # new samples and their rate, for the picture
    ended = Signal(object)  # StreamEnded
    failed = Signal(object)  # Failed

    def __init__(self, parent: QObject | None = None, serve: Serve = serve_politely) -> None:
        super().__init__(parent)
        self._serve = serve
        self._state = LiveState.IDLE
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._feeder: _Feeder | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.on_timeout)
        self._deadline = QTimer(self)
        self._deadline.setSingleShot(True)
        self._deadline.setInterval(SILENT_CHILD_MS)
        self._deadline.timeout.connect(self.on_deadline)

    @property
    def state(self) -> LiveState:
        return self._state

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self, model: Path, source: LiveSource) -> None:
        """Load `model` in the child and listen. SerStudioError: no such file or microphone."""
        if self._state is not LiveState.IDLE:
            return
        feeder = _Feeder(source)  # opens the source first: that is where a user's mistake shows
        try:
            if self._process is None or not self._process.is_alive():
                self._start_process()
            assert self._connection is not None
            self._connection.send(OpenStream(model, feeder.rate_hz))
        except BaseException:
            feeder.stop()
            raise
        self._feeder = feeder
        self._set_state(LiveState.LOADING)
        self._timer.start()

    def stop(self) -> None:
        """Hear no more; `ended` brings the answer for all that was heard."""
        if self._state is LiveState.LOADING:
            self.close()  # nothing was heard yet: there is nothing to wait for
        elif self._state is LiveState.LISTENING and self._feeder is not None:
            self._feeder.ask_stop()
            self._set_state(LiveState.ENDING)
            self._deadline.start()

    def close(self) -> None:
        """End at once: thread joined, process gone."""
        self._timer.stop()
        self._deadline.stop()
        feeder, self._feeder = self._feeder, None
        if feeder is not None:
            feeder.ask_stop()
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is not None:
            process.kill()
            process.join(2.0)
            process.close()
        if feeder is not None:
            feeder.stop()
        if connection is not None:
            connection.close()
        self._set_state(LiveState.IDLE)

    def on_deadline(self) -> None:
        self._fail(Failed("The engine did not answer.", "Press Start to try again.", ""))

    def on_timeout(self) -> None:
        self._drain()
        feeder = self._feeder
        if feeder is None:
            return
        samples = feeder.ring.read_new()
        if samples.size:
            self.sounded.emit(samples, feeder.rate_hz)
        if feeder.error is not None:
            self._fail(feeder.error)
        elif feeder.finished and self._state is LiveState.LISTENING:
            self._set_state(LiveState.ENDING)  # the file is at its end
            self._deadline.start()

    # --- the child ---------------------------------------------------------------------------------

    def _drain(self) -> None:
        newest: Heard | None = None
        try:
            while self._connection is not None and self._connection.poll():
                message = self._connection.recv()
                if isinstance(message, Heard):
                    newest = message
                elif isinstance(message, StreamStarted):
                    self._on_started(message)
                elif isinstance(message, StreamEnded):
                    self._on_ended(newest, message)
                    newest = None
                elif isinstance(message, Failed):
                    self._fail(message)
        except (EOFError, OSError):
            self._fail(Failed("The engine stopped while it was listening.", "Press Start again.", ""))
        if newest is not None:
            if self._feeder is not None:
                self._feeder.answered_s = newest.end_s
            if self._state is LiveState.ENDING:
                self._deadline.start()  # it is slow, not dead
            self.heard.emit(newest)

    def _on_started(self, message: StreamStarted) -> None:
        if self._state is LiveState.LOADING and self._feeder is not None and self._connection is not None:
            self._feeder.listen(self._connection, message.first_decision_s)
            self._set_state(LiveState.LISTENING)
            self.started.emit(message)

    def _on_ended(self, newest: Heard | None, message: StreamEnded) -> None:
        if newest is not None:
            self.heard.emit(newest)
        self._deadline.stop()
        self._timer.stop()
        if self._feeder is not None:
            self._feeder.stop()
            self._feeder = None
        self._set_state(LiveState.IDLE)
        self.ended.emit(message)

    def _fail(self, failed: Failed) -> None:
        self.close()
        self.failed.emit(failed)

    def _start_process(self) -> None:
        context = mp.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=self._serve, args=(theirs,), name="serstudio-live", daemon=True)
        self._process.start()
        theirs.close()
        self._connection = ours

    def _set_state(self, state: LiveState) -> None:
        if state is not self._state:
            self._state = state
            self.state_changed.emit(state)


class _Feeder:
    """Owns the source, and the thread that hands its blocks to the child. No Qt."""

    def __init__(self, source: LiveSource) -> None:
        """Opens the source. SerStudioError where it cannot be."""
        self._source = source
        self._microphone: Microphone | None = None
        if source.file is not None:
            self.rate_hz = probe_audio(source.file).rate_hz
        else:
            self._microphone = Microphone(source.device)
            self.rate_hz = self._microphone.rate_hz
        self.ring = Ring(round(RING_S * self.rate_hz))
        self.error: Failed | None = None
        self.finished = False
        self.answered_s = 0.0  # set by the GUI thread: how far the child has answered
        self._first_answer_s = 0.0
        self._sent_s = 0.0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self, connection: Connection, first_answer_s: float) -> None:
        self._first_answer_s = first_answer_s
        self._thread = threading.Thread(target=self._run, args=(connection,), name="live-feeder", daemon=True)
        self._thread.start()

    def ask_stop(self) -> None:
        self._stopping.set()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2.0)

    def _child_keeps_up(self) -> bool:
        first = self._first_answer_s if self.answered_s == 0.0 else 0.0
        return self._sent_s - self.answered_s < first + MOST_UNANSWERED_S

    def _send(self, connection: Connection, held: list[Samples]) -> None:
        """Everything held back as one block; the list is empty afterwards."""
        joined = np.concatenate(held) if held else np.zeros(0, np.float32)
        held.clear()
        if joined.size:
            connection.send(joined)
            self._sent_s += joined.size / self.rate_hz

    def _blocks(self) -> Iterator[Samples]:
        if self._source.file is not None:
            return file_blocks(self._source.file, in_real_time=True)[1]
        assert self._microphone is not None
        self._microphone.start()
        return microphone_blocks(self._microphone)

    def _run(self, connection: Connection) -> None:
        held: list[Samples] = []
        try:
            for block in self._blocks():
                if self._stopping.is_set():
                    break
                self.ring.write(block)
                held.append(block)
                if self._child_keeps_up():
                    self._send(connection, held)
            self._send(connection, held)
            connection.send(EndStream())
            self.finished = True
        except SerStudioError as error:
            self.error = Failed(error.message, error.hint, "")
        except OSError:
            pass  # the child has gone; the reading side says so
        finally:
            if self._microphone is not None:
                self._microphone.stop()
