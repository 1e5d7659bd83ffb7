"""Recording: the pure parts on a made microphone, the whole path through a PulseAudio null sink."""

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate, resample_poly

from engine.audio import wav_file
from engine.audio.decode import read_audio
from engine.errors import AudioError, MicrophoneError
from serstudio.errors import ProjectError
from serstudio.project import ClipSource, Project
from serstudio.usecases import record_clip
from serstudio.usecases.record_clip import Recorder, recover_recordings

RATE_HZ = 16_000
SINK_TRIES = 3  # on a machine short of time the sound server drops a block before we ever see it


class MadeMicrophone:
    """A microphone whose sound the test writes by hand; everything behind it is real."""

    def __init__(self, device: int | None = None) -> None:
        from engine.audio.capture import Ring

        self.name, self.rate_hz, self.latency_s, self.running = "made", RATE_HZ, 0.0, False
        self.ring = Ring(30 * RATE_HZ)

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def say(self, value: float, duration_s: float) -> None:
        """One constant value, in blocks of 10 ms as a sound card delivers them."""
        for _ in range(round(duration_s * 100)):
            self.ring.write(np.full(RATE_HZ // 100, value, dtype=np.float32))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_clip, "Microphone", MadeMicrophone)


def microphone_of(recorder: Recorder) -> MadeMicrophone:
    return recorder._microphone  # type: ignore[return-value]


def leftovers(project: Project) -> list[str]:
    return [path.name for path in project.audio_folder.iterdir() if path.name.startswith(".")]


@pytest.mark.usefixtures("made")
def test_a_project_that_was_moved_is_named_as_the_reason(project: Project, tmp_path: Path) -> None:
    project.folder.rename(tmp_path / "elsewhere")
    with Recorder(project) as recorder, pytest.raises(ProjectError, match="can no longer be found at"):
        recorder.begin()


@pytest.mark.usefixtures("made")
def test_clip_is_the_pre_roll_and_what_came_after_without_a_gap(project: Project) -> None:
    with Recorder(project, pre_roll_s=0.5) as recorder:
        microphone_of(recorder).say(0.1, 1.0)
        microphone_of(recorder).say(0.2, 0.3)
        recorder.begin()
        assert recorder.recording
        microphone_of(recorder).say(0.4, 0.7)
        clip = recorder.finish("vowel")
        assert not recorder.recording
    samples, rate_hz = read_audio(project.clip_path(clip))
    expected = np.repeat([0.1, 0.2, 0.4], [RATE_HZ * 2 // 10, RATE_HZ * 3 // 10, RATE_HZ * 7 // 10])
    assert rate_hz == RATE_HZ
    assert len(samples) == len(expected)
    assert np.abs(samples - expected).max() < 2**-22, "24 bits"
    assert (clip.name, clip.source, clip.channels) == ("vowel", ClipSource.RECORDED, 1)
    assert clip.duration_s == pytest.approx(1.2)
    assert leftovers(project) == []


@pytest.mark.usefixtures("made")
def test_recording_is_one_undoable_action(project: Project) -> None:
    with Recorder(project) as recorder:
        recorder.begin()
        microphone_of(recorder).say(0.1, 0.5)
        clip = recorder.finish()
    assert clip.name.startswith("Recording 2")
    assert project.undo() == f"Record {clip.name}"
    assert project.clips() == []
    project.redo()
    assert project.clips() == [clip]
    assert project.clip_path(clip).exists()


@pytest.mark.usefixtures("made")
def test_file_can_be_read_at_any_moment_of_the_recording(project: Project) -> None:
    with Recorder(project) as recorder:
        recorder.begin()
        (path,) = project.audio_folder.glob(".recording-*.wav")
        for seconds in (0.5, 1.0):
            microphone_of(recorder).say(0.25, 0.5)
            end = time.monotonic() + 5
            while recorder.elapsed_s < seconds and time.monotonic() < end:
                time.sleep(0.01)
            assert soundfile.info(path).duration == pytest.approx(seconds)
            assert soundfile.info(path).subtype == "PCM_24"
        recorder.discard()
        assert leftovers(project) == []
        assert project.clips() == []


@pytest.mark.usefixtures("made")
def test_levels_show_peak_rms_and_hold_a_clip(project: Project) -> None:
    with Recorder(project) as recorder:

        def level_after(value: float) -> record_clip.Level:
            microphone_of(recorder).say(value, 0.5)
            time.sleep(0.1)
            return recorder.levels()

        level = level_after(0.5)
        assert level.peak_dbfs == pytest.approx(-6.02, abs=0.01)
        assert level.rms_dbfs == pytest.approx(-6.02, abs=0.01)
        assert not level.clipped
        assert level_after(1.0).clipped
        assert level_after(0.01).clipped, "held until it is reset"
        recorder.reset_clip_hold()
        level = level_after(0.01)
        assert not level.clipped
        assert level.peak_dbfs == pytest.approx(-40, abs=0.1)


@pytest.mark.usefixtures("made")
def test_too_short_a_recording_is_refused_and_leaves_nothing(project: Project) -> None:
    with Recorder(project) as recorder:
        recorder.begin()
        microphone_of(recorder).say(0.1, 0.05)
        with pytest.raises(AudioError, match="too short"):
            recorder.finish()
        assert not recorder.recording
        assert leftovers(project) == []
        recorder.begin()
        microphone_of(recorder).say(0.1, 0.2)
        assert recorder.finish().duration_s >= 0.2
    assert len(project.clips()) == 1


@pytest.mark.usefixtures("made")
def test_finish_without_begin_is_an_error_in_words(project: Project) -> None:
    with Recorder(project) as recorder, pytest.raises(MicrophoneError, match="Nothing is being recorded"):
        recorder.finish()


@pytest.mark.usefixtures("made")
def test_full_disk_keeps_what_was_written_and_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with Recorder(project) as recorder:
        recorder.begin()
        microphone_of(recorder).say(0.1, 0.5)
        end = time.monotonic() + 5
        while recorder.elapsed_s < 0.5 and time.monotonic() < end:
            time.sleep(0.01)

        def no_space(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(record_clip.WavWriter, "write", no_space)
        microphone_of(recorder).say(0.2, 0.5)
        end = time.monotonic() + 5
        while recorder.problem is None and time.monotonic() < end:
            time.sleep(0.01)
        assert "No space left" in (recorder.problem or "")
        with pytest.raises(MicrophoneError, match=r"Only the first 0\.5 s were recorded \(No space left"):
            recorder.finish("cut")
    (clip,) = project.clips()
    assert (clip.name, clip.duration_s) == ("cut", 0.5)


@pytest.mark.usefixtures("made")
def test_recording_that_cannot_begin_leaves_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with Recorder(project) as recorder:
        with monkeypatch.context() as patch:
            patch.setattr(record_clip.WavWriter, "write", no_space)
            with pytest.raises(ProjectError, match="No space left on device"):
                recorder.begin()
        assert not recorder.recording
        assert leftovers(project) == []
        recorder.begin()
        microphone_of(recorder).say(0.1, 0.5)
        assert recorder.finish().duration_s == pytest.approx(0.5)


@pytest.mark.usefixtures("made")
def test_unplugged_microphone_is_reported_and_the_take_kept(project: Project) -> None:
    with Recorder(project) as recorder:
        recorder.begin()
        microphone_of(recorder).say(0.1, 0.5)
        assert recorder.problem is None
        microphone_of(recorder).running = False
        assert "no longer there" in (recorder.problem or "")
        assert recorder.finish().duration_s == pytest.approx(0.5)


@pytest.mark.usefixtures("made")
def test_sound_that_was_lost_before_the_recording_is_not_counted_in_it(project: Project) -> None:
    with Recorder(project) as recorder:
        microphone = microphone_of(recorder)
        microphone.ring.write(np.zeros(160, dtype=np.float32), overrun=True)
        assert recorder.overruns == 1
        recorder.begin()
        assert recorder.overruns == 0
        microphone.ring.write(np.zeros(160, dtype=np.float32), overrun=True)
        assert recorder.overruns == 1


@pytest.mark.usefixtures("made")
def test_two_identical_silences_are_one_clip(project: Project) -> None:
    with Recorder(project) as recorder:
        clips = []
        for _ in range(2):
            recorder.begin()
            recorder._take.writer.write(np.zeros(RATE_HZ, np.float32))  # type: ignore[union-attr]
            clips.append(recorder.finish())
    assert clips[0] == clips[1]
    assert len(project.clips()) == 1


@pytest.mark.usefixtures("made")
def test_closing_while_recording_loses_nothing(project: Project) -> None:
    with Recorder(project) as recorder:
        recorder.begin()
        microphone_of(recorder).say(0.3, 1.0)
    assert project.clips() == []
    (clip,) = recover_recordings(project)
    assert clip.duration_s == pytest.approx(1.0)
    assert clip.name.startswith("Recovered recording 2")
    assert leftovers(project) == []
    assert recover_recordings(project) == []


@pytest.mark.usefixtures("made")
def test_recovery_leaves_a_running_recording_alone(project: Project) -> None:
    with Recorder(project) as recorder:
        recorder.begin()
        microphone_of(recorder).say(0.3, 0.5)
        assert recover_recordings(project) == []
        assert recorder.finish().duration_s == pytest.approx(0.5)


def test_recovery_mends_a_header_that_lags_behind(project: Project) -> None:
    """A kill between the samples and the header, with one byte of the next sample written."""
    path = project.audio_folder / ".recording-20260101-000000-abc.wav"
    writer = record_clip.WavWriter(path, RATE_HZ)
    writer.write(np.full(RATE_HZ, 0.5, np.float32))
    writer.close()
    with path.open("ab") as file:
        file.write(b"\0\0\x40" * RATE_HZ + b"\0")
    (clip,) = recover_recordings(project)
    samples, _ = read_audio(project.clip_path(clip))
    assert len(samples) == 2 * RATE_HZ
    assert project.clip_path(clip).stat().st_size == 44 + 3 * len(samples), "no part of a sample is left"
    assert samples == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a recording at all" * 20])
def test_recovery_throws_away_what_holds_no_sound(project: Project, content: bytes) -> None:
    (project.audio_folder / ".recording-20260101-000000-abc.wav").write_bytes(content)
    assert recover_recordings(project) == []
    assert leftovers(project) == []


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("second_names", [True, False])
def test_row_that_cannot_be_written_leaves_the_recording(
    project: Project, monkeypatch: pytest.MonkeyPatch, second_names: bool
) -> None:
    """Also on a memory stick, where a file cannot have two names."""
    if not second_names:

        def refused(*_: Any) -> None:
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refused)
    with Recorder(project) as recorder:
        recorder.begin()
        microphone_of(recorder).say(0.3, 1.0)
        with monkeypatch.context() as patch:
            patch.setattr(project, "add_clips", raise_full)
            with pytest.raises(ProjectError, match="is full") as raised:
                recorder.finish("lost?")
            assert "comes back when the project is opened again" in raised.value.hint
    (clip,) = recover_recordings(project)
    assert clip.duration_s == pytest.approx(1.0)
    assert project.clip_path(clip).is_file()
    assert leftovers(project) == []


def raise_full(*_: Any) -> None:
    raise ProjectError("The disk is full.", "Free some room.")


@pytest.mark.usefixtures("made")
def test_crash_right_after_the_row_does_not_make_a_second_clip(project: Project) -> None:
    with Recorder(project) as recorder:
        recorder.begin()
        microphone_of(recorder).say(0.3, 1.0)
        clip = recorder.finish("once")
    os.link(project.clip_path(clip), project.audio_folder / ".recording-20260101-000000-abc.wav")
    assert recover_recordings(project) == [clip]
    assert project.clips() == [clip]
    assert leftovers(project) == []


def test_file_as_large_as_wav_allows_is_closed_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wav_file, "_MOST_BYTES", 3_000)
    writer = wav_file.WavWriter(tmp_path / "a.wav", RATE_HZ)
    writer.write(np.zeros(1_000, np.float32))
    with pytest.raises(OSError, match="the size that WAV allows"):
        writer.write(np.zeros(1, np.float32))
    writer.close()
    assert soundfile.info(tmp_path / "a.wav").frames == 1_000


def record_until_killed(folder: Path, ready: Any) -> None:
    record_clip.Microphone = MadeMicrophone  # type: ignore[assignment,misc]
    recorder = Recorder(Project.open(folder))
    recorder.begin()
    microphone_of(recorder).say(0.5, 2.0)
    while recorder.elapsed_s < 2.0:
        time.sleep(0.01)
    ready.set()
    time.sleep(60)


def test_killed_process_leaves_a_recording_that_comes_back(project: Project) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=record_until_killed, args=(project.folder, ready))
    process.start()
    assert ready.wait(30)
    assert recover_recordings(project) == [], "its writer is alive"
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    (clip,) = recover_recordings(project)
    assert clip.duration_s == pytest.approx(2.0)
    assert read_audio(project.clip_path(clip))[0] == pytest.approx(0.5, abs=1e-6)
    assert leftovers(project) == []


def test_no_microphone_is_said_in_words(project: Project, no_microphone: None) -> None:
    with pytest.raises(MicrophoneError, match="No microphone was found"):
        Recorder(project)


# --- the real path ---------------------------------------------------------------------------------


def offset_and_likeness(heard: np.ndarray, played: np.ndarray) -> tuple[int, float]:
    """Where `played` lies in `heard`, and their normalised correlation there (1: the same)."""
    scores = correlate(heard, played, mode="valid")
    start = int(np.argmax(scores))
    part = heard[start : start + len(played)]
    return start, float(scores[start] / np.sqrt(np.sum(part**2) * np.sum(played**2)))


def at_rate(path: Path, rate_hz: int) -> np.ndarray:
    samples, own_rate_hz = read_audio(path)
    divisor = np.gcd(rate_hz, own_rate_hz)
    return resample_poly(samples, rate_hz // divisor, own_rate_hz // divisor)


def speech_or_chirp(write_wav: Any) -> Path:
    """A clip of real speech where there is one, as WAV; a chirp otherwise."""
    folder = Path(os.environ.get("SERSTUDIO_CORPORA", "../shared/corpora"))
    speech = sorted(folder.glob("emodb/download/wav/*.flac"))
    if speech:
        samples, rate_hz = read_audio(speech[0])
        return write_wav("played.wav", samples, rate_hz)
    time_s = np.arange(RATE_HZ * 2) / RATE_HZ
    return write_wav("played.wav", 0.4 * np.sin(2 * np.pi * (200 + 600 * time_s) * time_s), RATE_HZ)


@pytest.mark.microphone
def test_known_clip_is_recorded_from_the_microphone(project: Project, null_sink: Any, write_wav: Any) -> None:
    clip_file = speech_or_chirp(write_wav)
    for _ in range(SINK_TRIES):
        with Recorder(project) as recorder:
            time.sleep(0.8)  # silence for the pre-roll
            recorder.begin()
            null_sink.play(clip_file)
            assert recorder.levels().peak_dbfs > -30
            clip = recorder.finish("from the sink")
            assert recorder.overruns == 0
        heard, rate_hz = read_audio(project.clip_path(clip))
        played = at_rate(clip_file, rate_hz)
        start, likeness = offset_and_likeness(heard, played)
        if likeness > 0.99:
            break
    assert likeness > 0.99
    assert start > 0.45 * rate_hz, "the half second before `begin` is in the clip"
    assert len(heard) > start + len(played) - 0.01 * rate_hz, "nothing is cut off at the end"


@pytest.mark.microphone
def test_pre_roll_saves_a_word_that_began_too_early(project: Project, null_sink: Any, write_wav: Any) -> None:
    """Playing begins before `begin`; the clip must hold sound from before the call."""
    time_s = np.arange(RATE_HZ * 3) / RATE_HZ
    chirp = 0.4 * np.sin(2 * np.pi * (200 + 200 * time_s) * time_s)  # each moment has its own pitch
    for _ in range(SINK_TRIES):
        with Recorder(project) as recorder, null_sink.playing(write_wav("chirp.wav", chirp, RATE_HZ)):
            end = time.monotonic() + 5
            while recorder.levels().rms_dbfs < -12 and time.monotonic() < end:
                time.sleep(0.01)
            time.sleep(0.7)
            recorder.begin()
            before = recorder.elapsed_s
            time.sleep(0.5)
            clip = recorder.finish()
        assert before == pytest.approx(0.5, abs=0.05)
        heard, rate_hz = read_audio(project.clip_path(clip))
        assert np.sqrt(np.mean(heard[: round(0.3 * rate_hz)] ** 2)) > 0.1, "sound from before `begin`"
        played = resample_poly(chirp, rate_hz, RATE_HZ)
        _, likeness = offset_and_likeness(played, heard)
        if likeness > 0.95:
            break
    assert likeness > 0.95, "one unbroken piece of what was played"
