"""The thread that reads a microphone or a file and hands its blocks to the child. No Qt here."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.audio.capture import Microphone, Ring
from engine.audio.decode import probe_audio
from engine.errors import SerStudioError
from serstudio.usecases.stream_live import EndStream, file_blocks, microphone_blocks
from serstudio.usecases.worker_process import Failed

RING_S = 4.0
MOST_UNANSWERED_S = 0.5  # the child answers every 0.25 s; when it lags, blocks are joined and it skips ahead
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class LiveSource:
    """A file, or the microphone with that index (None: the default one)."""

    file: Path | None = None
    device: int | None = None


class LiveFeeder:
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
