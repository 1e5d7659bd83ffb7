"""Creating a project through its use-case."""

from pathlib import Path

import pytest

from serstudio.errors import ProjectError
from serstudio.project import Project
from serstudio.usecases.dispatch import run
from serstudio.usecases.events import Done
from serstudio.usecases.requests import NewProject, ProjectCreated


def test_new_project_is_closed_and_complete(tmp_path: Path) -> None:
    events = list(run(NewProject(tmp_path / "p", "Field trip", "szl", ("gorsz", "radość"))))
    assert events == [Done(ProjectCreated(tmp_path / "p"))]
    assert not (tmp_path / "p" / "project.sqlite-wal").exists()
    with Project.open(tmp_path / "p") as project:
        assert (project.name, project.language) == ("Field trip", "szl")
        assert [label.name for label in project.labels()] == ["gorsz", "radość"]


def test_what_is_refused_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="given twice"):
        list(run(NewProject(tmp_path / "p", "p", "pl", ("joy", "joy"))))
    assert not (tmp_path / "p").exists()


def test_home_folder_can_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    list(run(NewProject(Path("~/p"), "p", "pl", ())))
    assert (tmp_path / "p" / "project.sqlite").is_file()
