"""Fixtures that all tests share.

tone_clip, write_wav   make short real audio files
three_hours            one very long file
project                an open project with three labels, in tmp_path
corpora                the folder of real speech; skips where it is absent (mark `corpora`)
null_sink              a PulseAudio null sink as the default microphone (mark `microphone`)
no_microphone          a machine that has none
unprivileged           a user who is not root, for tests of permissions
no_leaks (autouse)     fails a test that leaves a thread or a child process behind
no_network (autouse)   fails a test that tried to reach another machine (tests/no_network)
network_log            takes such attempts upon itself, for tests of the guard

How to record in a test: ask for `null_sink`, open the recorder or the microphone, then
`null_sink.play(clip)`. What is played is what the default microphone hears, in this process and in
every process that it starts.
"""

import atexit
import contextlib
import multiprocessing
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from serstudio.project import Project
from tests.no_network import sitecustomize as network_guard

REPOSITORY = Path(__file__).resolve().parents[1]
WriteWav = Callable[..., Path]
ToneClip = Callable[..., Path]

# Every Python that a test starts finds this checkout, and loads the guard too.
os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (REPOSITORY, REPOSITORY / "tests" / "no_network")))

# What was measured of the machine is measured anew, and leaves nothing in the user's cache.
os.environ["SERSTUDIO_CACHE"] = tempfile.mkdtemp(prefix="serstudio-cache-")
atexit.register(shutil.rmtree, os.environ["SERSTUDIO_CACHE"], ignore_errors=True)

# --- audio files -----------------------------------------------------------------------------------


@pytest.fixture
def write_wav(tmp_path: Path) -> WriteWav:
    """write_wav(name, samples, rate_hz=16_000, subtype=None) -> path in tmp_path (folders are made)."""

    def write(name: str, samples: np.ndarray, rate_hz: int = 16_000, subtype: str | None = None) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        container = "OGG" if path.suffix.lower() == ".opus" else None
        codec = "OPUS" if path.suffix.lower() == ".opus" else subtype
        soundfile.write(path, samples, rate_hz, format=container, subtype=codec)
        return path

    return write


@pytest.fixture
def tone_clip(write_wav: WriteWav) -> ToneClip:
    """tone_clip(name, duration_s=1.0, pitch_hz=220.0, rate_hz=16_000, channels=1) -> path.

    A tone with overtones that swells and fades, a little like a vowel. Another pitch is another clip.
    """

    def write(
        name: str,
        duration_s: float = 1.0,
        pitch_hz: float = 220.0,
        rate_hz: int = 16_000,
        channels: int = 1,
    ) -> Path:
        time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
        tone = sum(np.sin(2 * np.pi * pitch_hz * k * time_s) / k for k in range(1, 5))
        tone *= 0.2 * np.sin(np.pi * time_s / duration_s) ** 2
        return write_wav(name, np.repeat(tone[:, None], channels, axis=1).astype(np.float32), rate_hz)

    return write


@pytest.fixture
def three_hours(tmp_path: Path) -> Path:
    """A WAV file of 3 hours at 8 kHz: 86 MB that take no room, since the samples are a hole in the file."""
    path = tmp_path / "interview.wav"
    rate_hz, frames = 8_000, 3 * 3600 * 8_000  # one byte a sample
    form = (b"fmt ", 16, 1, 1, rate_hz, rate_hz, 1, 8)
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + frames, b"WAVE", *form, b"data", frames)
    path.write_bytes(header)
    os.truncate(path, len(header) + frames)
    return path


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder with one folder a corpus, each with a manifest.csv (mark the test `corpora`)."""
    folder = Path(os.environ.get("SERSTUDIO_CORPORA", REPOSITORY.parent / "shared" / "corpora"))
    if not folder.is_dir():
        pytest.skip(f"needs the real speech in {folder} (or in SERSTUDIO_CORPORA)")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An open project without clips; labels anger, fear and joy."""
    with Project.create(tmp_path / "project", "Test project", "pl", ["anger", "fear", "joy"]) as project:
        yield project


# --- the microphone --------------------------------------------------------------------------------


class NullSink:
    """A loudspeaker that plays into the default microphone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "native"
        self._server: subprocess.Popen[bytes] | None = None
        self._listener: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in order to hear the sink."""
        return {
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_SINK": "speaker",
            "PULSE_SOURCE": "speaker.monitor",
            "ALSA_CONFIG_PATH": str(self._folder / "asound.conf"),
        }

    def start(self) -> None:
        (self._folder / "asound.conf").write_text(
            "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n"
        )
        own = {"HOME": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}
        command = ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
        command += ["-L", f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"]
        command += ["-L", "module-null-sink sink_name=speaker"]
        with (self._folder / "pulseaudio.log").open("wb") as log:
            self._server = subprocess.Popen(command, env={**os.environ, **own}, stdout=log, stderr=log)
        if not _wait_for(self._socket.exists, 10.0):
            raise RuntimeError((self._folder / "pulseaudio.log").read_text())
        self._keep_awake()

    def _keep_awake(self) -> None:
        # With nobody listening, the sink works in blocks of 2 s, and the first sound comes as late.
        heard = self._folder / "heard.raw"
        command = ["parec", "--device=speaker.monitor", "--latency-msec=20", str(heard)]
        self._listener = subprocess.Popen(command, env={**os.environ, **self.environment})
        _wait_for(lambda: heard.exists() and heard.stat().st_size > 0, 5.0)

    def play(self, clip: Path) -> None:
        """Play a WAV or FLAC file to its end."""
        subprocess.run(self._play_command(clip), env={**os.environ, **self.environment}, check=True)

    @contextlib.contextmanager
    def playing(self, clip: Path) -> Iterator[None]:
        """Play while the body runs."""
        player = subprocess.Popen(self._play_command(clip), env={**os.environ, **self.environment})
        try:
            yield
        finally:
            player.terminate()
            player.wait()

    @staticmethod
    def _play_command(clip: Path) -> list[str]:
        return ["paplay", "--device=speaker", "--latency-msec=50", str(clip)]

    def stop(self) -> None:
        for process in (self._listener, self._server):
            if process is not None:
                process.terminate()
                process.wait()


@pytest.fixture(scope="session")
def null_sink() -> Iterator[NullSink]:
    """The default microphone of this process hears what `null_sink.play(clip)` plays."""
    missing = [program for program in ("pulseaudio", "paplay", "parec") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} (packaging/test.sh installs them)")
    folder = Path(tempfile.mkdtemp(prefix="serstudio-sound-"))
    sink = NullSink(folder)
    with pytest.MonkeyPatch.context() as patch:
        try:
            sink.start()
            for name, value in sink.environment.items():
                patch.setenv(name, value)
            if not _default_microphone_opens():
                pytest.skip("needs libasound2-plugins: the default ALSA device does not reach PulseAudio")
            yield sink
        finally:
            sink.stop()
            shutil.rmtree(folder, ignore_errors=True)


def _default_microphone_opens() -> bool:
    from engine.audio.capture import list_input_devices
    from engine.errors import MicrophoneError

    try:
        return any(device.is_default for device in list_input_devices())
    except MicrophoneError as error:
        pytest.skip(f"needs libportaudio2: {error}")


@pytest.fixture
def no_microphone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that has PortAudio and no microphone, in this process and in those that it starts.

    Skips on a machine with a sound card of its own, which cannot be hidden.
    """
    from engine.audio.capture import list_input_devices

    with monkeypatch.context() as patch:
        patch.delenv("ALSA_CONFIG_PATH", raising=False)
        patch.setenv("PULSE_SERVER", "unix:/nonexistent")
        if list_input_devices():
            pytest.skip("the microphones of this machine cannot be hidden")
        yield
    list_input_devices()  # PortAudio looks at the machine again


def _wait_for(condition: Callable[[], bool], timeout_s: float) -> bool:
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# --- permissions -----------------------------------------------------------------------------------


@pytest.fixture
def unprivileged() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """`with unprivileged():` runs the body without root's rights; files for it go to `open_folder`."""

    @contextlib.contextmanager
    def as_nobody() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)

    if not hasattr(os, "geteuid"):
        pytest.skip("needs the permissions of a POSIX system")
    return as_nobody


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter and write (tmp_path belongs to root alone where tests run as root)."""
    folder = Path(tempfile.mkdtemp(prefix="serstudio-open-"))
    folder.chmod(0o777)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o777)
    shutil.rmtree(folder)


# --- the network -----------------------------------------------------------------------------------


class NetworkLog:
    """Attempts to reach another machine, of this process and of those that it started."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self) -> list[str]:
        """Those since the last time; they are forgotten."""
        if not self._path.exists():
            return []
        attempts = self._path.read_text().splitlines()
        self._path.unlink()
        return attempts


@pytest.fixture(scope="session")
def network_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NetworkLog]:
    """What the guard wrote down; a test that takes it answers for it."""
    path = tmp_path_factory.mktemp("network") / "attempts"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(network_guard.LOG, str(path))
        yield NetworkLog(path)


@pytest.fixture(autouse=True)
def no_network(network_log: NetworkLog) -> Iterator[None]:
    """Every test goes without the network, also one whose library swallows the refusal."""
    yield
    attempts = network_log.take()
    if attempts:
        pytest.fail(f"used the network: {attempts}")


# --- leaks -----------------------------------------------------------------------------------------

# Helpers of the interpreter and of libraries that live as long as the process on purpose.
_LASTING_THREADS = ("tqdm_monitor", "pytest_timeout", "QueueFeederThread", "asyncio_")
_LASTING_PROCESSES = ("multiprocessing.resource_tracker", "multiprocessing.forkserver", "execnet")


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """Every thread and child process that a test starts must have ended 3 s after it."""
    threads_before, processes_before = _threads(), _child_processes()
    yield
    _wait_for(lambda: _threads() <= threads_before and not _child_processes().keys() - processes_before, 3.0)
    threads = [thread.name for thread in _threads() - threads_before]
    processes = [command for pid, command in _child_processes().items() if pid not in processes_before]
    if threads or processes:
        pytest.fail(f"left behind: threads {threads}, child processes {processes}")


def _threads() -> set[threading.Thread]:
    return {
        thread
        for thread in threading.enumerate()
        # A dummy stands for a thread of Qt or PortAudio that once called Python; it cannot be joined.
        if not isinstance(thread, threading._DummyThread) and not thread.name.startswith(_LASTING_THREADS)
    }


def _child_processes() -> dict[int, str]:
    """Command lines of the living children, by process id."""
    if not sys.platform.startswith("linux"):
        return {child.pid or 0: child.name for child in multiprocessing.active_children()}
    multiprocessing.active_children()  # reaps those that have ended
    found: dict[int, str] = {}
    for children in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for pid in children.read_text().split():
                # A zombie has no command line: it has ended and waits for its Popen to be collected.
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                if command and not any(name in command for name in _LASTING_PROCESSES):
                    found[int(pid)] = command
    return found
