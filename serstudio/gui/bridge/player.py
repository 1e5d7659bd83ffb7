"""Playing a clip: the audio callback copies from an array; a timer in the GUI thread tells the place."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from engine.errors import SerStudioError


class PlaybackError(SerStudioError):
    """No loudspeaker, or one that cannot be opened."""


class OutputStream(Protocol):
    """The part of sounddevice.OutputStream that is used."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...


Fill = Callable[[NDArray[np.float32]], bool]
OpenStream = Callable[[int, Fill], OutputStream]


def open_sounddevice(rate_hz: int, fill: Fill) -> OutputStream:
    """A mono stream on the default loudspeaker. PlaybackError when there is none."""
    try:
        import sounddevice
    except OSError as error:
        raise PlaybackError("PortAudio is not installed.", "Install the package libportaudio2.") from error

    def on_block(out: NDArray[np.float32], _frames: int, _time: Any, _status: Any) -> None:
        if not fill(out[:, 0]):
            raise sounddevice.CallbackStop

    try:
        stream: OutputStream = sounddevice.OutputStream(
            samplerate=rate_hz, channels=1, dtype="float32", callback=on_block, latency="low"
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        raise PlaybackError(
            "No loudspeaker could be opened.",
            "Plug in headphones or choose an output in the system's settings.",
        ) from error
    return stream


class Player(QObject):
    """Plays one array of mono samples, from any place, once or in a loop."""

    moved = Signal(float)  # where it is, in seconds
    state_changed = Signal(bool)  # playing or not

    def __init__(self, parent: QObject | None = None, open_stream: OpenStream = open_sounddevice) -> None:
        super().__init__(parent)
        self._open_stream = open_stream
        self._samples: NDArray[np.float32] = np.zeros(0, np.float32)
        self._rate_hz = 16_000
        self._place = 0  # written by the callback while it plays
        self._ended = False
        self._loop = False
        self._stream: OutputStream | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(30)
        self._timer.timeout.connect(self.on_timeout)

    @property
    def playing(self) -> bool:
        return self._stream is not None

    @property
    def place_s(self) -> float:
        return self._place / self._rate_hz

    def load(self, samples: NDArray[np.float32], rate_hz: int) -> None:
        """Take new samples; what was playing stops."""
        self.stop()
        self._samples, self._rate_hz = samples, rate_hz
        self.seek(0.0)

    def seek(self, place_s: float) -> None:
        self._place = int(np.clip(round(place_s * self._rate_hz), 0, self._samples.size))
        self.moved.emit(self.place_s)

    def set_loop(self, loop: bool) -> None:
        self._loop = loop

    def play(self) -> None:
        """From the present place, or from the start when that is the end. PlaybackError: no loudspeaker."""
        if self._stream is not None or not self._samples.size:
            return
        if self._place >= self._samples.size:
            self._place = 0
        self._ended = False
        stream = self._open_stream(self._rate_hz, self._fill)
        stream.start()
        self._stream = stream
        self._timer.start()
        self.state_changed.emit(self.playing)

    def stop(self) -> None:
        """Pause where it is."""
        stream, self._stream = self._stream, None
        self._timer.stop()
        if stream is not None:
            stream.stop()
            stream.close()
            self.state_changed.emit(self.playing)

    def toggle(self) -> None:
        if self.playing:
            self.stop()
        else:
            self.play()

    def on_timeout(self) -> None:
        self.moved.emit(self.place_s)
        if self._ended:
            self.stop()
            self.seek(0.0)

    def _fill(self, out: NDArray[np.float32]) -> bool:
        """Runs in the audio thread: copy, no more. False once all is played."""
        start = self._place
        block = self._samples[start : start + out.size]
        out[: block.size] = block
        out[block.size :] = 0.0
        self._place = start + block.size
        if block.size < out.size:
            if self._loop:
                self._place = 0
                return True
            self._ended = True
            return False
        return True
