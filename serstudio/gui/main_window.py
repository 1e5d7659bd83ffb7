"""The window: welcome page or open project, and what works everywhere (drop, shortcuts, closing)."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtGui import QCloseEvent, QCursor, QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QMainWindow, QStackedWidget

from engine.errors import SerStudioError
from serstudio.gui.bridge.jobs import Job, JobRunner
from serstudio.gui.dialogs.crash import CrashDialog
from serstudio.gui.dialogs.new_project import NewProjectDialog, projects_home
from serstudio.gui.recent import RecentProjects
from serstudio.gui.screens.welcome import WelcomeScreen
from serstudio.gui.session import Services, Session
from serstudio.gui.settings_menu import SettingsMenu
from serstudio.gui.steps import Step
from serstudio.gui.widgets.banner import Tone
from serstudio.gui.workspace import Workspace
from serstudio.project import Project
from serstudio.project.database import FILE_NAME
from serstudio.usecases.record_clip import recover_recordings
from serstudio.usecases.requests import (
    DescribeMachine,
    MachineDescribed,
    MakeSampleProject,
    ProjectCreated,
)
from serstudio.usecases.worker_process import Failed

SAMPLE_FOLDER = "Sample project"


class MainWindow(QMainWindow):
    """Layout and navigation; the work is in the screens and the session."""

    def __init__(self, settings: QSettings, engine: JobRunner | None = None, files: JobRunner | None = None) -> None:
        super().__init__()
        self.setWindowTitle("SER Studio")
        self.setMinimumSize(960, 600)
        self.setAcceptDrops(True)
        self._settings = settings
        self._recent = RecentProjects(settings)
        self._services = Services(settings, engine or JobRunner("engine", self), files or JobRunner("files", self))
        self._described: MachineDescribed | None = None
        self._machine = "Looking at this machine…"
        self.workspace: Workspace | None = None
        self.welcome = WelcomeScreen(settings)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.welcome)
        self.setCentralWidget(self.stack)
        self.welcome.new_requested.connect(self.on_new_requested)
        self.welcome.open_requested.connect(self.on_open_requested)
        self.welcome.sample_requested.connect(self.on_sample_requested)
        self.welcome.folder_chosen.connect(self.open_project)
        self.welcome.settings_requested.connect(self.on_settings_requested)
        self._make_shortcuts()
        self._restore_geometry()

    def _make_shortcuts(self) -> None:
        for number, step in enumerate(Step, start=1):
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number}"), self)
            shortcut.setProperty("step", step)
            shortcut.activated.connect(self.on_step_shortcut)
        for keys, slot in (
            ("Ctrl+N", self.on_new_requested),
            ("Ctrl+O", self.on_open_requested),
            ("Ctrl+Z", self.on_undo),
            ("Ctrl+Shift+Z", self.on_redo),
        ):
            QShortcut(QKeySequence(keys), self).activated.connect(slot)

    def _restore_geometry(self) -> None:
        geometry = self._settings.value("window/geometry")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        else:
            self.resize(1280, 800)

    # --- projects ----------------------------------------------------------------------------------

    @property
    def session(self) -> Session | None:
        return self.workspace.session if self.workspace else None

    def open_project(self, folder: Path) -> bool:
        """Open the project in `folder`; on failure the reason is in the banner. True: it is open."""
        try:
            project = Project.open(folder)
        except SerStudioError as error:
            self.show_error(error)
            return False
        self.close_project()
        session = Session(project, self._services, self)
        session.bug_found.connect(self.show_bug)
        if self._described is not None:
            session.set_machine(self._described)
        self.workspace = Workspace(session)
        self.workspace.home_requested.connect(self.on_home_requested)
        self.workspace.settings_requested.connect(self.on_settings_requested)
        self.workspace.rail.set_machine(self._machine)
        self.stack.addWidget(self.workspace)
        self.stack.setCurrentWidget(self.workspace)
        self.setWindowTitle(f"{project.name} — SER Studio")
        self._recent.add(project.folder, project.name, project.language)
        self._recover(session)
        return True

    def _recover(self, session: Session) -> None:
        recovered = recover_recordings(session.project)
        if recovered and self.workspace is not None:
            names = ", ".join(clip.name for clip in recovered)
            self.workspace.banner.show_message(
                "A recording that was cut short is back in the project.", names, Tone.INFO
            )

    def close_project(self) -> None:
        workspace, self.workspace = self.workspace, None
        if workspace is None:
            return
        workspace.close_screens()
        workspace.session.close()
        self.stack.removeWidget(workspace)
        workspace.deleteLater()
        workspace.session.deleteLater()
        self.setWindowTitle("SER Studio")
        self.welcome.refresh()

    def on_home_requested(self) -> None:
        self.close_project()

    def on_new_requested(self) -> None:
        dialog = NewProjectDialog(self)
        if dialog.exec() and dialog.created_folder is not None:
            self.open_project(dialog.created_folder)

    def on_open_requested(self) -> None:
        home = projects_home()
        start = str(home if home.is_dir() else Path.home())
        folder = QFileDialog.getExistingDirectory(self, "Open a project folder", start)
        if folder:
            self.open_project(Path(folder))

    def on_sample_requested(self) -> None:
        """Make the sample project the first time, and open it."""
        folder = projects_home() / SAMPLE_FOLDER
        if (folder / FILE_NAME).is_file():
            self.open_project(folder)
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.welcome.set_busy("Making the sample project…")
        job = self._services.files.submit(MakeSampleProject(folder))
        job.done.connect(self.on_sample_done)
        job.failed.connect(self.on_job_failed)
        job.ended.connect(self.on_sample_ended)

    def on_sample_done(self, created: ProjectCreated) -> None:
        self.welcome.set_busy("")
        self.open_project(created.folder)

    def on_sample_ended(self) -> None:
        if self.welcome.busy:
            self.welcome.set_busy("")

    # --- the machine -------------------------------------------------------------------------------

    def describe_machine(self) -> Job:
        """Ask the engine's process for the line on the machine; that warms the process up, too."""
        job = self._services.engine.submit(DescribeMachine())
        job.done.connect(self.on_machine_described)
        job.failed.connect(self.on_machine_failed)
        return job

    def on_machine_described(self, described: MachineDescribed) -> None:
        self._described = described
        self._set_machine(described.text)
        if self.session is not None:
            self.session.set_machine(described)

    def on_machine_failed(self, failed: Failed) -> None:
        self._set_machine(failed.message)

    def _set_machine(self, text: str) -> None:
        self._machine = text
        self.welcome.set_machine(text)
        if self.workspace is not None:
            self.workspace.rail.set_machine(text)

    # --- errors ------------------------------------------------------------------------------------

    def on_job_failed(self, failed: Failed) -> None:
        if failed.report:
            self.show_bug(failed.report)
        else:
            self.show_error(SerStudioError(failed.message, failed.hint))

    def show_error(self, error: SerStudioError) -> None:
        """An error that the user can mend, wherever he is."""
        if self.workspace is not None:
            self.workspace.show_error(error)
        else:
            self.welcome.banner.show_message(error.message, error.hint, Tone.DANGER)

    def show_bug(self, report: str) -> None:
        """A mistake of ours."""
        CrashDialog(report, self).open()

    # --- everywhere --------------------------------------------------------------------------------

    def on_step_shortcut(self) -> None:
        if self.workspace is not None:
            self.workspace.show_step(self.sender().property("step"))

    def on_undo(self) -> None:
        if self.session is not None:
            self.session.undo()

    def on_redo(self) -> None:
        if self.session is not None:
            self.session.redo()

    def on_settings_requested(self) -> None:
        menu = SettingsMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(QCursor.pos())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            if self.workspace is not None:
                self.workspace.show_step(Step.COLLECT)
                self.workspace.collect.set_hot(hot=True)

    def dragLeaveEvent(self, event: object) -> None:
        if self.workspace is not None:
            self.workspace.collect.set_hot(hot=False)

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        if self.session is not None and self.workspace is not None:
            self.workspace.collect.set_hot(hot=False)
            self.session.import_paths(paths)
        elif len(paths) == 1:
            self.open_project(paths[0])

    def closeEvent(self, event: QCloseEvent) -> None:
        """Nothing to ask: all is saved, and what runs leaves nothing half-written."""
        self._settings.setValue("window/geometry", self.saveGeometry())
        self.close_project()
        self._services.engine.close()
        self._services.files.close()
        event.accept()
