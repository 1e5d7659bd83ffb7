"""new, import and label, as a person types them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from serstudio.project import Project
from tests.cli.conftest import Run
from tests.conftest import ToneClip


def test_new_says_what_is_next(tmp_path: Path, run: Run) -> None:
    ran = run("new", tmp_path / "my project", "--name", "Tëst", "--language", "Lakota", "--labels", "anger, joy")
    assert ran.code == 0
    assert "2 labels" in ran.out
    assert f'serstudio import "{tmp_path / "my project"}"' in ran.out
    with Project.open(tmp_path / "my project") as project:
        assert (project.name, project.language) == ("Tëst", "Lakota")
        assert [label.name for label in project.labels()] == ["anger", "joy"]


def test_new_takes_the_name_of_the_folder(tmp_path: Path, run: Run) -> None:
    assert run("new", tmp_path / "lakota", "--json").json == {"folder": str(tmp_path / "lakota")}
    with Project.open(tmp_path / "lakota") as project:
        assert project.name == "lakota"
        assert project.labels() == []


@pytest.mark.parametrize("labels", ["a,,b", "a,a", "a, "])
def test_new_refuses_bad_labels_and_leaves_nothing(tmp_path: Path, fails: Run, labels: str) -> None:
    assert fails("new", tmp_path / "p", "--labels", labels).code == 1
    assert not (tmp_path / "p").exists()


def test_new_refuses_a_project(project: Project, fails: Run) -> None:
    assert "already" in fails("new", project.folder).err


def test_import_reports_what_was_added_and_skipped(
    tmp_path: Path, project: Project, tone_clip: ToneClip, run: Run
) -> None:
    tone_clip("clips/a.wav")
    tone_clip("clips/deep/B.WAV", pitch_hz=200.0)
    shutil.copy(tmp_path / "clips/a.wav", tmp_path / "clips/same.wav")
    (tmp_path / "clips/text.wav").write_text("no sound")
    (tmp_path / "clips/empty.flac").touch()
    ran = run("import", project.folder, tmp_path / "clips")
    assert ran.code == 0
    assert ran.out.startswith("Added 2 clips.\n")
    assert "Skipped 3 files:" in ran.out
    assert "text.wav" in ran.out
    assert "empty.flac" in ran.out
    assert run("import", project.folder, tmp_path / "clips/a.wav").code == 0  # there already: not an error


def test_import_fails_when_nothing_could_be_read(tmp_path: Path, project: Project, fails: Run) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    ran = fails("import", project.folder, tmp_path / "text.wav", tmp_path / "missing.wav")
    assert ran.code == 1
    assert "Nothing was added" in ran.err
    assert "missing.wav" in ran.out


def test_import_takes_so_many_clips_of_some_labels(tmp_path: Path, voices: Path, run: Run) -> None:
    run("new", tmp_path / "p")
    manifest = voices / "manifest.csv"
    ran = run("import", tmp_path / "p", "--manifest", manifest, "--per-label", 3, "--only-labels", "joy,fear", "--json")
    assert len(ran.json["added_clip_ids"]) == 6
    assert sorted(ran.json["new_labels"]) == ["fear", "joy"]
    listed = run("label", tmp_path / "p", "--list", "--json").json
    assert listed["label_counts"] == {"fear": 3, "joy": 3}
    assert {clip["speaker"] for clip in listed["clips"]} <= {"0", "1", "2", "3", "s0", "s1", "s2", "s3"}


def test_import_says_when_a_folder_holds_no_audio(tmp_path: Path, project: Project, fails: Run) -> None:
    (tmp_path / "notes").mkdir()
    assert "No audio file" in fails("import", project.folder, tmp_path / "notes").err


def test_import_needs_something(project: Project, fails: Run) -> None:
    assert fails("import", project.folder).code == 2
    assert fails("import", project.folder, "x.wav", "--per-label", 3).code == 2


def test_import_refuses_bad_manifests(tmp_path: Path, project: Project, fails: Run) -> None:
    (tmp_path / "no-label.csv").write_text("file,speaker\na.wav,x\n")
    assert "'label'" in fails("import", project.folder, "--manifest", tmp_path / "no-label.csv").err
    assert fails("import", project.folder, "--manifest", tmp_path / "none.csv").code == 1
    assert fails("import", tmp_path / "nowhere", tmp_path).code == 1


@pytest.fixture
def three_clips(project: Project, tone_clip: ToneClip, run: Run) -> Path:
    for index in range(3):
        tone_clip(f"take-{index}.wav", pitch_hz=150.0 + 20 * index)
    folder = project.folder
    run("import", folder, *(folder.parent / f"take-{index}.wav" for index in range(3)))
    return folder


def test_label_undo_redo(three_clips: Path, run: Run) -> None:
    ran = run("label", three_clips, "take-*", "--as", "joy", "--speaker", "ana")
    assert ran.code == 0
    assert ran.out.count("joy") == 4  # three clips and the counts
    run("label", three_clips, "take-1.wav", "--as", "fear")
    assert _labels(run, three_clips) == ["joy", "fear", "joy"]
    assert "Taken back" in run("label", three_clips, "--undo").err
    assert _labels(run, three_clips) == ["joy", "joy", "joy"]
    assert "Done again" in run("label", three_clips, "--redo").err
    assert _labels(run, three_clips) == ["joy", "fear", "joy"]
    assert "nothing to do again" in run("label", three_clips, "--redo").err
    run("label", three_clips, "take-0", "--clear")
    assert _labels(run, three_clips) == [None, "fear", "joy"]


def test_undo_takes_back_what_was_done_last_not_a_recording_that_comes_back(three_clips: Path, run: Run) -> None:
    """What a crash left of a recording waits for a verb that does something else."""
    run("label", three_clips, 1, "--as", "anger")
    cut_off = three_clips / "audio" / ".recording-20261128-101500-abcdef.wav"
    soundfile.write(cut_off, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    assert "Taken back: Label" in run("label", three_clips, "--undo").err
    assert "Done again: Label" in run("label", three_clips, "--redo").err
    assert "is kept as 'Recovered recording" in run("label", three_clips).err


def _labels(run: Run, folder: Path) -> list[str | None]:
    return [clip["label"] for clip in run("label", folder, "--list", "--json").json["clips"]]


def test_one_command_is_one_step_and_all_or_nothing(three_clips: Path, run: Run, fails: Run) -> None:
    run("label", three_clips, 1, "--as", "joy", "--speaker", "ana")
    run("label", three_clips, "--undo")
    assert [clip["speaker"] for clip in run("label", three_clips, "--list", "--json").json["clips"]] == [None] * 3
    assert _labels(run, three_clips) == [None] * 3
    assert "awe" in fails("label", three_clips, 1, "--add-label", "calm", "--as", "awe").err
    assert "calm" not in run("label", three_clips).out


def test_label_in_any_script(three_clips: Path, run: Run) -> None:
    assert run("label", three_clips, "--add-label", "哀しみ").code == 0
    assert run("label", three_clips, "take-2", "--as", "哀しみ").code == 0
    assert _labels(run, three_clips) == [None, None, "哀しみ"]
    assert "哀しみ 1" in run("label", three_clips).out


def test_label_refuses(three_clips: Path, fails: Run) -> None:
    assert "anger, fear, joy" in fails("label", three_clips, "take-0", "--as", "fury").err
    assert fails("label", three_clips, "nothing*", "--as", "joy").code == 1
    assert fails("label", three_clips, "take-0").code == 2
    assert fails("label", three_clips, "--as", "joy").code == 2
    assert fails("label", three_clips, "take-0", "--as", "joy", "--clear").code == 2
