"""record and live with a real microphone path: a clip is played into a null sink and heard again."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from serstudio.project import Project
from tests.cli.conftest import Run, run_apart, start
from tests.conftest import NullSink, ToneClip

pytestmark = pytest.mark.microphone


def test_record_a_labelled_clip(tmp_path: Path, run: Run, fails: Run, null_sink: NullSink, tone_clip: ToneClip) -> None:
    run("new", tmp_path / "p", "--labels", "joy")
    with null_sink.playing(tone_clip("long.wav", duration_s=20.0)):
        options = ("--seconds", 1.5, "--name", "take one", "--as", "joy", "--speaker", "ana", "--json")
        ran = run("record", tmp_path / "p", *options)
    assert ran.code == 0, ran
    assert ran.json["duration_s"] >= 1.5
    assert (ran.json["name"], ran.json["speaker"], ran.json["source"]) == ("take one", "ana", "recorded")
    assert run("label", tmp_path / "p", "--json").json["label_counts"] == {"joy": 1}
    assert "fury" in fails("record", tmp_path / "p", "--as", "fury", "--seconds", 1).err
    assert not list((tmp_path / "p" / "audio").glob(".recording*"))


def begin_recording(project: Project, *options: object, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    """`record` in a process of its own, which has been recording for a second."""
    process = start("record", project.folder, *options, stdin=stdin)
    end = time.monotonic() + 30
    while not list(project.audio_folder.glob(".recording-*.wav")) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(1.0)
    return process


def test_enter_ends_a_recording(project: Project, null_sink: NullSink, tone_clip: ToneClip) -> None:
    keyboard, terminal = os.openpty()
    with null_sink.playing(tone_clip("long.wav", duration_s=60.0)):
        process = begin_recording(project, "--json", stdin=terminal)
        try:
            os.write(keyboard, b"\n")
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()
            os.close(keyboard)
            os.close(terminal)
    assert process.returncode == 0, err
    assert json.loads(out)["duration_s"] > 1.0


@pytest.mark.parametrize(("number", "kept"), [(signal.SIGINT, False), (signal.SIGTERM, True)])
def test_a_recording_is_thrown_away_by_its_user_alone(
    number: signal.Signals, kept: bool, project: Project, run: Run, null_sink: NullSink, tone_clip: ToneClip
) -> None:
    """A logout or a shutdown sends SIGTERM: nobody has said that the interview is to be lost."""
    with null_sink.playing(tone_clip("long.wav", duration_s=60.0)):
        process = begin_recording(project, "--seconds", 600)
        try:
            process.send_signal(number)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 130, err
    assert bool(list(project.audio_folder.glob(".recording-*.wav"))) is kept
    assert ("It is kept" in err) is kept
    assert ("Recovered recording" in run("label", project.folder).err) is kept


def test_without_a_keyboard_the_length_must_be_given(project: Project) -> None:
    ran = run_apart("record", project.folder)
    assert ran.code == 2
    assert "--seconds" in ran.err


@pytest.mark.parametrize("verb", ["record", "live"])
def test_a_length_that_never_ends_is_refused(verb: str, tmp_path: Path, fails: Run) -> None:
    for length in ("nan", "inf"):
        failed = fails(verb, tmp_path, "--seconds", length)
        assert failed.code == 2
        assert f"{length} is not a finite number" in failed.err


def test_live_hears_the_microphone(adapted_project: Path, run: Run, null_sink: NullSink, tone_clip: ToneClip) -> None:
    with null_sink.playing(tone_clip("long.wav", duration_s=60.0)):
        ran = run("live", adapted_project, "--seconds", 3, "--json")
    assert ran.code == 0, ran
    events = [json.loads(line) for line in ran.out.splitlines()]
    assert events[-1]["duration_s"] >= 3.0
    heard = [event for event in events if event["event"] == "heard"]
    assert heard  # how many in a second is a matter of the machine; test_live_agrees_with_classify counts them
    assert not heard[-1]["quiet"]
