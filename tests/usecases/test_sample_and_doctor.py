"""The sample project, the tour over it, and the look at the machine."""

import csv
import hashlib
from pathlib import Path
from typing import Any

import pytest
import soundfile

from engine.audio.decode import check_audio
from engine.checksums import write_sums
from engine.choices import BUNDLED_BASES, BUNDLED_ENCODERS
from engine.precision_choice import PrecisionChoice
from engine.resources import resource
from engine.store.record import Record, write_record
from serstudio.errors import ProjectError
from serstudio.project import Project
from serstudio.usecases import dispatch, doctor
from serstudio.usecases.doctor import Finding, Verdict, examine_machine
from serstudio.usecases.events import Done
from serstudio.usecases.make_sample_project import LIVE_CLIP, SAMPLE_LABELS
from serstudio.usecases.requests import MakeSampleProject, ProjectCreated
from serstudio.usecases.tour import StepStarted, TourEnded, take_tour

SAMPLE_LIMIT_BYTES = 3_000_000


def _rows(name: str) -> list[dict[str, str]]:
    with resource(f"sample/{name}").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_sample_is_small_whole_and_plainly_synthetic() -> None:
    folder = resource("sample")
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < SAMPLE_LIMIT_BYTES
    assert "SYNTHETIC" in (folder / "README.md").read_text(encoding="utf-8")
    rows = _rows("manifest.csv")
    assert {row["label"] for row in rows} == set(SAMPLE_LABELS)
    assert len({row["speaker"] for row in rows}) == 4
    assert {row["file"] for row in rows} == {f"clips/{path.name}" for path in (folder / "clips").iterdir()}
    for row in rows:
        assert not check_audio(folder / row["file"]).silent
    assert soundfile.info(folder / LIVE_CLIP).duration > 20


def test_the_file_names_of_the_sample_do_not_tell_the_label() -> None:
    """Else labelling it would teach nothing, and the tour could not be believed."""
    assert not [row["file"] for row in _rows("manifest.csv") if any(label in row["file"] for label in SAMPLE_LABELS)]


def test_the_sample_project_has_work_left_to_do(tmp_path: Path) -> None:
    *_, done = dispatch.run(MakeSampleProject(tmp_path / "sample"))
    assert done == Done(ProjectCreated(tmp_path / "sample"))
    with Project.open(tmp_path / "sample") as project:
        assert "synthetic" in project.name.lower()
        assert list(project.label_counts().values()) == [5, 5, 5, 5]
        clips = project.clips()
        assert len(clips) == 48
        assert all(clip.speaker for clip in clips)
        labelled = {clip.speaker for clip in clips if clip.label_id is not None}
        assert labelled == {"ana", "bero", "cira"}
    assert (tmp_path / "sample" / LIVE_CLIP).is_file()


def test_a_sample_project_that_is_stopped_half_way_leaves_nothing(tmp_path: Path) -> None:
    events = dispatch.run(MakeSampleProject(tmp_path / "sample"))
    next(events)
    events.close()
    assert not (tmp_path / "sample").exists()


def test_the_sample_project_never_touches_a_folder_in_use(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ProjectError, match="not empty"):
        list(dispatch.run(MakeSampleProject(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_sample_project_that_cannot_be_written_says_so(
    tmp_path: Path, open_folder: Path, unprivileged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (open_folder / "locked").mkdir()
    (open_folder / "locked").chmod(0)
    with unprivileged(), pytest.raises(ProjectError, match=r"cannot be written \(Permission denied\)"):
        next(dispatch.run(MakeSampleProject(open_folder / "locked" / "home" / "sample")))

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("serstudio.usecases.make_sample_project.shutil.copyfile", full)
    with pytest.raises(ProjectError, match=r"cannot be written \(No space left on device\)"):
        list(dispatch.run(MakeSampleProject(tmp_path / "sample")))
    assert not (tmp_path / "sample").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tour_does_the_whole_job(tmp_path: Path) -> None:
    events = list(take_tour(tmp_path / "tour"))
    assert [event.number for event in events if isinstance(event, StepStarted)] == list(range(1, 10))
    last = events[-1]
    assert isinstance(last, Done)
    ended = last.result
    assert isinstance(ended, TourEnded)
    assert ended.synthetic
    assert (ended.labelled_clips, ended.unheard_clips, ended.new_speaker_clips) == (20, 28, 12)
    assert ended.unheard_right >= 14  # chance is 7: the clips are bent enough to be told apart
    assert ended.live_agrees
    assert ended.live_decisions >= 4 * 25
    assert ended.export_difference == 0.0
    with pytest.raises(ProjectError, match="already"):
        list(take_tour(tmp_path / "tour"))


def test_the_doctor_looks_at_everything(no_microphone: None) -> None:
    findings = {finding.name: finding for finding in examine_machine()}
    assert list(findings) == list(doctor.LOOKS)
    assert findings["Microphone"].verdict is Verdict.NOTE
    assert findings["Bundled bases"].verdict is Verdict.OK
    assert findings["Audio files"].verdict is Verdict.OK
    for finding in findings.values():
        assert finding.detail
        assert bool(finding.mend) == (finding.verdict is not Verdict.OK)


def test_the_doctor_goes_on_after_a_look_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks() -> Finding:
        raise RuntimeError("at /home/maria/x")

    monkeypatch.setitem(doctor.LOOKS, "Python", breaks)
    monkeypatch.setitem(doctor.LOOKS, "Compute", lambda: Finding("Compute", Verdict.OK, "a"))
    first, second, *_ = examine_machine()
    assert first.verdict is Verdict.PROBLEM
    assert "maria" not in first.detail
    assert second.name == "Packages"


def test_the_doctor_sees_a_damaged_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "resource", lambda relative: tmp_path / relative)
    look = doctor.LOOKS["Bundled bases"]
    for name in (*BUNDLED_BASES, *BUNDLED_ENCODERS):
        assert look().detail == f"{name} is not there"
        folder = tmp_path / "bases" / name
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"weights")
        (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(b'weights').hexdigest()}  model.safetensors\n")
    assert look().verdict is Verdict.OK
    (tmp_path / "bases/compact/model.safetensors").write_bytes(b"weighty")
    assert "compact: model.safetensors: wrong checksum" in look().detail


def test_the_doctor_says_what_computes_and_how(monkeypatch: pytest.MonkeyPatch) -> None:
    found = PrecisionChoice("int8", {"fp32": 90.0, "int8": 36.0}, {"int8": 0.01})
    monkeypatch.setattr("engine.precision_choice.choose_precision", lambda encoder: found)
    compute = doctor.LOOKS["Compute"]()
    assert compute.verdict is Verdict.OK
    assert "classifies in int8, 2.5 times as fast as in fp32" in compute.detail
    assert "GB of its memory free" in compute.detail
    monkeypatch.setattr("engine.precision_choice.choose_precision", lambda encoder: PrecisionChoice("bf16"))
    assert "classifies in bf16 (not measured: " in doctor.LOOKS["Compute"]().detail
    exact = PrecisionChoice("fp32", {"fp32": 90.0, "bf16": 88.0}, {"bf16": 0.01})
    monkeypatch.setattr("engine.precision_choice.choose_precision", lambda encoder: exact)
    assert doctor.LOOKS["Compute"]().detail.endswith("classifies in fp32")


def test_the_doctor_tells_of_a_card_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.device.why_unusable", lambda name: "no kernel image" if name == "cuda" else "")
    compute = doctor.LOOKS["Compute"]()
    assert compute.verdict is Verdict.NOTE
    assert compute.detail.endswith("; cannot be used: cuda (no kernel image)")
    assert "too old for this PyTorch" in compute.mend
    monkeypatch.setattr("engine.out_of_memory.moved", lambda module, device: False)
    assert "does not fit" in doctor.LOOKS["Compute"]().mend


def test_the_doctor_looks_into_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERSTUDIO_MODELS", str(tmp_path))
    look = doctor.LOOKS["Models"]
    assert look().detail.startswith("none but the bundled one")
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    write_record(folder, Record("Tiny", "here", "", "MIT", None, "", converted=False, weights_sha256=()))
    assert look().verdict is Verdict.PROBLEM, "without checksums nothing can be told"
    write_sums(folder, ["model.safetensors", "store.json"])
    assert look().verdict is Verdict.OK
    assert "tiny (" in look().detail
    for damage in (lambda file: file.write_bytes(b"weighty"), lambda file: file.unlink()):
        damage(folder / "model.safetensors")
        found = look()
        assert found.verdict is Verdict.PROBLEM
        assert found.detail.startswith("tiny: ")
        assert "models remove" in found.mend


def test_the_doctor_does_not_read_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERSTUDIO_MODELS", str(tmp_path))
    monkeypatch.setattr(doctor, "_SMALL_FILE_BYTES", 6)
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    write_record(folder, Record("Tiny", "here", "", "MIT", None, "", converted=False, weights_sha256=()))
    write_sums(folder, ["model.safetensors", "store.json"])
    (folder / "model.safetensors").write_bytes(b"weighty")
    assert doctor.LOOKS["Models"]().verdict is Verdict.OK
