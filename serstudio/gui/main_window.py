"""The window: welcome page or open project, and what works everywhere (drop, shortcuts, closing)."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QFileInfo, QSettings
from PySide6.QtGui import QCloseEvent, QCursor, QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from engine.errors import SerStudioError
from engine.user_path import user_path
from serstudio.gui.bridge.bases import BaseShelf
from serstudio.gui.bridge.exports import sweep_after
from serstudio.gui.bridge.jobs import JobRunner
from serstudio.gui.bridge.machine import Machine
from serstudio.gui.dialogs.crash import CrashDialog
from serstudio.gui.dialogs.new_project import NewProjectDialog, projects_home
from serstudio.gui.recent import RecentProjects
from serstudio.gui.screens.models import ModelsScreen
from serstudio.gui.screens.welcome import WelcomeScreen
from serstudio.gui.session import Services, Session
from serstudio.gui.settings_menu import SettingsMenu
from serstudio.gui.status_bar import StatusBar
from serstudio.gui.steps import Step
from serstudio.gui.widgets.banner import Tone
from serstudio.gui.workspace import Workspace
from serstudio.project import Project
from serstudio.project.database import FILE_NAME
from serstudio.usecases.record_clip import recover_recordings
from serstudio.usecases.requests import MakeSampleProject, ProjectCreated
from serstudio.usecases.worker_process import Failed

SAMPLE_FOLDER = "Sample project"


class MainWindow(QMainWindow):
    """Layout and navigation; the work is in the screens and the session."""

    def __init__(
        self,
        settings: QSettings,
        engine: JobRunner | None = None,
        files: JobRunner | None = None,
        bases: JobRunner | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle("SER Studio")
        self.setMinimumSize(960, 600)
        self.setAcceptDrops(True)
        self._settings = settings
        self._recent = RecentProjects(settings)
        engine, files = engine or JobRunner("engine", self), files or JobRunner("files", self)
        self._bases = bases or JobRunner("models", self)
        self.shelf, self.machine = BaseShelf(self._bases, self), Machine(engine, self)
        self._services = Services(settings, engine, files, self.shelf, self.machine)
        engine.job_ended.connect(sweep_after)
        self.workspace: Workspace | None = None
        self.welcome = WelcomeScreen(settings)
        self.models = ModelsScreen(self.shelf, self.versions_from)
        self.status = StatusBar(self.machine, self.shelf)
        self._build()
        self._connect()
        self._make_shortcuts()
        self._restore_geometry()

    def _build(self) -> None:
        self.stack = QStackedWidget()
        self.stack.addWidget(self.welcome)
        self.stack.addWidget(self.models)
        holder = QWidget()
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.stack, 1)
        layout.addWidget(self.status)
        self.setCentralWidget(holder)

    def _connect(self) -> None:
        self.welcome.new_requested.connect(self.on_new_requested)
        self.welcome.open_requested.connect(self.on_open_requested)
        self.welcome.sample_requested.connect(self.on_sample_requested)
        self.welcome.folder_chosen.connect(self.open_project)
        self.welcome.models_requested.connect(self.show_models)
        self.welcome.settings_requested.connect(self.on_settings_requested)
        self.models.back_requested.connect(self.on_back_requested)
        self.shelf.told.connect(self.on_shelf_told)
        self.shelf.warned.connect(self.models.show_warning)
        self.shelf.failed.connect(self.show_error)
        self.shelf.bug_found.connect(self.show_bug)

    def _make_shortcuts(self) -> None:
        for number, step in enumerate(Step, start=1):
            shortcut = QShortcut(QKeySequence(f"Ctrl+{number}"), self)
            shortcut.setProperty("step", step)
            shortcut.activated.connect(self.on_step_shortcut)
        for keys, slot in (
            ("Ctrl+7", self.on_compare_shortcut),
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
        """Open the project in `folder`; on failure the reason is in the banner. True: it is open.

        One that is open already stays as it is, with what runs in it.
        """
        place = user_path(folder.parent if folder.name == FILE_NAME else folder).resolve()
        if self.workspace is not None and place == self.workspace.session.project.folder.resolve():
            self.stack.setCurrentWidget(self.workspace)
            return True
        try:
            project = Project.open(folder)
        except SerStudioError as error:
            self.show_error(error)
            return False
        self.close_project()
        session = Session(project, self._services, self)
        session.bug_found.connect(self.show_bug)
        self.workspace = Workspace(session)
        self.workspace.home_requested.connect(self.on_home_requested)
        self.workspace.models_requested.connect(self.show_models)
        self.workspace.settings_requested.connect(self.on_settings_requested)
        self.stack.addWidget(self.workspace)
        self.stack.setCurrentWidget(self.workspace)
        self.status.set_session(session)
        self.setWindowTitle(f"{project.name} — SER Studio")
        self._recent.add(project.folder, project.name, project.language)
        self._recover(session)
        return True

    def _recover(self, session: Session) -> None:
        try:
            recovered = recover_recordings(session.project)
        except SerStudioError as error:  # the next opening tries again
            self.show_error(error)
            return
        if recovered and self.workspace is not None:
            names = ", ".join(clip.name for clip in recovered)
            self.workspace.banner.show_message(
                "A recording that was cut short is back in the project.", names, Tone.INFO
            )

    def close_project(self) -> None:
        workspace, self.workspace = self.workspace, None
        if workspace is None:
            return
        self.status.set_session(None)
        workspace.close_screens()
        workspace.session.close()
        self.stack.removeWidget(workspace)
        self.stack.setCurrentWidget(self.welcome)
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
        start = str(home if QFileInfo(str(home)).isDir() else Path.home())
        folder = QFileDialog.getExistingDirectory(self, "Open a project folder", start)
        if folder:
            self.open_project(Path(folder))

    def on_sample_requested(self) -> None:
        """Make the sample project the first time, and open it."""
        folder = projects_home() / SAMPLE_FOLDER
        if QFileInfo(str(folder / FILE_NAME)).isFile():
            self.open_project(folder)
            return
        self.welcome.set_busy("Making the sample project…")
        job = self._services.files.submit(MakeSampleProject(folder))
        job.done.connect(self.on_sample_done)
        job.failed.connect(self.on_sample_failed)
        job.ended.connect(self.on_sample_ended)

    def on_sample_done(self, created: ProjectCreated) -> None:
        """Open it, unless the user has opened another project meanwhile."""
        self.welcome.set_busy("")
        if self.workspace is None:
            self.open_project(created.folder)
            return
        toast = self.models.toast if self.stack.currentWidget() is self.models else self.workspace.toast
        toast.show_message("The sample project is ready.", "Open", lambda: self.open_project(created.folder))

    def on_sample_failed(self, failed: Failed) -> None:
        self.welcome.set_busy("")  # first: it clears the banner
        if failed.report:
            self.show_bug(failed.report)
        else:
            self.show_error(SerStudioError(failed.message, failed.hint))

    def on_sample_ended(self) -> None:
        if self.welcome.busy:
            self.welcome.set_busy("")

    # --- models ------------------------------------------------------------------------------------

    def show_models(self) -> None:
        """The Models page, over whatever is open; its Back leads there again."""
        self.stack.setCurrentWidget(self.models)

    def on_back_requested(self) -> None:
        self.stack.setCurrentWidget(self.workspace or self.welcome)

    def versions_from(self, base: str) -> tuple[int, ...]:
        """Versions of the open project that were adapted from `base`."""
        return self.session.versions_from(base) if self.session is not None else ()

    def on_shelf_told(self, message: str) -> None:
        if self.stack.currentWidget() is self.welcome:
            self.welcome.banner.show_message(message, "", Tone.SUCCESS)
        elif self.session is not None and self.stack.currentWidget() is self.workspace:
            self.session.toast(message)
        else:
            self.models.toast.show_message(message)

    # --- errors ------------------------------------------------------------------------------------

    def show_error(self, error: SerStudioError) -> None:
        """An error that the user can mend, wherever he is."""
        if self.stack.currentWidget() is self.models:
            self.models.show_error(error)
        elif self.workspace is not None:
            self.workspace.show_error(error)
        else:
            self.welcome.banner.show_message(error.message, error.hint, Tone.DANGER)

    def show_bug(self, report: str) -> None:
        """A mistake of ours."""
        CrashDialog(report, self).open()

    # --- everywhere --------------------------------------------------------------------------------

    def on_step_shortcut(self) -> None:
        if self.workspace is not None:
            self.stack.setCurrentWidget(self.workspace)
            self.workspace.show_step(self.sender().property("step"))

    def on_compare_shortcut(self) -> None:
        if self.workspace is not None:
            self.stack.setCurrentWidget(self.workspace)
            self.workspace.show_compare()

    def on_undo(self) -> None:
        if self.session is not None and self.stack.currentWidget() is self.workspace:
            self.session.undo()

    def on_redo(self) -> None:
        if self.session is not None and self.stack.currentWidget() is self.workspace:
            self.session.redo()

    def on_settings_requested(self) -> None:
        menu = SettingsMenu(self)
        menu.models_requested.connect(self.show_models)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(QCursor.pos())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            if self.workspace is not None and self.stack.currentWidget() is self.workspace:
                self.workspace.show_step(Step.COLLECT)
                self.workspace.collect.set_hot(hot=True)

    def dragLeaveEvent(self, event: object) -> None:
        if self.workspace is not None:
            self.workspace.collect.set_hot(hot=False)

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        if self.stack.currentWidget() is self.models and len(paths) == 1 and QFileInfo(str(paths[0])).isDir():
            self.models.add_folder(paths[0])
        elif self.session is not None and self.workspace is not None:
            self.stack.setCurrentWidget(self.workspace)
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
        self._bases.close()
        event.accept()
