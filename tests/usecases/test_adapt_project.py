from dataclasses import replace
from pathlib import Path

import pytest

from engine.adaptation import thrift
from engine.base_folder import Base, save_base
from engine.choices import HEADS, METHODS, SYSTEMS, TUNING_METHODS
from engine.errors import LabellingError, MemoryShortError, SerStudioError
from engine.model_folder import load_model
from engine.systems.catalogue import CATALOGUE
from serstudio.licence_words import base_licence
from serstudio.project import Project
from serstudio.usecases import write_version
from serstudio.usecases.dispatch import run
from serstudio.usecases.events import Progress, Warned
from serstudio.usecases.requests import AdaptProject, VersionAdded
from tests.engine.conftest import tiny_encoder
from tests.usecases.conftest import NAMES, events_of


def request(folder: Path, base: str, method: str | None = None) -> AdaptProject:
    return AdaptProject(folder, base=base, method=method, steps=None if method in HEADS else 2)


def test_every_run_is_a_new_numbered_version(labelled_project: Path, tiny_base_folder: str) -> None:
    for number in (1, 2):
        events, added = events_of(request(labelled_project, tiny_base_folder))
        assert isinstance(added, VersionAdded)
        assert (added.number, added.folder.name, added.clip_count) == (number, f"000{number}", 24)
        steps = [event for event in events if isinstance(event, Progress) and event.loss is not None]
        assert [event.step for event in steps] == [1, 2]
        assert steps[-1].remaining_s == 0
    with Project.open(labelled_project) as project:
        assert [version.number for version in project.versions()] == [1, 2]
        assert project.versions()[0].labels == NAMES


def test_the_model_and_its_card_say_where_they_come_from(labelled_project: Path, tiny_base_folder: str) -> None:
    _, added = events_of(request(labelled_project, tiny_base_folder))
    assert isinstance(added, VersionAdded)
    model = load_model(added.folder, "cpu")
    assert [(label.name, label.clips, label.speakers) for label in model.labels] == [(name, 8, 4) for name in NAMES]
    card = (added.folder / "README.md").read_text()
    for words in ("Ket", "anger | 8 | 4", "disjoint", "2 steps of Adam at 1e-05", "licence of the base: none"):
        assert words in card


def test_a_model_tells_the_name_of_its_bases_folder_and_not_where_it_lay(
    labelled_project: Path, tiny_base_folder: str
) -> None:
    _, added = events_of(request(labelled_project, tiny_base_folder, "lda"))
    assert isinstance(added, VersionAdded)
    name = Path(tiny_base_folder).name
    assert load_model(added.folder, "cpu").base == name
    assert f"- Base: {name}." in (added.folder / "README.md").read_text()
    with Project.open(labelled_project) as project:
        assert project.versions()[0].base == tiny_base_folder, "to find it again"


def test_the_card_says_what_the_licence_of_the_base_asks(labelled_project: Path, tmp_path: Path) -> None:
    base = Base("tiny", tiny_encoder(), standardised=True, licence="Sources: start MIT; corpora nEMO CC BY-NC-SA 4.0.")
    save_base(base, tmp_path / "base", card="", training={})
    _, added = events_of(request(labelled_project, str(tmp_path / "base")))
    assert isinstance(added, VersionAdded)
    card = (added.folder / "README.md").read_text()
    for words in ("**Not for commercial use.**", "- Research, teaching and private use are fine.", base.licence):
        assert words in card
    assert base_licence(added.folder) == base.licence


def test_the_model_says_which_head_it_has_and_what_was_tuned(labelled_project: Path, tiny_base_folder: str) -> None:
    changed = replace(request(labelled_project, tiny_base_folder), trained="norms", head="lda")
    _, added = events_of(changed)
    assert isinstance(added, VersionAdded)
    assert (added.method_used, added.head) == ("disjoint", "lda")
    model = load_model(added.folder, "cpu")
    assert model.head.kind == "lda"
    assert {key: model.origin[key] for key in ("method", "steps", "trained", "head", "speaker_mean")} == {
        "method": "disjoint",
        "steps": 2,
        "trained": "norms",
        "head": "lda",
        "speaker_mean": False,
    }
    card = (added.folder / "README.md").read_text()
    assert "trained: norms" in card
    assert "Head: lda: linear discriminant" in card


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_its_words_on_the_card(labelled_project: Path, tiny_base_folder: str, method: str) -> None:
    base = "compact" if method in SYSTEMS else tiny_base_folder  # the systems have bundled bases of their own
    _, added = events_of(request(labelled_project, base, method))
    assert isinstance(added, VersionAdded)
    card = (added.folder / "README.md").read_text()
    told = "fine-tuned with SpecAugment" if method in TUNING_METHODS else "the encoder is the base's own"
    told = CATALOGUE[method].title if method in SYSTEMS else told
    done = "logistic" if method == "known-emotions" else method  # this base knows no emotion by its name
    assert f"Adaptation: {done}: {told}" in card
    if method in SYSTEMS:
        assert load_model(added.folder, "cpu").base == method
    assert ("2 steps of Adam" in card) == (method in TUNING_METHODS)
    assert ("not calibrated" in card) == (added.head in ("prototypes", "linear"))


def test_a_version_remembers_what_it_was_made_of(labelled_project: Path, tiny_base_folder: str) -> None:
    asked = request(labelled_project, tiny_base_folder, "logistic")
    for speaker_mean in (False, True):
        events_of(replace(asked, speaker_mean=speaker_mean))
    with Project.open(labelled_project) as project:
        plain, voices = project.versions()
        first, *_, last = project.clips()
        assert plain.labelling == project.labelling(speakers=False)
        assert voices.labelling == project.labelling(speakers=True)
        project.set_speaker([first.id], "somebody else")
        assert plain.labelling == project.labelling(speakers=False), "whose voice it is was not asked"
        assert voices.labelling != project.labelling(speakers=True)
        project.set_label([first.id], last.label_id)
        project.set_label([last.id], first.label_id)
        assert plain.labelling != project.labelling(speakers=False), "as many clips a label, but others"
        project.undo()
        project.undo()
        assert plain.labelling == project.labelling(speakers=False)


def test_a_run_that_is_stopped_leaves_nothing(labelled_project: Path, tiny_base_folder: str) -> None:
    running = run(request(labelled_project, tiny_base_folder))
    while next(running) != Progress(0, None, "Writing the new version"):
        pass
    running.close()
    assert list((labelled_project / "models").iterdir()) == []
    with Project.open(labelled_project) as project:
        assert project.versions() == []


def test_a_run_that_is_interrupted_while_it_writes_leaves_nothing(
    labelled_project: Path, tiny_base_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []

    def interrupted(model: object, folder: Path, *rest: object) -> None:
        (folder / "half.safetensors").write_bytes(b"half")
        written.append(folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(write_version, "save_model", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(run(request(labelled_project, tiny_base_folder)))
    assert written
    assert list((labelled_project / "models").iterdir()) == []
    with Project.open(labelled_project) as project:
        assert project.versions() == []


def test_a_label_without_clips_is_left_out_with_a_warning(labelled_project: Path, tiny_base_folder: str) -> None:
    with Project.open(labelled_project) as project:
        project.add_label("disgust")
    events, added = events_of(request(labelled_project, tiny_base_folder))
    assert isinstance(added, VersionAdded)
    assert added.labels == NAMES
    assert any(isinstance(event, Warned) and "disgust" in event.message for event in events)


def test_a_clip_whose_file_is_gone_is_left_out_with_a_warning(labelled_project: Path, tiny_base_folder: str) -> None:
    with Project.open(labelled_project) as project:
        project.clip_path(project.clips()[0]).unlink()
    events, added = events_of(request(labelled_project, tiny_base_folder))
    assert isinstance(added, VersionAdded)
    assert added.clip_count == 23
    (warning,) = [event for event in events if isinstance(event, Warned) and "left out" in event.message]
    assert warning.hint.startswith("Import the original again")


def test_one_clip_a_label_falls_back_and_is_told(labelled_project: Path, tiny_base_folder: str) -> None:
    with Project.open(labelled_project) as project:
        kept: set[int | None] = set()
        for clip in project.clips():
            if clip.label_id in kept:
                project.set_label([clip.id], None)
            kept.add(clip.label_id)
    events, added = events_of(request(labelled_project, tiny_base_folder))
    assert isinstance(added, VersionAdded)
    assert (added.method_used, added.clip_count) == ("pmf", 3)
    assert any(isinstance(event, Warned) and "no disjoint split" in event.message for event in events)


def test_what_it_took_is_told_and_how_thrifty_it_had_to_be(
    labelled_project: Path, tiny_base_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(request(labelled_project, tiny_base_folder), device="cpu")
    _, added = events_of(asked)
    assert isinstance(added, VersionAdded)
    assert added.peak_memory_bytes is not None
    assert 10**7 < added.peak_memory_bytes < 10**11
    assert added.device
    frees = iter([10**12, 0])
    monkeypatch.setattr(thrift, "free_bytes", lambda device: next(frees, 0))
    events_of(asked)
    with pytest.raises(MemoryShortError, match="Close other programs"):
        events_of(asked)
    with Project.open(labelled_project) as project:
        assert [version.number for version in project.versions()] == [1, 2]
    assert sorted(path.name for path in (labelled_project / "models").iterdir()) == ["0001", "0002"]


def test_only_one_label_is_refused_in_words(labelled_project: Path, tiny_base_folder: str) -> None:
    with Project.open(labelled_project) as project:
        anger = project.labels()[0].id
        project.set_label([clip.id for clip in project.clips() if clip.label_id != anger], None)
    with pytest.raises(LabellingError, match="only 'anger' has clips"):
        events_of(request(labelled_project, tiny_base_folder))


def test_no_labels_at_all_is_refused_in_words(labelled_project: Path, tiny_base_folder: str) -> None:
    with Project.open(labelled_project) as project:
        project.set_label([clip.id for clip in project.clips()], None)
    with pytest.raises(LabellingError, match="no clip is labelled"):
        events_of(request(labelled_project, tiny_base_folder))


@pytest.mark.parametrize("changes", [{"method": "magic"}, {"base": "nonsense"}, {"device": "abacus"}])
def test_a_wrong_choice_is_refused_in_words(
    labelled_project: Path, tiny_base_folder: str, changes: dict[str, object]
) -> None:
    with pytest.raises(SerStudioError):
        events_of(AdaptProject(labelled_project, **({"base": tiny_base_folder} | changes)))
