"""The Collect screen."""

from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QBoxLayout, QFileDialog

from engine.audio.decode import AUDIO_SUFFIXES
from serstudio.gui.bridge.jobs import Job
from serstudio.gui.screens.collect.drop_zone import DropZone
from serstudio.gui.screens.collect.newest_clips import NewestClips
from serstudio.gui.screens.collect.recorder_card import RecorderCard
from serstudio.gui.screens.collect.report_card import ReportCard
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.widgets.layout import Page
from serstudio.usecases.requests import ImportReport

_SETTING = "collect/last_folder"
_SIDE_BY_SIDE = 760


class CollectScreen(Page):
    """Drop zone and recorder side by side, the report and the newest clips below."""

    def __init__(self, session: Session) -> None:
        super().__init__("Collect", "Bring in short recordings, one feeling each: 2 to 9 seconds work best.")
        self._session = session
        self.drop_zone = DropZone()
        self.recorder = RecorderCard(session)
        self.report = ReportCard()
        self.newest = NewestClips(session)
        self._pair = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._pair.setSpacing(16)
        self._pair.addWidget(self.drop_zone, 3)
        self._pair.addWidget(self.recorder, 2)
        self.add(self._pair)
        self.add(self.report)
        self.add(self.newest)
        self.newest.refresh()
        self.close_column()
        self.drop_zone.files_requested.connect(self.on_files_requested)
        self.drop_zone.folder_requested.connect(self.on_folder_requested)
        self.drop_zone.manifest_requested.connect(self.on_manifest_requested)
        session.import_started.connect(self.on_import_started)
        session.import_reported.connect(self.on_import_reported)
        session.activity_changed.connect(self.on_activity_changed)
        self.report.label_requested.connect(self.on_label_requested)
        self.newest.label_requested.connect(self.on_label_requested)
        context = Qt.ShortcutContext.WidgetWithChildrenShortcut
        QShortcut(QKeySequence("R"), self, context=context).activated.connect(self.recorder.toggle_recording)
        QShortcut(QKeySequence("Ctrl+I"), self, context=context).activated.connect(self.on_files_requested)

    def set_hot(self, *, hot: bool) -> None:
        self.drop_zone.set_hot(hot=hot)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= _SIDE_BY_SIDE
        direction = QBoxLayout.Direction
        self._pair.setDirection(direction.LeftToRight if wide else direction.TopToBottom)

    # --- choosing ----------------------------------------------------------------------------------

    @property
    def _settings(self) -> QSettings:
        return self._session.services.settings

    def _start_folder(self) -> str:
        return str(self._settings.value(_SETTING, str(Path.home())))

    def on_files_requested(self) -> None:
        patterns = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in sorted(AUDIO_SUFFIXES))
        files, _ = QFileDialog.getOpenFileNames(
            self, "Choose recordings", self._start_folder(), f"Audio ({patterns});;All files (*)"
        )
        self._import([Path(file) for file in files])

    def on_folder_requested(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose a folder of recordings", self._start_folder())
        self._import([Path(folder)] if folder else [])

    def on_manifest_requested(self) -> None:
        file, _ = QFileDialog.getOpenFileName(
            self, "Choose a list of recordings", self._start_folder(), "Lists (*.csv *.tsv *.txt);;All files (*)"
        )
        if file:
            self._settings.setValue(_SETTING, str(Path(file).parent))
            self._session.import_manifest(Path(file))

    def _import(self, paths: list[Path]) -> None:
        if paths:
            self._settings.setValue(_SETTING, str(paths[0].parent))
            self._session.import_paths(paths)

    # --- what happens ------------------------------------------------------------------------------

    def on_import_started(self, job: Job) -> None:
        self.report.follow(job)

    def on_import_reported(self, report: ImportReport) -> None:
        self.report.show_report(report)

    def on_activity_changed(self) -> None:
        self.drop_zone.set_reason(self._session.import_reason())

    def on_label_requested(self) -> None:
        self._session.step_requested.emit(Step.LABEL)

    def close_devices(self) -> None:
        self.recorder.close_devices()
