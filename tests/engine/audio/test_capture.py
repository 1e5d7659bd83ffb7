"""The ring on its own, and the microphone through a PulseAudio null sink."""

import builtins
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from engine.audio import capture
from engine.audio.capture import Microphone, Ring, list_input_devices
from engine.errors import MicrophoneError


def ramp(start: int, end: int) -> np.ndarray:
    return np.arange(start, end, dtype=np.float32)


def test_ring_gives_every_frame_once_and_in_order() -> None:
    ring = Ring(10)
    for start in (0, 4, 8):
        ring.write(ramp(start, start + 4))
        assert ring.read_new().tolist() == ramp(start, start + 4).tolist()
    assert ring.read_new().size == 0
    assert ring.overruns == 0


def test_ring_joins_what_was_written_across_its_end() -> None:
    ring = Ring(10)
    ring.write(ramp(0, 9))
    ring.read_new()
    ring.write(ramp(9, 13))
    ring.write(ramp(13, 18))
    assert ring.read_new().tolist() == ramp(9, 18).tolist()


def test_slow_reader_gets_the_newest_frames_and_one_overrun() -> None:
    ring = Ring(10)
    for start in range(0, 40, 4):
        ring.write(ramp(start, start + 4))
    assert ring.read_new().tolist() == ramp(30, 40).tolist()
    assert ring.overruns == 1
    ring.write(ramp(40, 44))
    assert ring.read_new().tolist() == ramp(40, 44).tolist()
    assert ring.overruns == 1


def test_block_longer_than_the_ring_keeps_its_end() -> None:
    ring = Ring(10)
    ring.write(ramp(0, 100))
    assert ring.read_new().tolist() == ramp(90, 100).tolist()


def test_ring_counts_the_overflows_of_the_sound_card() -> None:
    ring = Ring(10)
    ring.write(ramp(0, 4), overrun=True)
    assert ring.overruns == 1


def test_last_and_already_read_leave_the_reader_where_it_is() -> None:
    ring = Ring(10)
    ring.write(ramp(0, 6))
    ring.read_new()
    ring.write(ramp(6, 8))
    assert ring.last(4).tolist() == [4, 5, 6, 7]
    assert ring.already_read(4).tolist() == [2, 3, 4, 5]
    assert ring.last(100).tolist() == ramp(0, 8).tolist()
    assert ring.read_new().tolist() == [6, 7]


class Overtaken:
    """The frames of a ring whose writer comes by, once, while they are copied out."""

    def __init__(self, ring: Ring, block: np.ndarray) -> None:
        self._ring, self._block, self._frames = ring, block, ring._frames
        self.shape = self._frames.shape

    def __len__(self) -> int:
        return len(self._frames)

    def __setitem__(self, place: Any, value: np.ndarray) -> None:
        self._frames[place] = value

    def __getitem__(self, place: Any) -> np.ndarray:
        block, self._block = self._block, self._block[:0]
        self._ring.write(block)
        return self._frames[place]


def test_frames_overwritten_during_the_copy_are_not_given_out() -> None:
    ring = Ring(10)
    ring.write(ramp(0, 10))
    ring._frames = Overtaken(ring, ramp(10, 18))  # type: ignore[assignment]
    assert ring.read_new().tolist() == [8, 9]
    assert ring.overruns == 1
    assert ring.read_new().tolist() == ramp(10, 18).tolist()
    assert ring.overruns == 1


def test_two_channels_are_read_as_their_mean() -> None:
    ring = Ring(10, channels=2)
    ring.write(np.array([[1, 3], [2, 4]], dtype=np.float32))
    assert ring.read_new().tolist() == [2, 3]


def test_reader_in_another_thread_loses_nothing() -> None:
    """The writer runs ahead as far as the ring allows; what is read is every frame, in order."""
    ring = Ring(5_000)
    heard: list[np.ndarray] = []
    room = threading.Semaphore(90)  # blocks of 50 that fit
    finished = threading.Event()

    def read() -> None:
        while not finished.is_set():
            heard.append(ring.read_new())
            for _ in range(len(heard[-1]) // 50):
                room.release()
            time.sleep(0.0005)
        heard.append(ring.read_new())

    reader = threading.Thread(target=read)
    reader.start()
    for start in range(0, 100_000, 50):
        room.acquire()
        ring.write(ramp(start, start + 50))
    finished.set()
    reader.join()
    assert np.array_equal(np.concatenate(heard), ramp(0, 100_000))
    assert ring.overruns == 0


def test_no_microphone_is_an_empty_list_and_an_error_with_a_mend(no_microphone: None) -> None:
    assert list_input_devices() == []
    with pytest.raises(MicrophoneError, match="No microphone was found") as caught:
        Microphone()
    assert "Plug one in" in caught.value.hint


def test_unknown_device_is_refused(no_microphone: None) -> None:
    with pytest.raises(MicrophoneError, match="There is no microphone number 99"):
        Microphone(99)


def test_missing_portaudio_is_named_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_portaudio(name: str, *others: Any) -> Any:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return original(name, *others)

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_portaudio)
    with pytest.raises(MicrophoneError) as caught:
        list_input_devices()
    assert "libportaudio2" in caught.value.hint


@pytest.mark.microphone
def test_microphone_hears_what_is_played(null_sink: Any, tone_clip: Any) -> None:
    clip = tone_clip("tone.wav", duration_s=0.6, pitch_hz=440.0, rate_hz=44_100)
    assert list_input_devices()[0].is_default
    with Microphone(rate_hz=16_000) as microphone:
        null_sink.play(clip)
        heard = microphone.ring.read_new()
        assert microphone.running
    assert not microphone.running
    assert microphone.ring.overruns == 0
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert np.argmax(spectrum) * 16_000 / len(heard) == pytest.approx(440, abs=3)
    assert np.abs(heard).max() == pytest.approx(np.abs(soundfile.read(clip)[0]).max(), rel=0.1)


@pytest.mark.microphone
def test_devices_are_listed_while_a_microphone_is_open(null_sink: Any) -> None:
    with Microphone() as microphone:
        before = microphone.ring.written
        assert any(device.is_default for device in list_input_devices())
        time.sleep(0.3)
        assert microphone.ring.written > before, "looking at the devices must not end the stream"


@pytest.mark.microphone
def test_devices_are_not_looked_for_while_a_microphone_is_being_opened(
    null_sink: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Live opens it in a thread of its own; PortAudio that is ended under a stream takes the process with it."""
    looked: list[str] = []
    lister = threading.Thread(target=list_input_devices)

    def open_slowly(*_: Any, **__: Any) -> Any:
        lister.start()
        lister.join(0.5)
        looked.append("opened")
        return SimpleNamespace(active=True, close=lambda **_: None)

    monkeypatch.setattr(Microphone, "_open", open_slowly)
    monkeypatch.setattr(capture, "_look_again", lambda _: looked.append("looked"))
    with Microphone():
        lister.join()
        assert looked == ["opened"]


def test_importing_capture_loads_neither_portaudio_nor_torch(tmp_path: Path) -> None:
    import subprocess

    code = "import sys, engine.audio.capture; print({'sounddevice', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
