"""What holds for the whole window: navigation, names, reasons, theme, errors, and no torch."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fake_engine import ENDLESS
from PySide6.QtCore import QEvent, QObject, QSettings, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QScrollArea,
    QWidget,
)

from engine.errors import SerStudioError
from engine.resources import resource
from serstudio.errors import ProjectError
from serstudio.gui import main_window
from serstudio.gui.app import make_excepthook
from serstudio.gui.bridge.jobs import JobState
from serstudio.gui.dialogs.crash import CrashDialog
from serstudio.gui.dialogs.new_project import NewProjectDialog
from serstudio.gui.main_window import MainWindow
from serstudio.gui.screens.label.label_editor import LabelEditor
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.theme import Theme, ThemeMode, _stored_mode
from serstudio.gui.tokens import DARK, LIGHT, Tokens
from serstudio.gui.widgets.label_look import contrast, readable
from serstudio.gui.workspace import Workspace
from serstudio.project.palette import COLOURS
from serstudio.usecases.events import Warned
from serstudio.usecases.requests import AdaptProject

CONTROLS = (QAbstractButton, QLineEdit, QComboBox, QAbstractSpinBox)


def controls(root: QWidget) -> list[QWidget]:
    """Those that a user can reach; Qt's own parts of other widgets are left out."""
    found = [widget for kind in CONTROLS for widget in root.findChildren(kind)]
    return [
        widget
        for widget in found
        if not widget.objectName().startswith("qt_")
        and not isinstance(widget.parent(), (QAbstractSpinBox, QLineEdit, QComboBox))
    ]


def test_every_step_opens_with_its_shortcut(workspace: Workspace, window: MainWindow, qtbot) -> None:
    with qtbot.waitActive(window):
        window.activateWindow()
    for number, step in reversed(list(enumerate(Step, start=1))):
        qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0.value + number), Qt.KeyboardModifier.ControlModifier)
        assert workspace.step is step
        assert workspace.rail.items[step].isChecked()


def test_every_control_has_a_name_and_every_disabled_one_a_reason(workspace, window: MainWindow) -> None:
    for step in Step:
        workspace.show_step(step)
        for widget in controls(window):
            assert widget.accessibleName(), f"{type(widget).__name__} on {step.value}: {widget}"
            if not widget.isEnabled() and widget.isVisible():
                assert widget.toolTip(), f"{widget.accessibleName()} on {step.value} is grey without a reason"


def test_every_visible_button_can_be_reached_with_the_keyboard(workspace, window: MainWindow) -> None:
    for widget in controls(window):
        if isinstance(widget, QAbstractButton):
            assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus, widget.accessibleName()


def test_one_primary_button_a_screen(workspace: Workspace) -> None:
    for screen in workspace.screens.values():
        buttons = screen.findChildren(QAbstractButton)
        primary = [b for b in buttons if b.property("kind") == "primary" and b.isVisibleTo(screen)]
        assert len(primary) <= 1, [button.text() for button in primary]


def test_nothing_is_wider_than_the_smallest_window(workspace: Workspace, window: MainWindow, qtbot) -> None:
    window.resize(960, 600)
    qtbot.wait(50)
    for step, screen in workspace.screens.items():
        workspace.show_step(step)
        qtbot.wait(20)
        assert screen.minimumSizeHint().width() <= screen.width(), step.value
        for scroller in [each for each in (screen, *screen.findChildren(QScrollArea)) if isinstance(each, QScrollArea)]:
            if scroller.isVisible() and scroller.widget() is not None:
                asked, there = scroller.widget().minimumSizeHint().width(), scroller.viewport().width()
                assert asked <= there, (step.value, scroller.objectName())
        assert window.width() == 960, step.value


def test_a_renamed_project_is_renamed_in_the_rail(workspace: Workspace) -> None:
    workspace.session.project.rename(name="Another name", language="Tok Pisin")
    assert workspace.rail.name.full_text() == "Another name"
    assert workspace.rail.language.full_text() == "Tok Pisin"


def test_going_home_lets_go_of_the_project(workspace: Workspace, window: MainWindow, project_folder: Path) -> None:
    workspace.rail.home.click()
    assert window.session is None
    project_folder.rename(project_folder.with_name("moved"))


@pytest.mark.parametrize("inside", ["", "project.sqlite"])
def test_opening_the_open_project_leaves_what_runs_alone(workspace, labelled, window, project_folder, inside) -> None:
    job = labelled.start(Step.ADAPT, AdaptProject(project_folder, base=ENDLESS))
    window.show_models()
    assert window.open_project(project_folder / inside)
    assert window.workspace is workspace
    assert window.stack.currentWidget() is workspace
    assert labelled.running_job(Step.ADAPT) is job
    assert job.state is not JobState.ENDED
    job.cancel()


def test_a_recording_that_cannot_be_brought_back_now_keeps_no_project_closed(
    window, project_folder: Path, monkeypatch
) -> None:
    def fail(_: object) -> None:
        raise ProjectError("The recording could not be written.", "Free some room on the disk.")

    monkeypatch.setattr(main_window, "recover_recordings", fail)
    assert window.open_project(project_folder)
    assert window.workspace.banner.message.text() == "The recording could not be written."


def test_an_unfinished_recording_is_back_at_the_next_opening(window, project_folder: Path, tone_clip) -> None:
    left = tone_clip("left.wav", duration_s=1.3, pitch_hz=432)
    left.rename(project_folder / "audio" / ".recording-20260101-120000-abcdef.wav")
    window.open_project(project_folder)
    assert window.session.facts.clip_count == 9
    assert not window.workspace.banner.isHidden()


class StrayWindows(QObject):
    """Filters the events of the application: notes each widget that shows without a parent, which makes it a window."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Show and isinstance(watched, QWidget) and watched.parentWidget() is None:
            self.found.append(f"{type(watched).__name__} {watched.accessibleName()}")
        return False


def test_no_part_of_the_window_is_ever_a_window_of_its_own(window, adapted, project_folder, qapp, qtbot) -> None:
    window.close_project()
    strays = StrayWindows()
    qapp.installEventFilter(strays)
    try:
        window.welcome.refresh()
        assert window.open_project(project_folder)
        workspace = window.workspace
        workspace.show_error(SerStudioError("The disk is full.", "Free some room."))
        workspace.adapt.on_warned(Warned("One label has a single clip.", "Label a second one."))
        workspace.compare.on_warned(Warned("One label has a single clip.", "Label a second one."))
        with qtbot.waitSignal(workspace.session.check_reported, timeout=20_000):
            workspace.check.check()
        LabelEditor(workspace.session, workspace.label).close()
        NewProjectDialog(window).close()
    finally:
        qapp.removeEventFilter(strays)
    assert strays.found == []
    assert workspace.adapt.versions.isVisibleTo(workspace.adapt)
    assert workspace.collect.newest.isVisibleTo(workspace.collect)


def test_undo_in_a_toast_goes_when_something_else_is_done(workspace: Workspace, session: Session) -> None:
    first, second, *_ = session.project.clips()
    workspace.collect.newest.on_removed(first.id)
    assert workspace.toast.isVisible()
    session.project.set_label([second.id], session.project.labels()[0].id)
    assert workspace.toast.isHidden(), "its Undo would take the label off"
    session.undo()
    assert workspace.toast.isVisible()
    assert workspace.toast.action.text() == "Redo"
    session.project.set_label([second.id], session.project.labels()[1].id)
    assert workspace.toast.isHidden(), "there is nothing to do again"
    session.toast("Every clip in this list has a label.")
    session.project.set_label([second.id], None)
    assert workspace.toast.isVisible(), "it has no action"


# --- errors ----------------------------------------------------------------------------------------


def test_an_error_that_can_be_mended_is_shown_in_the_banner(workspace: Workspace, window: MainWindow) -> None:
    error = SerStudioError("The disk is full.", "Free some room.")
    make_excepthook(window)(type(error), error, None)
    assert workspace.banner.message.text() == "The disk is full."
    assert workspace.banner.hint.text() == "Free some room."


def test_a_bug_opens_a_report_without_paths_that_can_be_copied(window: MainWindow, capsys) -> None:
    try:
        raise KeyError("/home/ana/participants/maria.wav")
    except KeyError as error:
        make_excepthook(window)(type(error), error, error.__traceback__)
    dialog = window.findChild(CrashDialog)
    assert dialog.isVisible()
    assert "KeyError" in dialog.report.toPlainText()
    assert "maria" not in dialog.report.toPlainText()
    dialog.copy.click()
    assert QApplication.clipboard().text() == dialog.report.toPlainText()
    dialog.go_on.click()


# --- theme -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_enough_contrast(tokens: Tokens) -> None:
    pairs = [(text, ground) for text in ("text", "text_muted", "text_faint") for ground in ("surface", "ground")]
    pairs += [("on_accent", "accent"), ("accent_text", "surface"), ("danger", "surface"), ("success", "surface")]
    pairs += [("text", "warning_soft"), ("text", "danger_soft"), ("accent_text", "accent_soft")]
    for text, ground in pairs:
        ratio = contrast(QColor(getattr(tokens, text)), QColor(getattr(tokens, ground)))
        assert ratio >= 4.5, f"{text} on {ground}: {ratio:.2f}"


def test_every_label_colour_is_seen_on_both_grounds() -> None:
    from serstudio.gui.tokens import Scheme, tokens_for

    for scheme in Scheme:
        for colour in (*COLOURS, "#000000", "#ffffff", "#ffff00"):
            ground = QColor(tokens_for(scheme).surface)
            assert contrast(readable(colour, scheme), ground) >= 3.0, (colour, scheme)


def test_the_theme_switches_at_run_time_and_is_remembered(workspace: Workspace, qapp) -> None:
    theme = Theme.current()
    before = theme.mode
    try:
        theme.set_mode(ThemeMode.DARK)
        assert theme.tokens is DARK
        assert qapp.palette().window().color() == QColor(DARK.ground)
        workspace.grab()
        assert _stored_mode(theme._settings) is ThemeMode.DARK
        theme.set_mode(ThemeMode.LIGHT)
        assert theme.tokens is LIGHT
        for step in Step:
            workspace.show_step(step)
            workspace.grab()
    finally:
        theme.set_mode(before)


def test_a_spoilt_setting_falls_back_to_the_system(tmp_path: Path, qapp) -> None:

    settings = QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)
    settings.setValue("appearance/theme", "purple")
    assert _stored_mode(settings) is ThemeMode.SYSTEM


def test_every_icon_is_a_small_line_drawing_that_takes_the_theme_colour() -> None:
    files = [file for file in resource("icons").glob("*.svg") if file.stem != "serstudio"]
    assert len(files) > 30
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert "currentColor" in text, file.name
        assert len(text) < 2_000, file.name


# --- torch -----------------------------------------------------------------------------------------


def test_the_window_never_loads_torch(project_folder: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from PySide6.QtCore import QSettings
from serstudio.gui.app import make_application
from serstudio.gui.dialogs.new_project import NewProjectDialog
from serstudio.gui.main_window import MainWindow
from serstudio.gui.screens.label.label_editor import LabelEditor
from serstudio.gui.theme import Theme
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
app = make_application([])
settings = QSettings({str(project_folder / "s.ini")!r}, QSettings.Format.IniFormat)
Theme(app, settings)
window = MainWindow(settings)
window.show()
assert window.open_project(Path({str(project_folder)!r}))
for step in Step:
    window.workspace.show_step(step)
    app.processEvents()
window.close()
heavy = [name for name in ("torch", "torchaudio", "transformers", "av") if name in sys.modules]
assert not heavy, heavy
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr


def test_a_signal_closes_the_window_and_its_processes(project_folder: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "serstudio", str(project_folder)]
    started = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
    if not children.exists():
        started.kill()
        pytest.skip("needs the list of children in /proc")
    try:
        end = time.monotonic() + 30
        while len(children.read_text().split()) < 2 and time.monotonic() < end:
            time.sleep(0.1)  # the resource tracker and the engine's process
        workers = [int(pid) for pid in children.read_text().split()]
        assert len(workers) >= 2
        started.terminate()
        assert started.wait(timeout=10) == 0
    finally:
        started.kill()
        _, errors = started.communicate()
    assert b"Traceback" not in errors
    end = time.monotonic() + 10
    while left := [pid for pid in workers if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < end, left
        time.sleep(0.1)
