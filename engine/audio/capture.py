"""The microphone: a PortAudio stream that copies into a ring, read by whoever wants the sound.

sounddevice is imported inside the functions: a machine without PortAudio must still start, and
say what is missing only when somebody wants to record. No torch here.
"""

import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import MicrophoneError

RING_S = 30.0  # how long a reader may be held up (a slow disk, a busy machine) before sound is lost

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class InputDevice:
    """One microphone as the system names it. `rate_hz` is the rate that it runs at by default."""

    index: int
    name: str
    rate_hz: int
    is_default: bool


class Ring:
    """The last `capacity` frames that were captured; one thread writes, one reads with `read_new`.

    The writer never waits: it copies and moves a counter. A reader that is lapped loses the oldest
    frames, and that counts as one overrun, as does each overflow that the sound card reports.
    """

    def __init__(self, capacity: int, channels: int = 1) -> None:
        self._capacity = capacity
        # The slack is what the writer may be overwriting while the oldest frames are copied out.
        self._frames: Samples = np.zeros((capacity + capacity // 4 + 1, channels), dtype=np.float32)
        self._written = 0  # moved after the copy, so that a reader sees whole frames only
        self._read = 0
        self._device_overruns = 0
        self._reader_overruns = 0

    @property
    def overruns(self) -> int:
        """How often sound was lost."""
        return self._device_overruns + self._reader_overruns

    @property
    def written(self) -> int:
        """Frames captured since the start."""
        return self._written

    def write(self, block: Samples, overrun: bool = False) -> None:
        """Append `block`, shape (frames,) or (frames, channels). For the audio callback only."""
        size, channels = self._frames.shape
        frames = block.reshape(-1, channels)[-size:]
        start = (self._written + len(block) - len(frames)) % size
        head = min(len(frames), size - start)
        self._frames[start : start + head] = frames[:head]
        self._frames[: len(frames) - head] = frames[head:]
        self._written += len(block)
        if overrun:
            self._device_overruns += 1

    def read_new(self) -> Samples:
        """Everything written since the last call, mono, shape (frames,); empty when there is nothing new."""
        end = self._written
        new = self._copy(self._read, end)
        if len(new) < end - self._read:
            self._reader_overruns += 1
        self._read = end
        return new

    def last(self, count: int) -> Samples:
        """The newest `count` frames, mono (fewer soon after the start). Does not touch `read_new`."""
        end = self._written
        return self._copy(max(0, end - count), end)

    def already_read(self, count: int) -> Samples:
        """The newest `count` frames that `read_new` has returned: what comes next follows without a gap."""
        end = self._read
        return self._copy(max(0, end - count), end)

    def _copy(self, start: int, end: int) -> Samples:
        """Frames `start` to `end`, less those that were overwritten before or during the copy."""
        start = max(start, end - self._capacity)
        places = np.arange(start, end) % len(self._frames)
        mono: Samples = self._frames[places].mean(axis=1, dtype=np.float32)
        lost = self._written - self._capacity - start
        if lost > 0 and self._written - end > len(self._frames) - self._capacity:
            return mono[lost:]
        return mono


class Microphone:
    """An open input stream that fills `ring`. MicrophoneError, with the mend, where it cannot be opened."""

    def __init__(self, device: int | None = None, rate_hz: int | None = None) -> None:
        """`device`: index of an `InputDevice`, None for the default one. `rate_hz`: None for its own."""
        sounddevice = _sounddevice()
        try:
            with _OPEN_LOCK:
                facts = sounddevice.query_devices(device, kind="input")
        except (sounddevice.PortAudioError, ValueError) as error:
            raise _no_microphone(device) from error
        self.name = str(facts["name"])
        self.rate_hz = int(rate_hz or facts["default_samplerate"])
        self._device = device
        self._max_channels = int(facts["max_input_channels"])
        self._stream: Any = None
        self.ring = Ring(round(RING_S * self.rate_hz))

    @property
    def running(self) -> bool:
        """False before `start`, after `stop`, and when the microphone was unplugged."""
        return self._stream is not None and bool(self._stream.active)

    @property
    def latency_s(self) -> float:
        """How long sound takes from the air to the ring, about."""
        return float(self._stream.latency) if self._stream is not None else 0.0

    def start(self) -> None:
        """Open the device; the ring fills from now on. Does nothing when it is running."""
        if self._stream is not None:
            return
        with _OPEN_LOCK:  # a list that is asked for meanwhile, by another thread, would end PortAudio under it
            self._stream = self._open_mono(_sounddevice())
            _OPEN.add(id(self))

    def _open_mono(self, sounddevice: Any) -> Any:
        try:
            return self._open(sounddevice, channels=1)
        except sounddevice.PortAudioError as error:
            if self._max_channels < 2:
                raise _cannot_open(self.name, self.rate_hz, error) from error
            try:  # some interfaces refuse to mix down by themselves
                return self._open(sounddevice, channels=2)
            except sounddevice.PortAudioError:
                raise _cannot_open(self.name, self.rate_hz, error) from error

    def _open(self, sounddevice: Any, channels: int) -> Any:
        ring = Ring(round(RING_S * self.rate_hz), channels)

        def on_audio(block: Samples, _frames: int, _time: Any, status: Any) -> None:
            ring.write(block, status.input_overflow)

        stream = sounddevice.InputStream(
            samplerate=self.rate_hz,
            device=self._device,
            channels=channels,
            dtype="float32",
            callback=on_audio,
        )
        try:
            stream.start()
        except BaseException:
            stream.close()
            raise
        self.ring = ring
        return stream

    def stop(self) -> None:
        """Close the device; what is in the ring stays readable. Safe to call twice."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        try:
            stream.close(ignore_errors=True)
        finally:
            with _OPEN_LOCK:
                _OPEN.discard(id(self))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def list_input_devices() -> list[InputDevice]:
    """The microphones of this machine, the default one first; [] when there is none.

    Devices plugged in since the start are found, too, unless a microphone is open just now.
    MicrophoneError only when PortAudio itself is missing.
    """
    sounddevice = _sounddevice()
    with _OPEN_LOCK:
        if not _OPEN:
            _look_again(sounddevice)
        facts = list(sounddevice.query_devices())
        try:
            default = int(sounddevice.query_devices(kind="input")["index"])
        except (sounddevice.PortAudioError, ValueError):
            default = -1
    devices = [
        InputDevice(int(one["index"]), str(one["name"]), int(one["default_samplerate"]), one["index"] == default)
        for one in facts
        if one["max_input_channels"] > 0
    ]
    return sorted(devices, key=lambda device: not device.is_default)


# PortAudio keeps one list of devices a process and may only be asked for a new one while no stream
# is open; which of ours are open is therefore a fact of the process, too.
_OPEN: set[int] = set()
_OPEN_LOCK = threading.Lock()


def _look_again(sounddevice: Any) -> None:
    # sounddevice offers no public call for this; these two are what its own issue tracker advises.
    sounddevice._terminate()
    sounddevice._initialize()


def _sounddevice() -> Any:
    try:
        import sounddevice
    except OSError as error:  # its message when the library is not there
        raise MicrophoneError(
            "The PortAudio library, which reads microphones, is missing.",
            "Install it (on Debian and Ubuntu: sudo apt install libportaudio2) and start again.",
        ) from error
    return sounddevice


def _no_microphone(device: int | None) -> MicrophoneError:
    if device is None:
        return MicrophoneError(
            "No microphone was found.",
            "Plug one in, or allow this program to use it in the settings of your system.",
        )
    return MicrophoneError(
        f"There is no microphone number {device}.", "It may have been unplugged; choose another one."
    )


def _cannot_open(name: str, rate_hz: int, error: Exception) -> MicrophoneError:
    cause = error.args[0] if error.args else error
    return MicrophoneError(
        f"The microphone '{name}' could not be opened at {rate_hz} Hz ({cause}).",
        "Close other programs that use it, or choose another microphone.",
    )
