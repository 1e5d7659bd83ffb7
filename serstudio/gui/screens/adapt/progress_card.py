"""Adapting while it runs: step, loss, time left, Cancel."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar

from serstudio.gui.widgets.buttons import make_button
from serstudio.gui.widgets.job_progress import show_progress
from serstudio.gui.widgets.layout import Card, row
from serstudio.gui.widgets.sparkline import Sparkline
from serstudio.gui.widgets.text import Role, make_text
from serstudio.usecases.events import Progress
from serstudio.wording import in_words


class ProgressCard(Card):
    """Hidden until a job starts."""

    cancel_pressed = Signal()

    def __init__(self) -> None:
        super().__init__(margin=16)
        self.title = make_text("Adapting…", Role.HEADING)
        self.words = make_text("", Role.MUTED)
        self.loss = make_text("", Role.MUTED)
        self.left = make_text("", Role.MUTED)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of adapting")
        self.line = Sparkline()
        self.cancel = make_button("Cancel", tip="Stop within a second; nothing half-written stays", shortcut="Esc")
        self.cancel.setShortcut("Esc")
        self.add(row(self.title, 1, self.cancel))
        self.add(self.bar)
        self.add(row(self.words, 1, self.left))
        self.add(self.line)
        self.add(row(self.loss, 1))
        self.cancel.clicked.connect(self.on_cancel_clicked)
        self.hide()

    def start(self, *, waiting_for: str = "") -> None:
        self.title.setText("Adapting…")
        self.words.setText(waiting_for or "Starting the engine; the first time takes some seconds")
        self.loss.setText("Loss: its distance from your labels; ups and downs are normal, it should end low.")
        self.left.setText("")
        self.bar.setRange(0, 0)
        self.line.start(2)
        self.line.hide()
        self.loss.hide()
        self.cancel.setEnabled(True)
        self.cancel.setToolTip("Stop within a second; nothing half-written stays (Esc)")
        self.show()

    def show_progress(self, progress: Progress) -> None:
        show_progress(progress, self.bar, self.words)
        if progress.loss is None:
            self.left.setText("")
            return
        if not self.line.values():
            self.line.start(progress.total or 2)
            self.line.show()
            self.loss.show()
        self.line.add(progress.loss)
        self.words.setText(f"Step {progress.step} of {progress.total}")
        self.loss.setText(
            f"Loss {progress.loss:.3f}: its distance from your labels; ups and downs are normal, it should end low."
        )
        if progress.remaining_s is not None:
            self.left.setText(f"about {in_words(progress.remaining_s)} left")

    def on_cancel_clicked(self) -> None:
        self.title.setText("Cancelling…")
        self.cancel.setEnabled(False)
        self.cancel.setToolTip("Cancelling…")
        self.cancel_pressed.emit()
