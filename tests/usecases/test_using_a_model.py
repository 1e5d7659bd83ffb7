"""Check, classify, export, live: what comes after Adapt."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.adaptation import AdaptationSettings, adapt
from engine.base_folder import save_base
from engine.bases import Base, load_base
from engine.choices import HEADS, Recommended
from engine.decision import Decision
from engine.errors import ModelFolderError
from engine.evaluation import cross_adaptation
from engine.evaluation.metrics import wilson_interval
from engine.model_folder import load_model
from serstudio.errors import ExportError, ProjectError
from serstudio.project import Project
from serstudio.usecases import adapt_project, version_base
from serstudio.usecases.events import Progress, Warned
from serstudio.usecases.requests import (
    AdaptProject,
    CheckProject,
    CheckReport,
    ClassifyFiles,
    ExportModel,
    FilesClassified,
    ModelExported,
    VersionAdded,
)
from serstudio.usecases.stream_live import OpenStream, StreamEnded, StreamStarted, file_blocks, stream_live
from tests.engine.conftest import tiny_encoder, voice
from tests.engine.evaluation.fake_system import use_fake_systems
from tests.engine.test_quantised import needs_int8
from tests.usecases.conftest import NAMES, events_of


@pytest.fixture
def adapted_project(labelled_project: Path, tiny_base_folder: str) -> Path:
    events_of(AdaptProject(labelled_project, base=tiny_base_folder, steps=1))
    return labelled_project


def classify(model: Path, *paths: Path) -> FilesClassified:
    _, result = events_of(ClassifyFiles(model, paths))
    assert isinstance(result, FilesClassified)
    return result


# --- check -----------------------------------------------------------------------------------------


def test_check_leaves_speakers_out(labelled_project: Path, tiny_base_folder: str) -> None:
    events, report = events_of(CheckProject(labelled_project, tiny_base_folder, method="prototypes"))
    assert isinstance(report, CheckReport)
    assert (report.scheme, report.fold_count, report.clip_count) == ("leave-one-speaker-out", 4, 24)
    assert report.labels == NAMES
    assert report.interval[0] < report.accuracy < report.interval[1] or report.accuracy in (0.0, 1.0)
    over_clips = wilson_interval(round(report.accuracy * 24), 24)
    assert report.interval[1] - report.interval[0] > over_clips[1] - over_clips[0], "clips of a voice go together"
    assert sum(map(sum, report.confusion)) == 24
    assert len(report.mistakes) == 24 - sum(report.confusion[index][index] for index in range(3))
    assert report.adaptation_s is None
    assert not any(isinstance(event, Warned) for event in events)


def test_two_spellings_of_a_speaker_from_before_are_one_voice(labelled_project: Path, tiny_base_folder: str) -> None:
    request = CheckProject(labelled_project, tiny_base_folder, method="prototypes", speaker_mean=True)
    _, expected = events_of(request)
    with sqlite3.connect(labelled_project / "project.sqlite") as database:
        database.execute("UPDATE clips SET speaker = 'S1' WHERE speaker = 's1' AND id % 2")
    database.close()
    with Project.open(labelled_project) as project:
        assert len({clip.speaker for clip in project.clips()}) == 5
    _, report = events_of(request)
    assert isinstance(report, CheckReport)
    assert (report, report.fold_count, report.speaker_count) == (expected, 4, 4)
    _, repeated = events_of(replace(request, method="disjoint", steps=1))
    assert isinstance(repeated, CheckReport)
    assert (repeated.scheme, repeated.speaker_count) == ("speaker-folds", 4)
    _, added = events_of(AdaptProject(labelled_project, base=tiny_base_folder, method="ridge", speaker_mean=True))
    assert isinstance(added, VersionAdded)
    voices = load_model(added.folder, "cpu").speakers
    assert voices is not None
    assert sorted(name.casefold() for name in voices.names) == ["s0", "s1", "s2", "s3"]


def test_check_warns_where_no_speaker_can_be_left_out(labelled_project: Path, tiny_base_folder: str) -> None:
    with Project.open(labelled_project) as project:
        project.set_speaker([clip.id for clip in project.clips()], None)
    events, report = events_of(CheckProject(labelled_project, tiny_base_folder))
    assert isinstance(report, CheckReport)
    assert report.scheme == "folds"
    assert any(isinstance(event, Warned) and "new speaker" in event.message for event in events)
    assert report.interval == wilson_interval(round(report.accuracy * 24), 24)


def test_check_says_which_clips_keep_speakers_from_being_left_out(
    labelled_project: Path, tiny_base_folder: str
) -> None:
    with Project.open(labelled_project) as project:
        project.set_speaker([project.clips()[0].id], None)
    events, _ = events_of(CheckProject(labelled_project, tiny_base_folder))
    assert any(isinstance(event, Warned) and event.message.startswith("1 labelled clip has no") for event in events)


@pytest.mark.parametrize("method", [head for head in HEADS if head != "known-emotions"])
def test_check_is_done_as_the_newest_version_was_made(
    labelled_project: Path, tiny_base_folder: str, method: str
) -> None:
    events_of(AdaptProject(labelled_project, base=tiny_base_folder, method=method, speaker_mean=True))
    _, report = events_of(CheckProject(labelled_project, tiny_base_folder))
    assert isinstance(report, CheckReport)
    assert (report.method, report.head) == (method, method)


def test_check_of_a_tuned_version_tunes_anew_as_it_was_made(
    labelled_project: Path, tiny_base_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = AdaptProject(
        labelled_project, base=tiny_base_folder, steps=2, learning_rate=1e-4, trained="norms", head="ridge"
    )
    events_of(made)
    used: list[AdaptationSettings] = []

    def watched(base: Base, clips: object, labels: object, settings: AdaptationSettings, *more: object) -> object:
        used.append(settings)
        return adapt(base, clips, labels, settings, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(cross_adaptation, "adapt", watched)
    events, report = events_of(CheckProject(labelled_project, tiny_base_folder))
    assert isinstance(report, CheckReport)
    assert (report.scheme, report.fold_count, report.clip_count) == ("speaker-folds", 3, 24)
    assert (report.method, report.head) == ("disjoint", "ridge")
    assert report.adaptation_s is not None
    assert [(each.steps, each.learning_rate, each.trained) for each in used] == [(2, 1e-4, "norms")] * 3
    told = [event for event in events if isinstance(event, Progress) and event.unit == "%"]
    assert told[-1].step == 100
    assert told[-1].message == "Adapting anew, part 3 of 3"
    assert told[-2].remaining_s is not None


def test_check_knows_a_version_by_its_bases_own_name(labelled_project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    base = Base("tiny", tiny_encoder(), standardised=True, licence="none", recommended=Recommended("ridge"))
    save_base(base, folder, "# A base", {})
    events_of(AdaptProject(labelled_project, base=str(folder), method="lda"))
    _, report = events_of(CheckProject(labelled_project, str(folder)))
    assert isinstance(report, CheckReport)
    assert report.method == "lda"


def test_check_tunes_as_asked(labelled_project: Path, tiny_base_folder: str) -> None:
    _, report = events_of(CheckProject(labelled_project, tiny_base_folder, method="pmf", steps=1, head="lda"))
    assert isinstance(report, CheckReport)
    assert (report.method, report.head) == ("pmf", "lda")


def test_check_of_a_system_starts_from_its_own_base(
    labelled_project: Path, tiny_base_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_systems(monkeypatch)
    asked: list[str] = []

    def load(name: str) -> Base:
        asked.append(name)
        return replace(load_base(tiny_base_folder), name=name)

    monkeypatch.setattr(version_base, "load_base", load)
    monkeypatch.setattr(adapt_project, "load_base", load)
    events_of(AdaptProject(labelled_project, method="fmaml", steps=2))
    events, report = events_of(CheckProject(labelled_project))
    assert asked == ["fmaml", "fmaml"]
    assert isinstance(report, CheckReport)
    assert (report.method, report.head) == ("fmaml", "linear")
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert warnings == ["This is no real system."], "once, not in every fold"


def test_check_goes_by_the_base_where_the_newest_version_says_nothing(
    adapted_project: Path, tiny_base_folder: str
) -> None:
    (adapted_project / "models" / "0001" / "config.json").write_text("damaged")
    _, report = events_of(CheckProject(adapted_project, tiny_base_folder))
    assert isinstance(report, CheckReport)
    assert (report.method, report.head) == ("disjoint", "prototypes")


# --- classify --------------------------------------------------------------------------------------


def test_classify_takes_files_and_folders(adapted_project: Path, voices: Path) -> None:
    result = classify(adapted_project, voices, voices / "joy-0-0.wav")
    assert len(result.results) == 24, "a file that is named twice is classified once"
    for each in result.results:
        assert set(each.scores) == set(NAMES)
        assert sum(each.scores.values()) == pytest.approx(1.0)
        assert each.label == max(each.scores, key=each.scores.__getitem__)


def test_classify_for_a_voice_that_the_model_knows(labelled_project: Path, tiny_base_folder: str, voices: Path) -> None:
    events_of(AdaptProject(labelled_project, base=tiny_base_folder, method="lda", speaker_mean=True))
    clip = voices / "joy-0-0.wav"
    plain = classify(labelled_project, clip).results[0].scores
    _, result = events_of(ClassifyFiles(labelled_project, (clip,), speaker="s0"))
    assert isinstance(result, FilesClassified)
    assert result.results[0].scores != plain
    with pytest.raises(ModelFolderError, match="knows no speaker 'nobody'"):
        events_of(ClassifyFiles(labelled_project, (clip,), speaker="nobody"))
    card = (labelled_project / "models" / "0001" / "README.md").read_text()
    assert "s0, s1, s2, s3" in card
    assert "linear discriminant analysis" in card


@pytest.mark.parametrize("content", [b"", b"this is no sound", b"RIFF"])
def test_classify_skips_what_it_cannot_read_and_goes_on(adapted_project: Path, voices: Path, content: bytes) -> None:
    (voices / "aaa.wav").write_bytes(content)
    result = classify(adapted_project, voices)
    assert [Path(skip.file).name for skip in result.skipped] == ["aaa.wav"]
    assert len(result.results) == 24


def test_classify_answers_in_the_order_of_the_files(adapted_project: Path, tmp_path: Path) -> None:
    lengths_s = (2.0, 0.5, 12.0, 1.0, 0.52)  # batches begin with the shortest
    files = [tmp_path / f"{number}.wav" for number in range(len(lengths_s))]
    for number, (file, length_s) in enumerate(zip(files, lengths_s, strict=True)):
        soundfile.write(file, voice(number, length_s), 16_000)
    files.insert(2, tmp_path / "nothing.wav")
    files[2].write_bytes(b"")
    events, result = events_of(ClassifyFiles(adapted_project, tuple(files)))
    assert isinstance(result, FilesClassified)
    assert [each.file for each in result.results] == [str(file) for file in files if file.stat().st_size]
    assert [round(each.duration_s, 2) for each in result.results] == list(lengths_s)
    assert [skip.file for skip in result.skipped] == [str(files[2])]
    told = [event for event in events if isinstance(event, Progress) and event.total]
    assert [event.step for event in told] == sorted(event.step for event in told)
    assert (told[-1].step, told[-1].total) == (6, 6)
    assert any(event.message == "2.wav, 10 s" for event in told)


def test_classify_tells_of_windows(adapted_project: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", voice(0, 20.0), 16_000)
    events, result = events_of(ClassifyFiles(adapted_project, (tmp_path / "long.wav",)))
    assert isinstance(result, FilesClassified)
    assert result.results[0].window_count == 3
    assert any(isinstance(event, Warned) and "windows" in event.message for event in events)


def test_a_project_without_a_model_is_refused_in_words(labelled_project: Path, voices: Path) -> None:
    with pytest.raises(ProjectError, match="no adapted model yet"):
        classify(labelled_project, voices)


# --- export ----------------------------------------------------------------------------------------


def test_the_exported_folder_gives_identical_scores(adapted_project: Path, voices: Path, tmp_path: Path) -> None:
    _, exported = events_of(ExportModel(adapted_project, tmp_path / "for-colleagues"))
    assert isinstance(exported, ModelExported)
    assert exported.largest_difference == 0.0
    assert exported.verified_clips == 21
    assert exported.licence == "none"
    assert {file.name for file in exported.folder.iterdir()} == {"model.safetensors", "config.json", "README.md"}
    assert classify(exported.folder, voices) == classify(adapted_project, voices)


def test_export_overwrites_nothing(adapted_project: Path, tmp_path: Path) -> None:
    target = tmp_path / "taken"
    target.mkdir()
    (target / "thesis.txt").write_text("years of work")
    with pytest.raises(ExportError, match="not empty"):
        events_of(ExportModel(adapted_project, target))
    assert (target / "thesis.txt").read_text() == "years of work"


def test_an_older_version_can_be_exported(adapted_project: Path, tiny_base_folder: str, tmp_path: Path) -> None:
    events_of(AdaptProject(adapted_project, base=tiny_base_folder, method="prototypes"))
    _, exported = events_of(ExportModel(adapted_project, tmp_path / "old", version=1))
    assert isinstance(exported, ModelExported)
    assert exported.version == 1
    with pytest.raises(ProjectError, match="There is no version 7"):
        events_of(ExportModel(adapted_project, tmp_path / "none", version=7))


def test_a_damaged_version_is_not_handed_on(adapted_project: Path, tmp_path: Path) -> None:
    weights = adapted_project / "models" / "0001" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(Exception, match="damaged"):
        events_of(ExportModel(adapted_project, tmp_path / "broken"))
    assert [path.name for path in tmp_path.glob("*broken*")] == []


# --- live ------------------------------------------------------------------------------------------


def test_live_from_a_file_agrees_with_classify(adapted_project: Path, tmp_path: Path) -> None:
    path = tmp_path / "talk.flac"
    soundfile.write(path, voice(0, 12.0).repeat(3)[: 48_000 * 12], 48_000)
    rate_hz, blocks = file_blocks(path, in_real_time=False)
    started, *heard, ended = stream_live(OpenStream(adapted_project, rate_hz), blocks)
    assert isinstance(started, StreamStarted)
    assert [label.name for label in started.labels] == list(NAMES)
    assert all(isinstance(event, Decision) for event in heard)
    assert len(heard) >= 4 * (12 - started.first_decision_s)
    assert isinstance(ended, StreamEnded)
    assert ended.scores == classify(adapted_project, path).results[0].scores


@pytest.mark.parametrize("precision", ["bf16", pytest.param("int8", marks=needs_int8)])
def test_live_and_classify_agree_in_every_precision(adapted_project: Path, voices: Path, precision: str) -> None:
    clip = sorted(voices.glob("*.wav"))[0]
    rate_hz, blocks = file_blocks(clip, in_real_time=False)
    *_, ended = stream_live(OpenStream(adapted_project, rate_hz, precision=precision), blocks)
    _, classified = events_of(ClassifyFiles(adapted_project, (clip,), precision=precision))
    assert isinstance(ended, StreamEnded)
    assert isinstance(classified, FilesClassified)
    assert ended.scores == classified.results[0].scores
    exact = classify(adapted_project, clip).results[0].scores
    assert ended.scores != exact
    assert list(ended.scores.values()) == pytest.approx(list(exact.values()), abs=0.05)


def test_live_with_too_little_sound_ends_without_an_answer(adapted_project: Path) -> None:
    *_, ended = stream_live(OpenStream(adapted_project, 16_000), [np.zeros(100, dtype=np.float32)])
    assert isinstance(ended, StreamEnded)
    assert ended.label is None
