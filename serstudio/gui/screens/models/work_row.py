"""What is being done with a model: a bar, words, the time left, Cancel."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from serstudio.gui.bridge.bases import Work
from serstudio.gui.screens.models.words import progress_words
from serstudio.gui.widgets.buttons import make_button
from serstudio.gui.widgets.layout import column, row
from serstudio.gui.widgets.text import Role, make_text
from serstudio.usecases.events import Progress


class WorkRow(QWidget):
    """Hidden until something is begun."""

    cancel_pressed = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self._work: Work | None = None
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(f"Progress of {name}")
        self.words = make_text("", Role.MUTED)
        self.left = make_text("", Role.MUTED)
        self.cancel = make_button("Cancel", name=f"Cancel what is being done with {name}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        line = row(column(self.bar, row(self.words, 1, self.left), spacing=6), self.cancel, spacing=16)
        line.setStretch(0, 1)
        layout.addLayout(line)
        self.cancel.clicked.connect(self.on_cancel_clicked)
        self.hide()

    def show_work(self, work: Work | None, progress: Progress | None) -> None:
        """None: nothing is being done with this one."""
        if work is not self._work:
            self._work = work
            self.bar.setRange(0, 0)
            self.words.setText(f"{work.value}…" if work is not None else "")
            self.left.setText("")
            self.cancel.setEnabled(True)
            tip = "Stop; what has come is kept" if work is Work.DOWNLOAD else "Stop; nothing half-written stays"
            self.cancel.setToolTip(tip)
            self.setVisible(work is not None)
        if work is not None and progress is not None and self.cancel.isEnabled():
            self.bar.setRange(0, progress.total or 0)
            self.bar.setValue(progress.step)
            words, left = progress_words(progress)
            self.words.setText(words)
            self.left.setText(left)

    def on_cancel_clicked(self) -> None:
        self.cancel.setEnabled(False)
        self.cancel.setToolTip("Stopping…")
        self.words.setText("Stopping…")
        self.cancel_pressed.emit()
