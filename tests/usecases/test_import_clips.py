"""Import: what is added, what is skipped and why, and that nothing is ever half done."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import ManifestError
from serstudio.errors import ProjectError
from serstudio.project import Project
from serstudio.usecases import import_clips as module
from serstudio.usecases.audio_files import find_audio_files
from serstudio.usecases.dispatch import run
from serstudio.usecases.events import Done, Progress, Warned
from serstudio.usecases.requests import ImportClips, ImportReport


def import_into(project: Project, *paths: Path, **values: Any) -> ImportReport:
    events = list(run(ImportClips(project.folder, tuple(paths), **values)))
    assert isinstance(events[-1], Done)
    assert isinstance(events[-1].result, ImportReport)
    return events[-1].result


def names(project: Project) -> list[str]:
    return [clip.name for clip in project.clips()]


def label_names(project: Project) -> dict[str, str | None]:
    labels = {label.id: label.name for label in project.labels()}
    return {clip.name: labels.get(clip.label_id or 0) for clip in project.clips()}


def reasons(report: ImportReport) -> dict[str, str]:
    return {Path(skipped.file).name: skipped.reason for skipped in report.skipped}


def manifest(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    path = folder / "manifest.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "label", "speaker"), *rows])
    return path


def audio_files(project: Project) -> list[str]:
    return sorted(path.name for path in project.audio_folder.iterdir())


# --- files and folders -----------------------------------------------------------------------------


def test_original_is_kept_byte_for_byte_under_its_hash(project: Project, tone_clip: Any) -> None:
    original = tone_clip("Anna 1.WAV", duration_s=1.25, rate_hz=44_100, channels=2)
    events = list(run(ImportClips(project.folder, (original,))))
    assert [type(event) for event in events] == [Progress, Done]
    (clip,) = project.clips()
    assert (clip.name, clip.duration_s, clip.rate_hz, clip.channels) == ("Anna 1.WAV", 1.25, 44_100, 2)
    assert clip.file == f"audio/{clip.sha256}.wav"
    assert project.clip_path(clip).read_bytes() == original.read_bytes()
    assert audio_files(project) == [f"{clip.sha256}.wav"]
    assert original.exists()
    assert events[-1] == Done(ImportReport((clip.id,), (), (), ()))


def test_folder_is_searched_to_the_bottom_in_any_case(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    for number, name in enumerate(["b.Wav", "deep/er/a.FLAC", "deep/c.ogg", ".hidden/d.wav", "._e.wav"]):
        tone_clip(f"trip/{name}", pitch_hz=200 + number)
    (tmp_path / "trip" / "notes.txt").write_text("weather: fine")
    (tmp_path / "trip" / "deep" / "scan.PDF").write_bytes(b"%PDF")
    (tmp_path / "trip" / "deep" / "README").write_text("read me")
    report = import_into(project, tmp_path / "trip")
    assert names(project) == ["b.Wav", "c.ogg", "a.FLAC"]
    assert report.skipped == ()
    assert report.notes == ("Files of other types in the folders were left alone: 1 .pdf, 1 .txt, 1 without a suffix.",)


def test_linked_folders_are_searched_and_circles_end(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    tone_clip("trip/a.wav", pitch_hz=200)
    tone_clip("elsewhere/b.wav", pitch_hz=300)
    (tmp_path / "trip" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "trip")
    (tmp_path / "trip" / "circle.wav").symlink_to("circle.wav")
    report = import_into(project, tmp_path / "trip")
    assert sorted(names(project)) == ["a.wav", "b.wav"]
    assert list(reasons(report)) == ["circle.wav"]


def test_progress_counts_every_file(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    for number in range(3):
        tone_clip(f"trip/{number}.wav", pitch_hz=200 + number)
    steps = [event for event in run(ImportClips(project.folder, (tmp_path / "trip",))) if isinstance(event, Progress)]
    assert [(event.step, event.total, event.message) for event in steps] == [
        (1, 3, "0.wav"),
        (2, 3, "1.wav"),
        (3, 3, "2.wav"),
    ]


def test_same_file_by_two_ways_is_taken_once(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    clip = tone_clip("trip/a.wav")
    report = import_into(project, tmp_path / "trip", clip, tmp_path / "trip" / ".." / "trip")
    assert (len(report.added_clip_ids), report.skipped) == (1, ())


def test_duplicates_are_found_by_what_they_hold(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    first = tone_clip("a.wav")
    shutil.copy(first, tmp_path / "copy of a.wav")
    report = import_into(project, first, tmp_path / "copy of a.wav")
    assert reasons(report) == {"copy of a.wav": "the same recording as a.wav, which is being added"}
    report = import_into(project, tmp_path / "copy of a.wav")
    assert reasons(report) == {"copy of a.wav": "in the project already, as a.wav"}
    assert report.added_clip_ids == ()
    assert names(project) == ["a.wav"]


def test_import_is_one_undo_step(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    for number in range(3):
        tone_clip(f"trip/{number}.wav", pitch_hz=200 + number)
    import_into(project, tmp_path / "trip")
    assert project.undo() == "Import 3 clips"
    assert (names(project), project.undo_text) == ([], None)
    assert project.redo() == "Import 3 clips"
    assert all(project.clip_path(clip).is_file() for clip in project.clips())


def test_removed_clip_returns_with_its_label(project: Project, tone_clip: Any) -> None:
    clip_file = tone_clip("a.wav")
    (clip_id,) = import_into(project, clip_file).added_clip_ids
    project.set_label([clip_id], 2)
    project.remove_clips([clip_id])
    report = import_into(project, clip_file)
    assert report.added_clip_ids == (clip_id,)
    assert project.clip(clip_id).label_id == 2


def test_import_that_adds_nothing_leaves_redo_alone(project: Project, tmp_path: Path) -> None:
    project.add_label("disgust")
    project.undo()
    import_into(project, tmp_path)
    assert project.redo_text == "Add the label 'disgust'"


def test_name_in_an_old_encoding(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    """A stick that was written with Latin-1 names."""
    old_name = os.fsencode(tmp_path) + b"/trip/caf\xe9.wav"
    (tmp_path / "trip").mkdir()
    try:
        os.rename(tone_clip("a.wav"), old_name)  # noqa: PTH104
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (tmp_path / "trip" / os.fsdecode(b"caf\xe9 2.wav")).touch()
    report = import_into(project, tmp_path / "trip")
    assert names(project) == ["caf\ufffd.wav"]
    assert "caf\ufffd 2.wav is empty" in report.skipped[0].reason


# --- what is skipped, and why ----------------------------------------------------------------------


def test_every_bad_file_has_its_reason_and_the_good_one_is_added(
    project: Project, write_wav: Any, tone_clip: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "trip"
    tone_clip("trip/good.wav")
    second = np.full(16_000, 0.1, np.float32)
    write_wav("trip/no samples.wav", second[:0])
    write_wav("trip/one sample.wav", second[:1])
    write_wav("trip/nan.wav", np.where(np.arange(16_000) == 9, np.nan, second), subtype="FLOAT")
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("Dear diary, today I felt joy.\n" * 50)
    (folder / "broken.m4a").write_bytes(np.random.default_rng(0).bytes(5_000))
    (folder / "video.xyz").write_bytes(b"12345")
    (folder / "labels.csv").write_text("file,label\n")
    given = (folder / "video.xyz", folder / "labels.csv", folder / "missing.wav")
    report = import_into(project, folder, *given)
    assert names(project) == ["good.wav"]
    found = reasons(report)
    for name, part in {
        "no samples.wav": "holds no samples",
        "one sample.wav": "is too short: 1 sample",
        "nan.wav": "not numbers (NaN or infinity)",
        "empty.wav": "is empty (0 bytes)",
        "text.wav": "does not hold sound",
        "broken.m4a": "does not hold sound",
        "video.xyz": "Files of type .xyz are not read here. Convert it to WAV or FLAC.",
        "labels.csv": "Files of type .csv are not read here. A list of clips goes in by CSV list, or --manifest.",
        "missing.wav": "There is no file",
    }.items():
        assert part in found.pop(name)
    assert found == {}
    assert len(audio_files(project)) == 1


def test_eight_channels_at_192_khz(project: Project, tone_clip: Any) -> None:
    report = import_into(project, tone_clip("array.wav", duration_s=0.5, rate_hz=192_000, channels=8))
    (clip,) = project.clips()
    assert (clip.rate_hz, clip.channels, clip.duration_s) == (192_000, 8, 0.5)
    assert report.skipped == report.notes == ()


def test_three_hour_file_is_added_with_a_note(project: Project, three_hours: Path) -> None:
    report = import_into(project, three_hours)
    (clip,) = project.clips()
    project.clip_path(clip).unlink()  # 86 MB that pytest would keep
    assert clip.duration_s == pytest.approx(3 * 3600)
    assert report.notes == (
        "interview.wav is longer than 9.4 s: will be split into windows of 9.4 s. Classifying hears all of them, "
        "adapting at most 12 of a clip, spread over it.",
    )


def test_silent_and_long_clips_are_noted(project: Project, write_wav: Any, tone_clip: Any, tmp_path: Path) -> None:
    for number in range(4):
        write_wav(f"trip/silent {number}.wav", np.zeros(16_000 + number, np.float32))
    tone_clip("trip/exactly.wav", duration_s=9.375)
    tone_clip("trip/longer.wav", duration_s=9.5)
    report = import_into(project, tmp_path / "trip")
    assert len(report.added_clip_ids) == 6
    assert report.notes[0].startswith("longer.wav is longer than 9.4 s")
    assert report.notes[1] == (
        "4 clips (silent 0.wav, silent 1.wav, silent 2.wav, ...) are silent: listen before labelling."
    )


def test_clips_on_another_scale_are_noted(project: Project, write_wav: Any, tone_clip: Any, tmp_path: Path) -> None:
    tone_clip("trip/good.wav")
    write_wav("trip/int16.wav", 20_000 * np.sin(np.arange(16_000) / 20), subtype="FLOAT")
    write_wav("trip/huge.wav", 1e18 * np.sin(np.arange(16_000) / 20), subtype="FLOAT")
    report = import_into(project, tmp_path / "trip")
    assert names(project) == ["good.wav", "int16.wav"]
    assert "between -1 and 1" in reasons(report)["huge.wav"]
    assert report.notes == (
        "int16.wav is scaled wrongly, far beyond -1 to 1, and the answers will be wrong: "
        "save as 16-bit or between -1 and 1, and import again.",
    )


def test_unreadable_file_and_folder(open_folder: Path, unprivileged: Any, tone_clip: Any) -> None:
    project = Project.create(open_folder / "project", "p", "pl", [])
    project.close()
    for path in (project.folder, *project.folder.iterdir()):
        path.chmod(0o777)
    for name in ("open.wav", "secret.wav", "locked/inner.wav"):
        (open_folder / "trip" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tone_clip(Path(name).name, pitch_hz=200 + len(name)), open_folder / "trip" / name)
    (open_folder / "trip" / "secret.wav").chmod(0)
    (open_folder / "trip" / "locked").chmod(0)
    with unprivileged():
        events = list(run(ImportClips(project.folder, (open_folder / "trip",))))
    report = events[-1].result  # type: ignore[union-attr]
    (warning,) = [event for event in events if isinstance(event, Warned)]
    assert "locked: the folder could not be read (Permission denied)" in warning.message
    assert len(report.added_clip_ids) == 1
    assert "the folder could not be read" in reasons(report)["locked"]
    assert "Permission denied" in reasons(report)["secret.wav"]


def test_file_where_one_may_not_look(open_folder: Path, unprivileged: Any, project: Project) -> None:
    locked = open_folder / "locked"
    locked.mkdir()
    locked.chmod(0)
    with unprivileged():
        found = find_audio_files([locked / "a.wav"])
    assert found.files == [locked / "a.wav"], "it is tried, and its reason told"


def test_file_that_still_grows_is_not_taken_half(
    project: Project, tone_clip: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tone_clip("a.wav")
    original = module.check_audio

    def check_and_grow(file: Path) -> object:
        info = original(file)
        with file.open("ab") as growing:
            growing.write(b"\0" * 100)
        return info

    monkeypatch.setattr(module, "check_audio", check_and_grow)
    report = import_into(project, path)
    assert "changed while it was read" in reasons(report)["a.wav"]
    assert (names(project), audio_files(project)) == ([], [])


def test_full_disk_skips_the_file_and_leaves_no_part_of_it(
    project: Project, tone_clip: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tone_clip("a.wav"), tone_clip("b.wav", pitch_hz=300)
    original = os.fsync

    def full_once(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", original)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_once)
    report = import_into(project, first, second)
    assert reasons(report) == {"a.wav": "it could not be copied (No space left on device)"}
    assert names(project) == ["b.wav"]
    assert audio_files(project) == [project.clips()[0].file.removeprefix("audio/")]


# --- nothing is half done --------------------------------------------------------------------------


def test_stopped_import_leaves_the_project_as_it_was(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    for number in range(5):
        tone_clip(f"trip/{number}.wav", pitch_hz=200 + number)
    events = run(ImportClips(project.folder, (tmp_path / "trip",)))
    for _ in range(4):
        next(events)
    assert len(list(project.audio_folder.glob(".staging-*/*.wav"))) == 3
    events.close()  # type: ignore[attr-defined]
    assert (names(project), audio_files(project), project.undo_text) == ([], [], None)


def test_killed_import_leaves_no_half_file(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    for number in range(5):
        tone_clip(f"trip/{number}.wav", pitch_hz=200 + number)
    code = (
        "import sys, time; from pathlib import Path\n"
        "from serstudio.usecases.dispatch import run; from serstudio.usecases.requests import ImportClips\n"
        "for event in run(ImportClips(Path(sys.argv[1]), (Path(sys.argv[2]),))):\n"
        "    print(event.step, flush=True)\n"
        "    if event.step == 4: time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(project.folder), str(tmp_path / "trip")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "4":
            pass
        assert len(list(project.audio_folder.glob(".staging-*/*.wav"))) == 3
        process.send_signal(signal.SIGKILL)
    project.close()
    with Project.open(project.folder) as again:
        assert (names(again), audio_files(again)) == ([], [])
        assert len(import_into(again, tmp_path / "trip").added_clip_ids) == 5


def test_copy_that_was_cut_by_a_power_failure_is_replaced(project: Project, tone_clip: Any) -> None:
    path = tone_clip("a.wav")
    import_into(project, path)
    project.undo()
    kept = project.audio_folder / audio_files(project)[0]
    kept.write_bytes(kept.read_bytes()[:100])
    import_into(project, path)
    assert project.clip_path(project.clips()[0]).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(("spoil", "word"), [("delete", "missing"), ("cut", "damaged"), ("change", "damaged")])
def test_lost_audio_comes_back_with_its_original(project: Project, tone_clip: Any, spoil: str, word: str) -> None:
    path = tone_clip("a.wav")
    (clip_id,) = import_into(project, path).added_clip_ids
    project.set_label([clip_id], 2)
    project.set_speaker([clip_id], "Anna")
    before, kept = project.clip(clip_id), project.clip_path(project.clip(clip_id))
    if spoil == "delete":
        kept.unlink()
    else:
        kept.write_bytes(path.read_bytes()[:100] if spoil == "cut" else path.read_bytes()[:-1] + b"?")
    other_name = path.rename(path.with_name("found again.WAV"))
    report = import_into(project, other_name, shutil.copy(other_name, path.with_name("twin.wav")))
    assert kept.read_bytes() == other_name.read_bytes()
    assert audio_files(project) == [kept.name]
    assert project.clip(clip_id) == before
    assert report.added_clip_ids == ()
    assert all(skipped.is_known for skipped in report.skipped)
    assert reasons(report) == {
        "found again.WAV": f"in the project already, as a.wav; its recording was {word} and is restored",
        "twin.wav": "in the project already, as a.wav",
    }
    assert report.notes == ("1 lost recording of the project is restored: a.wav.",)
    assert import_into(project, other_name).notes == ()


def test_lost_audio_that_cannot_be_put_back_is_told(
    project: Project, tone_clip: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tone_clip("a.wav")
    import_into(project, path)
    kept = project.clip_path(project.clips()[0])
    kept.unlink()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        report = import_into(project, path)
    assert reasons(report) == {"a.wav": "it could not be copied (No space left on device)"}
    assert (report.notes, audio_files(project)) == ((), [])
    import_into(project, path)
    assert kept.is_file()


def test_recording_added_by_somebody_else_meanwhile(project: Project, tone_clip: Any) -> None:
    first, second = tone_clip("a.wav"), tone_clip("b.wav", pitch_hz=300)
    slow = run(ImportClips(project.folder, (first, second)))
    next(slow)
    next(slow)
    import_into(project, first)
    (*_, done) = slow
    assert len(done.result.added_clip_ids) == 1  # type: ignore[union-attr]
    assert names(project) == ["a.wav", "b.wav"]


def test_window_stays_usable_during_an_import(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    """The project is not locked while files are checked and copied."""
    for number in range(3):
        tone_clip(f"trip/{number}.wav", pitch_hz=200 + number)
    events = run(ImportClips(project.folder, (tmp_path / "trip",)))
    for _ in range(3):
        next(events)
        start_s = time.perf_counter()
        project.rename(language=f"pl {start_s}")
        assert time.perf_counter() - start_s < 1.0
    assert isinstance(next(events), Done)


def test_not_a_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="not a SER Studio project"):
        list(run(ImportClips(tmp_path, (tmp_path,))))


# --- manifests -------------------------------------------------------------------------------------


@pytest.fixture
def corpus(tmp_path: Path, tone_clip: Any) -> Path:
    """Eight clips of each of three labels by four speakers; a manifest beside them."""
    folder = tmp_path / "corpus"
    rows = []
    for number in range(24):
        tone_clip(f"corpus/wav/{number:02}.wav", duration_s=0.2, pitch_hz=150 + 10 * number)
        label = ("Joy", "anger", "zaskoczenie")[number % 3]
        rows.append((f"wav/{number:02}.wav", label, f"S{number % 4}"))
    return manifest(folder, rows)


def test_labels_and_speakers_come_from_the_manifest(project: Project, corpus: Path) -> None:
    report = import_into(project, manifest=corpus)
    assert len(report.added_clip_ids) == 24
    assert report.new_labels == ("zaskoczenie",), "Joy is the project's joy"
    assert [label.name for label in project.labels()] == ["anger", "fear", "joy", "zaskoczenie"]
    assert project.label_counts() == {1: 8, 2: 0, 3: 8, 4: 8}
    assert project.clips()[5].speaker == "S1"
    assert project.undo() == "Import 24 clips"
    assert [label.name for label in project.labels()] == ["anger", "fear", "joy"]
    assert names(project) == []


def test_per_label_draws_so_many_with_the_seed(project: Project, corpus: Path, tmp_path: Path) -> None:
    import_into(project, manifest=corpus, per_label=3, seed=5)
    assert project.label_counts() == {1: 3, 2: 0, 3: 3, 4: 3}
    drawn = set(names(project))
    with Project.create(tmp_path / "same", "p", "pl", []) as same:
        import_into(same, manifest=corpus, per_label=3, seed=5)
        assert set(names(same)) == drawn
    with Project.create(tmp_path / "other", "p", "pl", []) as other:
        import_into(other, manifest=corpus, per_label=3, seed=6)
        assert set(names(other)) != drawn


def test_per_label_counts_new_clips_only(project: Project, corpus: Path) -> None:
    import_into(project, manifest=corpus, per_label=3)
    first = set(names(project))
    report = import_into(project, manifest=corpus, per_label=4)
    assert len(report.added_clip_ids) == 12
    assert len(set(names(project))) == 21
    assert first < set(names(project))
    events = list(run(ImportClips(project.folder, manifest=corpus, per_label=4)))
    assert project.label_counts() == {1: 8, 2: 0, 3: 8, 4: 8}
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert warnings[0] == "'Joy': 1 new clips were found; 4 were asked for."
    assert all(event.step <= (event.total or 0) for event in events if isinstance(event, Progress))


def test_per_label_passes_over_what_cannot_be_used(project: Project, corpus: Path) -> None:
    for number in range(0, 18, 3):  # six of the eight of Joy
        (corpus.parent / f"wav/{number:02}.wav").write_bytes(b"")
    import_into(project, manifest=corpus, per_label=2)
    assert project.label_counts() == {1: 2, 2: 0, 3: 2, 4: 2}


def test_only_labels(project: Project, corpus: Path) -> None:
    report = import_into(project, manifest=corpus, only_labels=("joy", "ANGER"))
    assert (len(report.added_clip_ids), report.new_labels) == (16, ())
    with pytest.raises(ManifestError, match="no rows of the label 'hate'") as caught:
        import_into(project, manifest=corpus, only_labels=("joy", "hate"))
    assert caught.value.hint == "It has: Joy, anger, zaskoczenie."


def test_paths_narrow_the_rows(project: Project, corpus: Path) -> None:
    wav = corpus.parent / "wav"
    import_into(project, wav / "03.wav", wav / "04.wav", manifest=corpus)
    assert label_names(project) == {"03.wav": "joy", "04.wav": "anger"}
    assert len(import_into(project, wav, manifest=corpus).added_clip_ids) == 22
    with pytest.raises(ManifestError, match="no rows of the files and labels"):
        import_into(project, corpus.parent / "elsewhere", manifest=corpus)


def test_missing_files_of_a_manifest_are_skipped(project: Project, corpus: Path) -> None:
    (corpus.parent / "wav/00.wav").unlink()
    report = import_into(project, manifest=corpus)
    assert len(report.added_clip_ids) == 23
    assert "There is no file" in reasons(report)["00.wav"]


def test_label_of_skipped_rows_is_not_added(project: Project, tmp_path: Path) -> None:
    path = manifest(tmp_path, [("missing.wav", "neutral", "A")])
    report = import_into(project, manifest=path)
    assert report.new_labels == ()
    assert len(project.labels()) == 3


def test_manifest_completes_clips_but_never_overwrites_the_user(
    project: Project, tone_clip: Any, tmp_path: Path
) -> None:
    files = [tone_clip(f"{name}.wav", pitch_hz=200 + ord(name)) for name in "abcd"]
    a, b, c, d = import_into(project, *files).added_clip_ids
    project.set_label([a], 1)
    project.set_speaker([b], "Anna")
    project.set_label([d], 1)
    project.set_speaker([d], "Anna")
    path = manifest(tmp_path, [(f"{name}.wav", "neutral", "Ben") for name in "abcd"])
    project.clip_path(project.clip(c)).unlink()
    report = import_into(project, manifest=path)
    assert project.clip_path(project.clip(c)).is_file()
    assert label_names(project) == {"a.wav": "anger", "b.wav": "neutral", "c.wav": "neutral", "d.wav": "anger"}
    assert [project.clip(clip_id).speaker for clip_id in (a, b, c, d)] == ["Ben", "Anna", "Ben", "Anna"]
    assert "its speaker was missing" in reasons(report)["a.wav"]
    assert "its label was missing" in reasons(report)["b.wav"]
    assert "; its recording was missing and is restored; its label and speaker was missing" in reasons(report)["c.wav"]
    assert reasons(report)["d.wav"] == "in the project already, as d.wav"
    assert report.notes[0] == "1 lost recording of the project is restored: c.wav."
    assert report.notes[1:] == ("3 clips of the project got what was missing from the manifest.",)
    assert (report.added_clip_ids, report.new_labels) == ((), ("neutral",))
    assert project.undo() == "Complete 3 clips from a manifest"
    assert project.clip(c).label_id is None
    assert project.find_label("neutral") is None


def test_clip_that_is_removed_while_a_manifest_completes_it(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    first = tone_clip("a.wav", pitch_hz=200)
    tone_clip("b.wav", pitch_hz=300)
    (clip_id,) = import_into(project, first).added_clip_ids
    path = manifest(tmp_path, [("a.wav", "awe", "A"), ("b.wav", "joy", "A")])
    events = run(ImportClips(project.folder, manifest=path))
    while not (isinstance(event := next(events), Progress) and event.step == 2):
        pass
    project.remove_clips([clip_id])
    (done,) = [event.result for event in events if isinstance(event, Done)]
    assert isinstance(done, ImportReport)
    assert names(project) == ["b.wav"]
    assert done.new_labels == ()


def test_manifest_that_completes_speakers_brings_no_renamed_label_back(
    project: Project, tone_clip: Any, tmp_path: Path
) -> None:
    tone_clip("a.wav")
    import_into(project, manifest=manifest(tmp_path, [("a.wav", "gioia", "")]))
    label = project.find_label("gioia")
    assert label is not None
    project.edit_label(label.id, name="Freude")
    report = import_into(project, manifest=manifest(tmp_path, [("a.wav", "gioia", "Anna")]))
    assert report.new_labels == ()
    assert project.find_label("gioia") is None
    assert [clip.speaker for clip in project.clips()] == ["Anna"]


def test_label_that_is_a_transcript_skips_its_row(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        tone_clip(f"{name}.wav", pitch_hz=200 + number)
    report = import_into(project, manifest=manifest(tmp_path, [("a.wav", "joy", ""), ("b.wav", "so " * 40, "")]))
    assert names(project) == ["a.wav"]
    assert "Use at most 80" in reasons(report)["b.wav"]
    assert len(audio_files(project)) == 1


def test_twins_with_different_labels_are_pointed_out(project: Project, tone_clip: Any, tmp_path: Path) -> None:
    shutil.copy(tone_clip("a.wav"), tmp_path / "b.wav")
    path = manifest(tmp_path, [("a.wav", "joy", "A"), ("b.wav", "anger", "A")])
    report = import_into(project, manifest=path)
    assert reasons(report)["b.wav"] == "the same recording as a.wav, which is being added, with another label"


def test_choosing_labels_needs_a_manifest(project: Project, tmp_path: Path) -> None:
    for values in ({"per_label": 5}, {"only_labels": ("joy",)}):
        with pytest.raises(ManifestError, match="only where a manifest names them"):
            import_into(project, tmp_path, **values)


@pytest.mark.corpora
def test_real_corpora_as_the_issue_asks(project: Project, corpora: Path) -> None:
    four = ("anger", "joy", "sadness", "neutral")
    report = import_into(project, manifest=corpora / "emodb" / "manifest.csv", per_label=5, only_labels=four)
    assert (len(report.added_clip_ids), report.skipped) == (20, ())
    counts = {label.name: project.label_counts()[label.id] for label in project.labels()}
    assert counts == {"anger": 5, "fear": 0, "joy": 5, "sadness": 5, "neutral": 5}
    report = import_into(project, manifest=corpora / "emovo" / "manifest.csv", per_label=2)
    assert len(report.added_clip_ids) == 14
    assert all(clip.speaker for clip in project.clips())
