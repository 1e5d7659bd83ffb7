"""Fixtures of the window's tests: offscreen Qt, a theme, a project with clips, fake engine processes.

A warning of Qt fails the test (pytest-qt's log capture, at the level WARNING).
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

if not os.environ.get("SERSTUDIO_TEST_PLATFORM"):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before Qt is loaded; the `window` test starts its own process

sys.path.insert(0, str(Path(__file__).parent))  # spawned processes import fake_engine by name

import pytest
from fake_engine import serve_fake_jobs
from PySide6.QtCore import QSettings, QStandardPaths
from PySide6.QtWidgets import QApplication

from serstudio.gui.bridge.jobs import JobRunner
from serstudio.gui.main_window import MainWindow
from serstudio.gui.session import Session
from serstudio.gui.theme import Theme
from serstudio.gui.workspace import Workspace
from serstudio.project import Project
from serstudio.usecases import dispatch
from serstudio.usecases.requests import ImportClips

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints"))


@pytest.fixture(scope="session")
def qapp(qapp_args: list[str], tmp_path_factory: pytest.TempPathFactory) -> QApplication:
    """The application as `gui.app` makes it, with a theme whose settings are thrown away."""
    from serstudio.gui.app import make_application

    QStandardPaths.setTestModeEnabled(True)
    app = QApplication.instance() or make_application([])
    assert isinstance(app, QApplication)
    file = tmp_path_factory.mktemp("settings") / "theme.ini"
    Theme(app, QSettings(str(file), QSettings.Format.IniFormat))
    return app


@pytest.fixture(autouse=True)
def every_test_has_qt(qapp: QApplication) -> None:
    """Widgets need the application and its theme."""


@pytest.fixture
def settings(tmp_path: Path) -> QSettings:
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    settings.setValue("label/autoplay", "false")
    return settings


@pytest.fixture
def window(settings: QSettings, qtbot) -> Iterator[MainWindow]:
    """The main window over the fake engine; imports are real."""
    engine, files, models = (JobRunner(name, None, serve_fake_jobs) for name in ("engine", "files", "models"))
    window = MainWindow(settings, engine, files, models)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    yield window
    window.close()


@pytest.fixture
def clip_folder(tmp_path: Path, tone_clip: Callable[..., Path]) -> Path:
    """Eight short real recordings."""
    for number in range(8):
        tone_clip(f"clips/clip{number}.wav", duration_s=0.4 + number / 50, pitch_hz=150 + 25 * number)
    return tmp_path / "clips"


@pytest.fixture
def project_folder(tmp_path: Path, clip_folder: Path) -> Path:
    """A project with labels anger, fear, joy and eight clips without a label."""
    folder = tmp_path / "project"
    Project.create(folder, "Test project", "Polish", ["anger", "fear", "joy"]).close()
    for _ in dispatch.run(ImportClips(folder, (clip_folder,))):
        pass
    return folder


@pytest.fixture
def workspace(window: MainWindow, project_folder: Path) -> Workspace:
    """The open project."""
    assert window.open_project(project_folder)
    assert window.workspace is not None
    return window.workspace


@pytest.fixture
def session(workspace: Workspace) -> Session:
    return workspace.session


@pytest.fixture
def labelled(session: Session) -> Session:
    """Three clips of anger, three of fear, two without a label."""
    anger, fear, _ = session.project.labels()
    ids = [clip.id for clip in session.project.clips()]
    session.project.set_label(ids[:3], anger.id)
    session.project.set_label(ids[3:6], fear.id)
    session.on_refresh()
    return session


@pytest.fixture
def adapted(labelled: Session, qtbot) -> Session:
    """The same with one adapted version."""
    from serstudio.gui.steps import Step
    from serstudio.project import VersionsChanged
    from serstudio.usecases.requests import AdaptProject

    job = labelled.start(Step.ADAPT, AdaptProject(labelled.project.folder, steps=2))
    with qtbot.waitSignal(job.done, timeout=20_000):
        pass
    labelled.project.announce(VersionsChanged())
    labelled.on_refresh()
    return labelled
