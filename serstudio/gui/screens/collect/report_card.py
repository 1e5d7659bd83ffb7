"""An import while it runs, and what came of it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QVBoxLayout

from serstudio.gui.bridge.jobs import Job
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.disclosure import Disclosure
from serstudio.gui.widgets.layout import Card, clear_layout, column, row
from serstudio.gui.widgets.text import ElidedText, Role, make_text
from serstudio.usecases.events import Progress
from serstudio.usecases.requests import ImportReport
from serstudio.wording import counted

_SHOWN = 200  # a folder of photographs gives thousands of skipped files


class ReportCard(Card):
    """Hidden until there is an import."""

    label_requested = Signal()

    def __init__(self) -> None:
        super().__init__("Import", margin=16)
        self._job: Job | None = None
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the import")
        self.now = ElidedText("", Role.MUTED)
        self.cancel = make_button("Cancel", tip="Stop; nothing is added")
        self.close_button = make_button("", Kind.GHOST, "close", name="Close this report")
        self.go_on = make_button("Label them", Kind.NORMAL, "label")
        self._lines = QVBoxLayout()
        self._lines.setSpacing(6)
        self.body.removeWidget(self.heading)
        self.body.insertLayout(0, row(self.heading, 1, self.go_on, self.cancel, self.close_button))
        self.add(self.bar)
        self.add(self.now)
        self.add(self._lines)
        self.cancel.clicked.connect(self.on_cancel_clicked)
        self.close_button.clicked.connect(self.hide)
        self.go_on.clicked.connect(self.label_requested)
        self.hide()

    def follow(self, job: Job) -> None:
        """Show the progress of an import."""
        self._job = job
        clear_layout(self._lines)
        self.heading.setText("Importing…")
        self._set_running(running=True)
        self.bar.setRange(0, 0)
        self.now.set_full_text("Looking for audio files")
        self.show()
        job.progressed.connect(self.on_progressed)
        job.failed.connect(self.hide)
        job.cancelled.connect(self.on_cancelled)

    def on_progressed(self, progress: Progress) -> None:
        self.bar.setRange(0, progress.total or 0)
        self.bar.setValue(progress.step)
        counted = f"{progress.step} of {progress.total}: " if progress.total else ""
        self.now.set_full_text(f"{counted}{progress.message}")

    def on_cancelled(self) -> None:
        self.heading.setText("Import cancelled: nothing was added")
        self._set_running(running=False)

    def on_cancel_clicked(self) -> None:
        if self._job is not None:
            self.cancel.setEnabled(False)
            self.cancel.setToolTip("Cancelling…")
            self._job.cancel()

    def _set_running(self, *, running: bool) -> None:
        self.bar.setVisible(running)
        self.now.setVisible(running)
        self.cancel.setVisible(running)
        self.cancel.setEnabled(True)
        self.cancel.setToolTip("Stop; nothing is added")
        self.close_button.setVisible(not running)
        self.go_on.hide()
        if not running:
            self._job = None

    def show_report(self, report: ImportReport) -> None:
        self._set_running(running=False)
        clear_layout(self._lines)
        added = len(report.added_clip_ids)
        self.heading.setText(f"{counted(added, 'clip')} added" if added else "No clip was added")
        self.go_on.setVisible(bool(added))
        for note in report.notes:
            self._lines.addWidget(make_text(note, Role.MUTED, wrap=True))
        if report.new_labels:
            words = f"New labels from the list: {', '.join(report.new_labels)}"
            self._lines.addWidget(make_text(words, Role.MUTED, wrap=True))
        if report.skipped:
            self._lines.addWidget(self._skipped(report))
        self.show()

    def _skipped(self, report: ImportReport) -> Disclosure:
        holder = Card(role="inset", margin=12)
        for skipped in report.skipped[:_SHOWN]:
            file = ElidedText(skipped.file, Role.STRONG)
            reason = make_text(skipped.reason, Role.MUTED, wrap=True)
            holder.add(column(file, reason, spacing=0))
        if len(report.skipped) > _SHOWN:
            holder.add(make_text(f"… and {len(report.skipped) - _SHOWN} more", Role.MUTED))
        disclosure = Disclosure(f"{counted(len(report.skipped), 'file')} skipped, and why", holder)
        if len(report.skipped) <= 6:
            disclosure.button.setChecked(True)
        return disclosure
