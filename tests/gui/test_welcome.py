"""The first page, recent projects, and the new-project dialog."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt

from serstudio.gui.dialogs.new_project import NewProjectDialog, folder_name, free_folder
from serstudio.gui.main_window import MainWindow
from serstudio.gui.recent import RecentProject, RecentProjects
from serstudio.project import Project


@pytest.fixture
def dialog(qtbot, tmp_path: Path) -> NewProjectDialog:
    dialog = NewProjectDialog(home=tmp_path / "SER Studio")
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def test_a_project_needs_a_name_only(dialog: NewProjectDialog, tmp_path: Path) -> None:
    assert dialog.create_button.reason() == "Give the project a name."
    dialog.name_line.setText("Interviews: Oaxaca")
    assert dialog.create_button.reason() is None
    assert dialog.folder == tmp_path / "SER Studio" / "Interviews Oaxaca"
    dialog.on_create_clicked()
    with Project.open(dialog.created_folder) as project:
        assert project.name == "Interviews: Oaxaca"
        assert project.labels() == []


def test_labels_are_typed_as_chips_in_any_script(dialog: NewProjectDialog, qtbot) -> None:
    line = dialog.chips.line
    qtbot.keyClicks(line, "anger")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert dialog.isVisible(), "Enter adds a label; it does not close the dialog"
    line.setText("радость، غضب،")
    dialog.chips.on_text_edited(line.text())
    line.setText("Anger")
    dialog.chips.on_return_pressed()
    assert [draft.name for draft in dialog.chips.drafts()] == ["anger", "радость", "غضب"]
    assert len({(draft.colour, draft.symbol, draft.key) for draft in dialog.chips.drafts()}) == 3
    qtbot.keyClick(line, Qt.Key.Key_Backspace)
    assert len(dialog.chips.drafts()) == 2


def test_the_suggestion_and_a_chosen_look_reach_the_project(dialog: NewProjectDialog) -> None:
    from dataclasses import replace

    dialog.name_line.setText("Suggested")
    dialog.on_suggest_clicked()
    assert dialog.suggest.isHidden()
    dialog.chips.on_look_changed(replace(dialog.chips.drafts()[1], colour="#aa4499", symbol="♥"))
    dialog.chips.line.setText("fear")
    dialog.on_create_clicked()
    with Project.open(dialog.created_folder) as project:
        labels = project.labels()
    assert [label.name for label in labels] == ["anger", "joy", "sadness", "neutral", "fear"]
    assert (labels[1].colour, labels[1].symbol) == ("#aa4499", "♥")


def test_a_folder_that_cannot_be_used_is_refused_in_words(dialog: NewProjectDialog, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    dialog.name_line.setText("Name")
    dialog.use_folder(tmp_path / "file" / "below")
    dialog.on_create_clicked()
    assert dialog.created_folder is None
    assert not dialog.banner.isHidden()


def test_a_chosen_folder_that_may_not_be_looked_into_is_refused_in_words(
    dialog: NewProjectDialog, open_folder: Path, unprivileged
) -> None:
    locked = open_folder / "locked"
    (locked / "inner").mkdir(parents=True)
    locked.chmod(0)
    for chosen in (locked, locked / "inner"):
        with unprivileged():
            dialog.use_folder(chosen)
            dialog.name_line.setText(f"Name {chosen.name}")
            dialog.on_create_clicked()
        assert dialog.created_folder is None
        assert "cannot be written (Permission denied)" in dialog.banner.message.text()
        dialog.banner.hide()


def test_folder_names_suit_every_system(tmp_path: Path) -> None:
    assert folder_name('a/b:c*? "d"') == "a b c d"
    assert folder_name("Язык") == "Язык"
    assert folder_name("...") == "project"
    (tmp_path / "Name").mkdir()
    assert free_folder(tmp_path / "Name").name == "Name 2"


def test_recent_projects_are_opened_greyed_and_forgotten(
    window: MainWindow, settings, project_folder, tmp_path
) -> None:
    recent = RecentProjects(settings)
    recent.add(tmp_path / "gone", "Gone", "Tok Pisin")
    recent.add(project_folder, "Here", "Polish")
    window.welcome.refresh()
    here, gone = window.welcome.recent_rows()
    assert gone.open.isHidden()
    assert "not there any more" in gone.open.toolTip()
    gone.on_remove_clicked()
    assert [entry.name for entry in recent.all()] == ["Here"]
    here.on_open_clicked()
    assert window.session is not None


def test_a_recent_project_that_may_not_be_looked_into_is_not_missing(open_folder: Path, unprivileged) -> None:
    (open_folder / "locked").mkdir()
    (open_folder / "locked").chmod(0)
    with unprivileged():
        assert not RecentProject(str(open_folder / "locked" / "p"), "n", "l", "").missing


def test_recent_times_are_in_words() -> None:
    now = datetime(2026, 5, 20, 12, tzinfo=UTC)
    entry = lambda days: RecentProject("f", "n", "l", (now - timedelta(days=days)).isoformat())  # noqa: E731
    assert entry(0).when(now).startswith("today")
    assert entry(1).when(now) == "yesterday"
    assert entry(5).when(now) == "5 days ago"
    assert entry(40).when(now) == "10 April 2026"


def test_damaged_recents_do_no_harm(settings: QSettings) -> None:
    settings.setValue("projects/recent", "{nonsense")
    assert RecentProjects(settings).all() == []


def test_the_machine_is_shown_when_it_is_known(window: MainWindow, qtbot) -> None:
    job = window.machine.describe()
    with qtbot.waitSignal(job.done, timeout=20_000):
        pass
    assert window.status.machine.full_text().startswith("A fake machine")


def test_the_sample_project_is_made_once_and_opened(window: MainWindow, qtbot, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("serstudio.gui.main_window.projects_home", lambda: tmp_path / "home")
    window.welcome.sample.click()
    qtbot.waitUntil(lambda: window.session is not None, timeout=60_000)
    assert window.session.facts.clip_count > 0
    window.close_project()
    window.welcome.sample.click()
    assert window.session is not None


def test_a_sample_project_that_cannot_be_made_says_why(window: MainWindow, qtbot, monkeypatch, tmp_path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("serstudio.gui.main_window.projects_home", lambda: tmp_path / "file" / "home")
    window.welcome.sample.click()
    qtbot.waitUntil(lambda: "cannot be written" in window.welcome.banner.message.text(), timeout=60_000)
    qtbot.wait(50)
    assert not window.welcome.banner.isHidden(), "it stays when the job has ended"
    assert window.welcome.sample.isEnabled()


@pytest.mark.parametrize("page", ["workspace", "models"])
def test_the_sample_does_not_take_the_place_of_a_project(window, project_folder, qtbot, monkeypatch, tmp_path, page):
    monkeypatch.setattr("serstudio.gui.main_window.projects_home", lambda: tmp_path / "home")
    window.welcome.sample.click()
    window.open_project(project_folder)
    workspace = window.workspace
    if page == "models":
        window.show_models()
    toast = getattr(window, page).toast
    qtbot.waitUntil(toast.isVisible, timeout=60_000)
    assert window.workspace is workspace
    assert toast.message.text() == "The sample project is ready."
    toast.action.click()
    assert window.session.project.folder == tmp_path / "home" / "Sample project"
    assert window.stack.currentWidget() is window.workspace


def test_a_folder_that_is_no_project_is_refused_in_words(window: MainWindow, tmp_path: Path) -> None:
    assert not window.open_project(tmp_path)
    assert "not a SER Studio project" in window.welcome.banner.message.text()
