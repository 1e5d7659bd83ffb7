"""The clip list: filter, search, and 10,000 clips."""

import time
from pathlib import Path

import pytest

from serstudio.gui.bridge.project_model import ClipFilter, ClipListModel, ClipRole, ProjectModel
from serstudio.project import NewClip, Project


def new_clips(count: int) -> list[NewClip]:
    return [
        NewClip(f"{n:064x}", f"audio/{n:064x}.wav", f"clip{n:05d}.wav", 1.5, 16_000, 1, speaker=f"s{n % 7}")
        for n in range(count)
    ]


@pytest.fixture
def model(project: Project) -> ClipListModel:
    project.add_clips(new_clips(6), "Import 6 clips")
    return ClipListModel(ProjectModel(project))


def names(model: ClipListModel) -> list[str]:
    return [str(model.index(row).data()) for row in range(model.rowCount())]


def test_rows_follow_the_project(model: ClipListModel, project: Project) -> None:
    assert model.rowCount() == 6
    ids = [clip.id for clip in project.clips()]
    project.remove_clips(ids[:2])
    assert names(model)[0] == "clip00002.wav"
    project.undo()
    assert names(model) == [f"clip{n:05d}.wav" for n in range(6)], "undo puts them back in their places"


def test_labelling_leaves_the_unlabelled_filter_row_by_row(model: ClipListModel, project: Project, qtbot) -> None:
    model.set_filter(ClipFilter.UNLABELLED)
    label = project.labels()[0]
    with qtbot.waitSignal(model.rowsRemoved):
        project.set_label([project.clips()[3].id], label.id)
    assert "clip00003.wav" not in names(model)
    model.set_filter(label.id)
    assert names(model) == ["clip00003.wav"]
    assert model.index(0).data(ClipRole.LABEL) == label
    project.undo()
    assert model.rowCount() == 0


def test_search_looks_at_names_and_speakers(model: ClipListModel) -> None:
    model.set_search("CLIP00004")
    assert names(model) == ["clip00004.wav"]
    model.set_search("s2 clip")
    assert names(model) == ["clip00002.wav"]
    model.set_search("")
    assert model.rowCount() == 6


def test_a_removed_label_ends_its_filter(model: ClipListModel, project: Project) -> None:
    label = project.labels()[0]
    model.set_filter(label.id)
    project.remove_label(label.id)
    assert model.rowCount() == 6


def test_next_unlabelled_goes_round(model: ClipListModel, project: Project) -> None:
    ids = [clip.id for clip in project.clips()]
    project.set_label(ids[2:], project.labels()[0].id)
    assert model.next_unlabelled(5) == 0
    project.set_label(ids[:2], project.labels()[0].id)
    assert model.next_unlabelled(0) is None


def test_ten_thousand_clips_stay_quick(tmp_path: Path, window, qtbot) -> None:
    folder = tmp_path / "many"
    with Project.create(folder, "Many", "pl", ["anger", "joy"]) as project:
        project.add_clips(new_clips(10_000), "Import 10,000 clips")
    started = time.perf_counter()
    window.open_project(folder)
    session = window.session
    window.workspace.show_step(list(window.workspace.screens)[1])
    qtbot.wait(50)
    assert time.perf_counter() - started < 5.0
    listing = window.workspace.label.list
    listing.select_row(5_000)
    label = session.project.labels()[0]
    started = time.perf_counter()
    for _ in range(10):
        window.workspace.label.give_label(label.id)
    assert (time.perf_counter() - started) / 10 < 0.15, "labelling one of 10,000 clips must not be felt"
    started = time.perf_counter()
    listing.search.setText("clip09")
    assert time.perf_counter() - started < 0.5
    assert session.clips.rowCount() == 1_000
    started = time.perf_counter()
    listing.view.scrollToBottom()
    listing.view.grab()
    assert time.perf_counter() - started < 0.5
