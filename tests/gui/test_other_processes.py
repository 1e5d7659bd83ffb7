"""The terminal, a second window or a file manager works in the project that is open here."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from serstudio.gui.main_window import MainWindow
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.workspace import Workspace
from serstudio.project import Project
from serstudio.usecases import dispatch
from serstudio.usecases.requests import AdaptProject, ImportClips


def come_back(workspace: Workspace) -> None:
    """As when the window is clicked after the terminal."""
    workspace.activateWindow()
    QApplication.sendEvent(workspace, QEvent(QEvent.Type.ActivationChange))


def test_what_the_terminal_did_is_there_when_the_window_is_back(
    window: MainWindow, workspace: Workspace, tone_clip: Callable[..., Path], qtbot
) -> None:
    session = workspace.session
    with qtbot.waitActive(window):
        window.activateWindow()
    for _ in dispatch.run(ImportClips(session.project.folder, (tone_clip("more/new.wav", 0.5, pitch_hz=333),))):
        pass
    with Project.open(session.project.folder) as elsewhere:
        calm = elsewhere.add_label("calm")
        elsewhere.set_label([clip.id for clip in elsewhere.clips()], calm.id)
        elsewhere.rename("Renamed")
    come_back(workspace)
    qtbot.waitUntil(lambda: session.facts.labelled == 9, timeout=5_000)
    assert (session.facts.clip_count, session.clips.rowCount()) == (9, 9)
    workspace.show_step(Step.LABEL)
    qtbot.waitUntil(lambda: workspace.label.list.filter.itemText(1) == "Unlabelled (0)", timeout=5_000)
    assert calm.id in workspace.label.bar.buttons
    assert workspace.rail.name.full_text() == "Renamed"
    assert session.project.undo_text == workspace.label.undo.accessibleDescription().removeprefix("Undo: ")


def test_nothing_is_read_again_for_what_was_done_here(window: MainWindow, workspace: Workspace, qtbot) -> None:
    session, resets = workspace.session, []
    with qtbot.waitActive(window):
        window.activateWindow()
    session.clips.modelReset.connect(lambda: resets.append(True))
    session.project.set_label([session.project.clips()[0].id], session.project.labels()[0].id)
    come_back(workspace)
    assert not resets


def test_a_project_that_was_closed_is_asked_nothing(window: MainWindow, workspace: Workspace) -> None:
    window.close_project()
    come_back(workspace)


# --- the folder is moved ---------------------------------------------------------------------------


def test_a_folder_that_is_moved_is_said_once_until_it_is_back(
    window: MainWindow, workspace: Workspace, labelled: Session, project_folder: Path, qtbot
) -> None:
    plan, errors = workspace.adapt.plan, []
    labelled.error_raised.connect(errors.append)
    project_folder.rename(project_folder.with_name("moved"))
    clips = labelled.project.clips()
    for clip in clips[-2:]:
        labelled.project.set_label([clip.id], labelled.project.labels()[2].id)
        qtbot.wait(50)
    assert [error.message for error in errors] == [
        f"The folder of this project can no longer be found at {project_folder}."
    ]
    assert workspace.banner.message.text() == errors[0].message
    assert plan.text() == str(errors[0])
    project_folder.with_name("moved").rename(project_folder)
    with qtbot.waitActive(window):
        window.activateWindow()
    come_back(workspace)
    assert workspace.banner.isHidden()
    assert "The result is version 1" in plan.text()
    assert labelled.facts.labelled == 8, "what was done meanwhile is there"


def test_a_folder_that_is_moved_is_why_a_job_fails(
    workspace: Workspace, labelled: Session, project_folder: Path, qtbot
) -> None:
    project_folder.rename(project_folder.with_name("moved"))
    job = labelled.start(Step.ADAPT, AdaptProject(project_folder, steps=1))
    with qtbot.assertNotEmitted(labelled.bug_found), qtbot.waitSignal(job.ended, timeout=20_000):
        pass
    assert "can no longer be found" in workspace.banner.message.text()
    assert "open it from where it is now" in workspace.banner.hint.text()
    project_folder.with_name("moved").rename(project_folder)
    again = labelled.start(Step.ADAPT, AdaptProject(project_folder, steps=1))
    with qtbot.waitSignal(again.done, timeout=20_000):
        pass
