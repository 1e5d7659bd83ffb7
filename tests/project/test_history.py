"""Undo and redo: unlimited, across sessions, and exact."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from serstudio.errors import ProjectError
from serstudio.project import NewClip, Project


def new_clip(number: int, **values: Any) -> NewClip:
    sha256 = f"{number:064x}"
    return NewClip(sha256, f"audio/{sha256}.wav", f"clip {number}.wav", 1.5, 16_000, 1, **values)


def state(project: Project) -> tuple[Any, ...]:
    return project.name, project.language, project.labels(), project.clips()


def test_undo_and_redo_say_what_they_do(project: Project) -> None:
    assert (project.undo(), project.redo()) == (None, None)
    (clip,) = project.add_clips([new_clip(1)], "Import clip 1.wav")
    project.set_label([clip.id], 1)
    assert (project.undo_text, project.redo_text) == ("Label clip 1.wav 'anger'", None)
    assert project.undo() == "Label clip 1.wav 'anger'"
    assert (project.undo_text, project.redo_text) == ("Import clip 1.wav", "Label clip 1.wav 'anger'")
    assert project.redo() == "Label clip 1.wav 'anger'"
    assert project.clip(clip.id).label_id == 1


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (lambda project, ids: project.set_label(ids, 1), "Label 3 clips 'anger'"),
        (lambda project, ids: project.set_label(ids[2:], None), "Take the label off clip 2.wav"),
        (lambda project, ids: project.set_speaker(ids, "Anna"), "Set the speaker of 3 clips to Anna"),
        (lambda project, ids: project.set_speaker(ids[2:], None), "Take the speaker off clip 2.wav"),
        (lambda project, ids: project.remove_clips(ids[:1]), "Remove clip 0.wav"),
        (lambda project, ids: project.rename_clip(ids[0], "x"), "Rename clip 0.wav"),
        (lambda project, _: project.add_label("disgust"), "Add the label 'disgust'"),
        (lambda project, _: project.edit_label(1, name="Zorn"), "Edit the label 'anger'"),
        (lambda project, _: project.remove_label(2), "Remove the label 'fear'"),
        (lambda project, _: project.rename(name="New", language="de"), "Change the details of the project"),
        (lambda project, _: project.add_clips([new_clip(7)], "Import clip 7.wav"), "Import clip 7.wav"),
    ],
)
def test_every_action_goes_back_and_forth(project: Project, act: Any, text: str) -> None:
    clips = project.add_clips([new_clip(n, label_id=2, speaker="Ben") for n in range(3)], "Import")
    before = state(project)
    act(project, [clip.id for clip in clips])
    after = state(project)
    assert after != before
    assert project.undo() == text
    assert state(project) == before
    assert project.redo() == text
    assert state(project) == after


def test_new_action_drops_what_was_undone(project: Project) -> None:
    project.add_label("disgust")
    project.add_label("surprise")
    project.undo()
    project.add_label("boredom")
    assert project.redo_text is None
    assert project.redo() is None
    assert project.undo() == "Add the label 'boredom'"
    assert project.undo() == "Add the label 'disgust'"
    assert [label.name for label in project.labels()] == ["anger", "fear", "joy"]


def test_action_that_changes_nothing_keeps_what_can_be_redone(project: Project) -> None:
    (clip,) = project.add_clips([new_clip(1)], "Import")
    project.add_label("disgust")
    project.undo()
    project.set_label([clip.id], None)
    project.set_speaker([clip.id], None)
    project.rename(name="Test project")
    project.edit_label(1, name="anger")
    project.remove_clips([])
    project.add_clips([], "Import nothing")
    assert (project.undo_text, project.redo_text) == ("Import", "Add the label 'disgust'")


def test_history_outlives_the_session(project: Project) -> None:
    folder = project.folder
    for name in ("disgust", "surprise"):
        project.add_label(name)
    project.undo()
    project.close()
    with Project.open(folder) as again:
        assert (again.undo_text, again.redo_text) == ("Add the label 'disgust'", "Add the label 'surprise'")
        again.redo()
        again.undo()
        again.undo()
        assert len(again.labels()) == 3


def test_group_is_one_step_and_all_or_nothing(project: Project) -> None:
    before = state(project)
    with project.action("Bring in the field trip"):
        label = project.add_label("disgust")
        project.add_clips([new_clip(1, label_id=label.id)], "inner")
    assert project.undo() == "Bring in the field trip"
    assert state(project) == before

    def two_labels() -> None:
        with project.action("Fails"):
            project.add_label("surprise")
            project.add_label("joy")

    with pytest.raises(ProjectError, match="There is a label 'joy' already"):
        two_labels()
    assert state(project) == before
    assert project.redo_text == "Bring in the field trip", "what failed is not an action"


def test_row_touched_twice_in_a_group_goes_back_to_the_start(project: Project) -> None:
    (clip,) = project.add_clips([new_clip(1, label_id=1)], "Import")
    with project.action("Change its mind"):
        project.set_label([clip.id], 2)
        project.set_label([clip.id], 3)
    project.undo()
    assert project.clip(clip.id).label_id == 1
    project.redo()
    assert project.clip(clip.id).label_id == 3


def test_random_walks_return_exactly(project: Project) -> None:
    """Any sequence of actions, undone to the start and redone to the end, gives the same states."""
    chance = random.Random(7)
    states = [state(project)]
    for number in range(120):
        ids = [clip.id for clip in project.clips()]
        labels = [label.id for label in project.labels()]
        some = chance.sample(ids, min(len(ids), 3))
        act = chance.choice(["add", "again", "label", "label", "speaker", "remove", "new label", "drop label"])
        if act == "add":
            project.add_clips([new_clip(number, label_id=chance.choice([*labels, None]))], "Import")
        elif act == "again":
            hidden = [n for n in range(number) if project.find_hash(f"{n:064x}") is None]
            project.add_clips([new_clip(chance.choice(hidden))] if hidden else [], "Import again")
        elif act == "label":
            project.set_label(some, chance.choice([*labels, None]))
        elif act == "speaker":
            project.set_speaker(some, chance.choice(["Anna", "Ben", None]))
        elif act == "remove":
            project.remove_clips(some[:1])
        elif act == "new label":
            project.add_label(f"label {number}")
        elif len(labels) > 2:
            project.remove_label(chance.choice(labels))
        if state(project) != states[-1]:
            states.append(state(project))
    assert len(states) > 60
    for expected in reversed(states[:-1]):
        assert project.undo() is not None
        assert state(project) == expected
    assert project.undo() is None
    for expected in states[1:]:
        assert project.redo() is not None
        assert state(project) == expected
    assert project.redo() is None


def test_history_is_readable_rows(project: Project) -> None:
    """The images are JSON in any script, not a pickle."""
    project.add_label("радость")
    project.close()
    with sqlite3.connect(project.folder / "project.sqlite") as connection:
        (rows,) = connection.execute("SELECT rows FROM actions").fetchone()
    connection.close()
    assert '"name":"радость"' in rows


def test_undone_import_can_be_imported_again(project: Project) -> None:
    project.add_clips([new_clip(1)], "Import")
    project.undo()
    project.add_clips([new_clip(1)], "Import anew")
    assert len(project.clips()) == 1
    assert Path(project.clips()[0].file).parts[0] == "audio"


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda project, _: project.remove_label(1), "no longer"),
        (lambda project, _: project.edit_label(1, name="Zorn"), "no longer"),
        (lambda project, ids: project.set_label(ids, 1), "no longer"),
        (lambda project, ids: project.remove_clips(ids), None),
    ],
)
def test_what_another_process_removes_at_the_same_moment_can_be_undone(
    project: Project, monkeypatch: pytest.MonkeyPatch, act: Any, words: str | None
) -> None:
    """Both read the label; the other one writes first, while this one waits for the file."""
    ids = [clip.id for clip in project.add_clips([new_clip(n, label_id=2) for n in range(2)], "Import")]
    begin: Callable[[], Any] = project._database.transaction
    before = state(project)

    @contextmanager
    def after_the_other() -> Iterator[None]:
        with Project.open(project.folder) as other:
            other.remove_label(1)
        with begin():
            yield

    with monkeypatch.context() as patch:
        patch.setattr(project._database, "transaction", after_the_other)
        if words is None:
            act(project, ids)
        else:
            with pytest.raises(ProjectError, match=words):
                act(project, ids)
    while project.undo_text != "Import":
        project.undo()
    assert state(project) == before
