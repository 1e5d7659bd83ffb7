"""The whole job in a real window, with real keys and clicks and the real engine; run by test_window.

window_journey.py CLIPS_FOLDER WORK_FOLDER: CLIPS_FOLDER holds one folder of recordings a label.
The last line of the output is a JSON object of what was seen.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from serstudio.gui.app import make_application
from serstudio.gui.dialogs.new_project import NewProjectDialog
from serstudio.gui.main_window import MainWindow
from serstudio.gui.steps import Step
from serstudio.gui.theme import Theme
from serstudio.gui.workspace import Workspace

LEFT = Qt.MouseButton.LeftButton


def wait_until(condition: Callable[[], object], what: str, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        loop = QEventLoop()
        QTimer.singleShot(30, loop.quit)
        loop.exec()


def click(button: QPushButton) -> None:
    assert button.isEnabled(), f"{button.text()}: {button.toolTip()}"
    QTest.mouseClick(button, LEFT)


def new_project(window: MainWindow, home: Path, labels: list[str]) -> Workspace:
    dialog = NewProjectDialog(window, home)
    dialog.open()
    QTest.keyClicks(dialog.name_line, "Journey")
    QTest.keyClicks(dialog.language_line, "German")
    for label in labels:
        QTest.keyClicks(dialog.chips.line, label)
        QTest.keyClick(dialog.chips.line, Qt.Key.Key_Return)
    click(dialog.create_button.button)
    assert dialog.created_folder is not None
    assert window.open_project(dialog.created_folder)
    assert window.workspace is not None
    return window.workspace


def collect(workspace: Workspace, folder: Path) -> None:
    workspace.session.import_paths([folder])
    wait_until(lambda: workspace.collect.report.close_button.isVisible(), "the import")


def label(workspace: Workspace, labels: list[str], clips: Path) -> None:
    """With the digit keys, each clip as the folder that it came from says."""
    truth = {file.name: str(labels.index(file.parent.name) + 1) for file in clips.rglob("*.*")}
    workspace.show_step(Step.LABEL)
    screen = workspace.label
    screen.list.select_row(0)
    workspace.window().activateWindow()
    assert QTest.qWaitForWindowActive(workspace.window())
    screen.list.view.setFocus()
    wait_until(lambda: screen.clip_view.picture is not None, "the first clip")
    for _ in range(workspace.session.clips.total()):
        clip = workspace.session.project.clip(screen.list.current_id or 0)
        QTest.keyClicks(screen.list.view, truth[clip.name])
        QTest.qWait(20)


def adapt(workspace: Workspace) -> str:
    workspace.show_step(Step.ADAPT)
    workspace.adapt.advanced.steps.set_value(2)
    wait_until(lambda: workspace.adapt.button.reason() is None, "the Adapt button")
    click(workspace.adapt.button.button)
    wait_until(lambda: workspace.adapt.result.isVisible(), "adapting")
    return workspace.adapt.result_title.text()


def check(workspace: Workspace) -> str:
    workspace.show_step(Step.CHECK)
    wait_until(lambda: workspace.check.button.reason() is None, "the Check button")
    click(workspace.check.button.button)
    wait_until(lambda: workspace.check.result.isVisible(), "checking")
    return workspace.check.result.number.text()


def listen(workspace: Workspace, file: Path) -> tuple[str, int]:
    workspace.show_step(Step.LIVE)
    live = workspace.live
    answers: list[object] = []
    ended: list[object] = []
    live.bridge.heard.connect(answers.append)
    live.bridge.ended.connect(ended.append)
    live.use_file(file)
    click(live.start.button)
    wait_until(lambda: ended, "the end of the file")
    return live.verdict.name.full_text(), len(answers)


def export(workspace: Workspace, folder: Path) -> Path:
    workspace.show_step(Step.SHARE)
    workspace.share.use_parent_folder(folder)
    target = workspace.share.target
    click(workspace.share.export.button)
    wait_until(lambda: workspace.share.exported.isVisible(), "the export")
    return target


def main() -> int:
    clips, work = Path(sys.argv[1]), Path(sys.argv[2])
    labels = sorted(folder.name for folder in clips.iterdir())
    app: QApplication = make_application([])
    settings = QSettings(str(work / "settings.ini"), QSettings.Format.IniFormat)
    settings.setValue("label/autoplay", "false")
    Theme(app, settings)
    window = MainWindow(settings)
    window.show()
    QTest.qWaitForWindowExposed(window)
    workspace = new_project(window, work / "home", labels)
    collect(workspace, clips)
    label(workspace, labels, clips)
    seen: dict[str, object] = {"platform": app.platformName(), "labelled": workspace.session.facts.labelled}
    assert seen["labelled"], "the keys did not label"
    workspace.session.on_refresh()
    seen["rail"] = workspace.session.statuses()[Step.LABEL].action
    seen["adapted"] = adapt(workspace)
    seen["accuracy"] = check(workspace)
    seen["heard"], seen["answers"] = listen(workspace, next(clips.rglob("*.*")))
    target = export(workspace, work / "out")
    seen["exported"] = sorted(file.name for file in target.iterdir())
    window.close()
    seen["torch"] = "torch" in sys.modules
    print(json.dumps(seen))  # noqa: T201 - read by the test
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
