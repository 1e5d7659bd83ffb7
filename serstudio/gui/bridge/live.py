"""Live classification: a thread reads the microphone or a file, a child process listens to the blocks.

The Qt side is polled by a timer in the GUI thread and shows the newest value; neither the thread nor
the child knows Qt.
"""

from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from engine.decision import Decision
from engine.errors import SerStudioError
from serstudio.gui.bridge.child_process import start_child, start_in_words
from serstudio.gui.bridge.live_child import serve_politely
from serstudio.gui.bridge.live_feeder import LiveFeeder, LiveSource
from serstudio.usecases.stream_live import OpenStream, StreamEnded, StreamStarted
from serstudio.usecases.worker_process import Failed

__all__ = ["LiveBridge", "LiveSource", "LiveState", "serve_politely"]

POLL_MS = 40
SILENT_CHILD_MS = 15_000


Serve = Callable[[Connection], None]


class LiveState(Enum):
    """Where listening is."""

    IDLE = "idle"
    LOADING = "loading"
    LISTENING = "listening"
    ENDING = "ending"


class LiveBridge(QObject):
    """Start, listen, stop. Signals come in the GUI thread."""

    state_changed = Signal(object)  # LiveState
    started = Signal(object)  # StreamStarted
    heard = Signal(object)  # the newest Decision
    sounded = Signal(object, int)  # new samples and their rate, for the picture
    ended = Signal(object)  # StreamEnded
    failed = Signal(object)  # Failed

    def __init__(self, parent: QObject | None = None, serve: Serve = serve_politely) -> None:
        super().__init__(parent)
        self._serve = serve
        self._state = LiveState.IDLE
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._feeder: LiveFeeder | None = None
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

    def warm(self) -> None:
        """Start the child before it is needed, so that listening begins sooner; what hinders it, `start` will say."""
        with suppress(SerStudioError):
            self._need_process()

    def start(self, model: Path, source: LiveSource) -> None:
        """Load `model` in the child and listen. SerStudioError: no such file or microphone, or no child."""
        if self._state is not LiveState.IDLE:
            return
        feeder = LiveFeeder(source)  # opens the source first: that is where a user's mistake shows
        try:
            self._need_process()
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
        newest: Decision | None = None
        try:
            while self._connection is not None and self._connection.poll():
                message = self._connection.recv()
                if isinstance(message, Decision):
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

    def _on_ended(self, newest: Decision | None, message: StreamEnded) -> None:
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

    def _need_process(self) -> None:
        if self._process is None or not self._process.is_alive():
            with start_in_words():
                self._process, self._connection = start_child(self._serve, "live")

    def _set_state(self, state: LiveState) -> None:
        if state is not self._state:
            self._state = state
            self.state_changed.emit(state)
