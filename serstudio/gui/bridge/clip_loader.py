"""Reads a clip and computes its picture in a thread pool, so that the window never waits for a disk."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal

from engine.audio.decode import iter_audio, probe_audio
from engine.errors import SerStudioError
from serstudio.gui.widgets.spectrum import ClipPicture, envelope_of, mel_frames
from serstudio.usecases.kept_audio import hint_for

SHOWN_S = 120.0  # of a longer clip the beginning is shown and played


class ClipLoader(QObject):
    """The newest request wins: results of older ones are dropped."""

    loaded = Signal(object)  # ClipPicture
    failed = Signal(object)  # SerStudioError, whose hint tells how a lost recording comes back
    _finished = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._newest = 0
        self._finished.connect(self.on_finished)

    def load(self, path: Path) -> None:
        """Read the recording of a project that lies at `path`."""
        self._newest += 1
        self._pool.clear()
        self._pool.start(_Task(self, self._newest, path))

    def forget(self) -> None:
        """Whatever is on its way is no longer wanted."""
        self._newest += 1

    def close(self) -> None:
        self.forget()
        self._pool.clear()
        self._pool.waitForDone()

    def deliver(self, number: int, result: object) -> None:
        """From the pool's thread: the signal carries the result into the GUI thread."""
        self._finished.emit(number, result)

    def on_finished(self, number: int, result: object) -> None:
        if number != self._newest:
            return
        if isinstance(result, SerStudioError):
            self.failed.emit(result)
        else:
            self.loaded.emit(result)


class _Task(QRunnable):
    def __init__(self, loader: ClipLoader, number: int, path: Path) -> None:
        super().__init__()
        self._loader, self._number, self._path = loader, number, path

    def run(self) -> None:
        try:
            self._loader.deliver(self._number, picture_of(self._path))
        except SerStudioError as error:
            self._loader.deliver(self._number, type(error)(error.message, hint_for(error, self._path)))


def picture_of(path: Path) -> ClipPicture:
    """Samples (at most the first two minutes), envelope and mel picture. Raises AudioError."""
    info = probe_audio(path)
    blocks, held_s = [], 0.0
    for block in iter_audio(path):
        blocks.append(block)
        held_s += block.size / info.rate_hz
        if held_s >= SHOWN_S:
            break
    samples = np.concatenate(blocks) if blocks else np.zeros(1, np.float32)
    samples = np.nan_to_num(samples[: round(SHOWN_S * info.rate_hz)])
    return ClipPicture(
        samples=samples,
        rate_hz=info.rate_hz,
        envelope=envelope_of(samples),
        mel=mel_frames(samples, info.rate_hz),
        shown_s=samples.size / info.rate_hz,
        duration_s=max(info.duration_s, samples.size / info.rate_hz),
    )
