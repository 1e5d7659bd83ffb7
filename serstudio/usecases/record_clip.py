"""Record from a microphone into a project: audio is on disk while it is captured.

The audio callback fills a ring; a writer thread drains it into a WAV file whose header is valid at
any moment. What a crash leaves behind is a clip again at the next `recover_recordings`.
"""

import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.audio.capture import Microphone
from engine.audio.decode import MIN_CLIP_S, probe_audio
from engine.audio.level_meter import Level, LevelMeter
from engine.audio.wav_file import WavWriter, mend_wav
from engine.checksums import sha256_of
from engine.errors import AudioError, MicrophoneError
from serstudio.errors import ProjectError
from serstudio.project import Clip, ClipSource, NewClip, Project
from serstudio.project.staging import WriterLock, lock_path

__all__ = ["Level", "Recorder", "recover_recordings"]

DRAIN_S = 0.02
LONGEST_S = 4 * 3600.0  # a recording that was forgotten; WAV itself ends at 4 GB
_PREFIX = ".recording-"


class Recorder:
    """Listens from `start` to `close`; `begin` and `finish` make a clip. Used by the project's thread.

    A clip begins `pre_roll_s` before `begin` was called, so that the first syllable is not lost.
    """

    def __init__(self, project: Project, device: int | None = None, pre_roll_s: float = 0.5) -> None:
        """Raises MicrophoneError where there is no such microphone."""
        self._project = project
        self._microphone = Microphone(device)
        self._pre_roll = round(pre_roll_s * self._microphone.rate_hz)
        self._meter = LevelMeter(self._microphone.rate_hz)
        self._lock = threading.Lock()  # between this thread and the writer; the audio callback never takes it
        self._take: _Take | None = None
        self._failure: OSError | None = None
        self._lost_before = 0  # of what is being recorded now
        self._stop = threading.Event()
        self._writer: threading.Thread | None = None

    @property
    def device_name(self) -> str:
        return self._microphone.name

    @property
    def rate_hz(self) -> int:
        return self._microphone.rate_hz

    @property
    def recording(self) -> bool:
        return self._take is not None

    @property
    def elapsed_s(self) -> float:
        """Length of the clip so far, pre-roll included; 0 when not recording."""
        take = self._take
        return take.writer.duration_s if take is not None else 0.0

    @property
    def overruns(self) -> int:
        """How often sound was lost since `begin`; before that, since `start`."""
        return self._microphone.ring.overruns - self._lost_before

    @property
    def problem(self) -> str | None:
        """Why nothing more is being recorded, in words, or None; `finish` keeps what there is."""
        if self._failure is not None:
            return f"The recording could not be written ({self._failure.strerror or self._failure})."
        if self._writer is not None and not self._microphone.running:
            return f"The microphone '{self.device_name}' is no longer there."
        if self.elapsed_s >= LONGEST_S:
            return f"The recording has reached {LONGEST_S / 3600:.0f} hours."
        return None

    # --- listening ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the microphone and show levels. MicrophoneError where it cannot be opened."""
        if self._writer is not None:
            return
        self._microphone.start()
        self._stop.clear()
        self._writer = threading.Thread(target=self._drain_until_stopped, name="recording-writer")
        self._writer.start()

    def levels(self) -> Level:
        return self._meter.read()

    def reset_clip_hold(self) -> None:
        self._meter.reset_clip_hold()

    def close(self) -> None:
        """Stop listening. A recording that was not finished is kept as it is and recovered later."""
        self._microphone.stop()
        self._stop.set()
        if self._writer is not None:
            self._writer.join()
            self._writer = None
        take, self._take = self._take, None
        if take is not None:
            take.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- recording ---------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start a clip. ProjectError where its file cannot be made; does nothing while recording."""
        self.start()
        if self._take is not None:
            return
        with self._lock, _disk_in_words(self._project):
            self._drain()
            self._failure, self._lost_before = None, self._microphone.ring.overruns
            take = _Take(self._project.audio_folder, self.rate_hz)
            try:
                take.writer.write(self._microphone.ring.already_read(self._pre_roll))
            except OSError:
                take.close()
                take.path.unlink()
                raise
            self._take = take

    def finish(self, name: str | None = None) -> Clip:
        """End the clip and add it to the project, as one undoable action.

        `name` None: the time. AudioError: under 0.1 s. MicrophoneError: it could not be written to
        its end; what was written is in the project all the same.
        """
        take, failure = self._end_take()
        try:
            clip = _keep(self._project, take.path, " ".join((name or "").split()) or _name_of_now())
        except ProjectError as error:
            back = "What was recorded is kept, and comes back when the project is opened again."
            raise ProjectError(error.message, f"{error.hint} {back}") from error
        finally:
            take.release()
        if failure is not None:
            raise MicrophoneError(
                f"Only the first {clip.duration_s:.1f} s were recorded ({failure.strerror or failure}).",
                "They are in the project. Free some room on the disk, then record the rest.",
            )
        return clip

    def discard(self) -> None:
        """End the clip and forget it. Does nothing when not recording."""
        if self._take is not None:
            take, _ = self._end_take()
            take.path.unlink(missing_ok=True)
            take.release()

    def _end_take(self) -> "tuple[_Take, OSError | None]":
        if self._take is None:
            raise MicrophoneError("Nothing is being recorded.", "Start a recording first.")
        if self._microphone.running:
            # What was said until now is still on its way through the sound card.
            time.sleep(min(self._microphone.latency_s, 0.25) + DRAIN_S)
        with self._lock:
            self._drain()
            take, self._take = self._take, None
            failure, self._failure = self._failure, None
        try:
            take.close_file()
        except OSError as error:
            failure = failure or error
        return take, failure

    # --- the writer --------------------------------------------------------------------------------

    def _drain_until_stopped(self) -> None:
        while not self._stop.wait(DRAIN_S):
            with self._lock:
                self._drain()
        with self._lock:
            self._drain()

    def _drain(self) -> None:
        """Move what is new in the ring to the meter and the file. Called with the lock held."""
        new = self._microphone.ring.read_new()
        if not len(new):
            return
        self._meter.hear(new)
        take = self._take
        if take is None or self._failure is not None or take.writer.duration_s >= LONGEST_S:
            return
        try:
            take.writer.write(new)
        except OSError as error:
            self._failure = error


class _Take:
    """One recording on its way: a hidden file in `audio/`, with a lock that says that it is alive."""

    def __init__(self, audio_folder: Path, rate_hz: int) -> None:
        self.path = audio_folder / f"{_PREFIX}{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}.wav"
        self._lock = WriterLock(lock_path(self.path))
        try:
            self.writer = WavWriter(self.path, rate_hz)
        except BaseException:
            self._lock.release()
            raise

    def close_file(self) -> None:
        self.writer.close()

    def release(self) -> None:
        self._lock.release()

    def close(self) -> None:
        self.close_file()
        self.release()


def recover_recordings(project: Project) -> list[Clip]:
    """Add the recordings that a crash left behind as clips, oldest first.

    Those of a recorder that is still at work, here or in another process, are left alone.
    """
    recovered = []
    for path in sorted(project.audio_folder.glob(f"{_PREFIX}*.wav")):
        with _disk_in_words(project):
            lock = WriterLock(lock_path(path))
            if not lock.taken:
                continue
            try:
                if mend_wav(path) < MIN_CLIP_S:
                    path.unlink()
                else:
                    when = datetime.fromtimestamp(path.stat().st_mtime)
                    recovered.append(_keep(project, path, f"Recovered recording {when:%Y-%m-%d %H.%M.%S}"))
            finally:
                lock.release()
    return recovered


def _keep(project: Project, path: Path, name: str) -> Clip:
    """Give a closed recording its final name and its row; it has both names until the row is there."""
    with _disk_in_words(project):
        duration_s = mend_wav(path)
        if duration_s < MIN_CLIP_S:
            path.unlink()
            raise AudioError(
                f"The recording is too short ({int(1000 * duration_s)} ms).",
                f"Record at least {1000 * MIN_CLIP_S:.0f} ms.",
            )
        sha256 = sha256_of(path)
        clip = project.find_hash(sha256)  # digital silence of the same length, or a crash right after the row
        if clip is None:
            rate_hz = probe_audio(path).rate_hz
            target = project.audio_folder / f"{sha256}.wav"
            _link(path, target)
            new = NewClip(sha256, f"audio/{target.name}", name, duration_s, rate_hz, 1, source=ClipSource.RECORDED)
            try:
                clip = project.add_clips([new], f"Record {name}")[0]
            except BaseException:
                target.replace(path)
                raise
        path.unlink(missing_ok=True)
    return clip


def _link(path: Path, target: Path) -> None:
    """`target` as a second name of `path`, so that a crash at any moment leaves one that is found."""
    target.unlink(missing_ok=True)  # of a clip that was removed: the same bytes
    try:
        os.link(path, target)
    except OSError:  # the file system of most memory sticks has no second names
        path.replace(target)


def _name_of_now() -> str:
    return f"Recording {datetime.now():%Y-%m-%d %H.%M.%S}"


@contextmanager
def _disk_in_words(project: Project) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        project.check_folder()  # where it was moved, its own sentence says so
        raise ProjectError(
            f"The recording could not be written to {project.folder.name} ({error.strerror or error}).",
            "Free some room on the disk, or change the permissions of the folder.",
        ) from error
