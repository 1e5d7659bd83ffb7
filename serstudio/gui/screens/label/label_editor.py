"""The labels of the project: rename, colour, symbol, key, add, remove. Each change is kept at once."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from engine.errors import SerStudioError
from serstudio.gui.session import Session
from serstudio.gui.widgets.banner import Banner, Tone
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.layout import Card, GrowingScroller, clear_layout, row
from serstudio.gui.widgets.look_picker import LookPicker, LookSwatch
from serstudio.gui.widgets.text import Role, make_text
from serstudio.project import Label
from serstudio.wording import counted

_LEAST_HEIGHT = 120  # of the list: three labels

Run = Callable[[Callable[[], object]], bool]


class _Line(QLineEdit):
    """Ctrl+Z takes back what was typed here; where that is nothing, it is left to the dialog."""

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.ShortcutOverride:
            is_ours = self.isUndoAvailable() or not event.matches(QKeySequence.StandardKey.Undo)
            if not is_ours:
                event.ignore()
                return False
        return super().event(event)


class _LabelRow(QFrame):
    """One label; a refused change goes back to what it was, with the reason in the banner."""

    removed = Signal(int)
    gone = Signal()  # its label was removed elsewhere

    def __init__(self, session: Session, label: Label, count: int, run: Run) -> None:
        super().__init__()
        self._project = session.project
        self._run = run
        self.label = label
        self.swatch = LookSwatch(label.symbol, label.colour, f"Colour and symbol of {label.name}")
        self.name = _Line(label.name)
        self.name.setAccessibleName(f"Name of the label {label.name}")
        self.key = _Line(label.key.upper())
        self.key.setAccessibleName(f"Key of the label {label.name}")
        self.key.setToolTip("The key that gives this label: a digit or a letter")
        self.key.setMaxLength(1)
        self.key.setFixedWidth(48)
        self.key.setPlaceholderText("key")
        remove = make_button("", Kind.GHOST, "trash", tip="Remove this label", name=f"Remove {label.name}")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.swatch)
        layout.addWidget(self.name, 1)
        layout.addWidget(self.key)
        clips = make_text(counted(count, "clip"), Role.CAPTION)
        clips.setFixedWidth(64)
        layout.addWidget(clips)
        layout.addWidget(remove)
        self.swatch.clicked.connect(self.on_swatch_clicked)
        self.name.editingFinished.connect(self.on_editing_finished)
        self.key.editingFinished.connect(self.on_editing_finished)
        remove.clicked.connect(self.on_remove_clicked)

    def on_swatch_clicked(self) -> None:
        picker = LookPicker(self.swatch, self.label.symbol, self.label.colour)
        picker.colour_chosen.connect(self.on_colour_chosen)
        picker.symbol_chosen.connect(self.on_symbol_chosen)
        picker.show()

    def on_colour_chosen(self, colour: str) -> None:
        self._edit(lambda: self._project.edit_label(self.label.id, colour=colour))

    def on_symbol_chosen(self, symbol: str) -> None:
        self._edit(lambda: self._project.edit_label(self.label.id, symbol=symbol))

    def on_editing_finished(self) -> None:
        self.keep()

    def keep(self) -> bool:
        """Keep what was typed. False: it was refused."""
        name, key = self.name.text(), self.key.text().lower()
        if (name, key) == (self.label.name, self.label.key):
            return True
        return self._edit(lambda: self._project.edit_label(self.label.id, name=name, key=key))

    def _edit(self, change: Callable[[], object]) -> bool:
        done = self._run(change)
        now = next((label for label in self._project.labels() if label.id == self.label.id), None)
        self.label = now or self.label
        self._show()
        if now is None:
            self.gone.emit()
        return done

    def _show(self) -> None:
        self.name.setText(self.label.name)
        self.key.setText(self.label.key.upper())
        self.swatch.set_look(self.label.symbol, self.label.colour)

    def on_remove_clicked(self) -> None:
        self._show()  # what was typed goes with the label
        self.removed.emit(self.label.id)


class LabelEditor(QDialog):
    """Nothing to confirm: undo is always there."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle("Labels")
        self.setMinimumWidth(520)
        self.banner = Banner()
        self.rows: list[_LabelRow] = []
        self._has_new = False  # a label that is not in sight yet
        holder = QWidget()
        self._lines = QVBoxLayout(holder)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(8)
        self.scroller = GrowingScroller(holder)
        self.scroller.setMinimumHeight(_LEAST_HEIGHT)
        self.new_name = _Line()
        self.new_name.setPlaceholderText("New label, in any script")
        self.new_name.setAccessibleName("New label")
        self.add = make_button("Add", Kind.NORMAL, "plus")
        self.done_button = make_button("Done", Kind.PRIMARY)
        self._build()
        self.scroller.verticalScrollBar().rangeChanged.connect(self.on_range_changed)
        self.add.clicked.connect(self.on_add)
        self.new_name.returnPressed.connect(self.on_add)
        self.done_button.clicked.connect(self.on_done_clicked)
        QShortcut(QKeySequence("Ctrl+Z"), self).activated.connect(self.on_undo)
        self._show_labels()
        self.new_name.setFocus()

    def _build(self) -> None:
        card = Card(margin=16)
        card.add(self.scroller)
        card.add(row(self.new_name, self.add))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(12)
        layout.addWidget(make_text("Labels", Role.TITLE))
        words = "Each change is kept at once; Ctrl+Z takes it back. Clips of a removed label become unlabelled."
        layout.addWidget(make_text(words, Role.MUTED, wrap=True))
        layout.addWidget(self.banner)
        layout.addWidget(card)
        layout.addStretch(1)
        layout.addLayout(row(self.done_button, 1))

    def _show_labels(self) -> None:
        clear_layout(self._lines)
        counts = self._session.project.label_counts()
        self.rows = []
        for label in self._session.project.labels():
            line = _LabelRow(self._session, label, counts.get(label.id, 0), self.run)
            line.removed.connect(self.on_removed)
            line.gone.connect(self.on_gone)
            self.rows.append(line)
            self._lines.addWidget(line)
            line.show()  # not in a moment, as Qt does it: meanwhile the list would be empty, and at its top

    def event(self, event: QEvent) -> bool:
        """As high as all labels want, and no higher than the screen has room for: the rest scrolls."""
        screen = self.screen().availableGeometry()
        room = screen.height() * 9 // 10
        if event.type() is QEvent.Type.Show:
            self.resize(self.width(), min(self._wanted_height(), room))
        elif event.type() is QEvent.Type.LayoutRequest and self.isVisible():
            below = screen.bottom() - self.geometry().top()
            self.resize(self.width(), max(self.height(), min(self._wanted_height(), room, below)))
        return super().event(event)

    def _wanted_height(self) -> int:
        layout = self.layout()
        return layout.totalHeightForWidth(self.width()) if layout is not None else 0

    def run(self, change: Callable[[], object]) -> bool:
        """Do it; a refusal is shown, not raised."""
        try:
            change()
        except SerStudioError as error:
            self.banner.show_message(error.message, error.hint, Tone.DANGER)
            return False
        self.banner.hide()
        return True

    def on_undo(self) -> None:
        self._session.undo()
        self._show_labels()

    def on_add(self) -> None:
        self._add()

    def _add(self) -> bool:
        """Add the label that was typed, if any. False: it was refused."""
        name = self.new_name.text()
        if not name.strip():
            return True
        if not self.run(lambda: self._session.project.add_label(name)):
            return False
        self.new_name.setText("")  # not `clear`, which Ctrl+Z would take back in place of the label
        self._show_labels()
        self._has_new = True
        return True

    def on_range_changed(self, _least: int, most: int) -> None:
        """A label was added, and is laid out now: it is the last."""
        if self._has_new:
            self._has_new = False
            self.scroller.verticalScrollBar().setValue(most)

    def on_done_clicked(self) -> None:
        """What was typed and not entered is meant too."""
        if self._keep_rows() and self._add():
            self.accept()

    def _keep_rows(self) -> bool:
        """Keep what was typed in the rows before something else is done. False: one was refused.

        A label that was removed elsewhere comes last: what can be kept is, and the reason stays in the banner.
        """
        there = self._label_ids()
        return all(line.keep() for line in sorted(self.rows, key=lambda line: line.label.id not in there))

    def _label_ids(self) -> set[int]:
        return {label.id for label in self._session.project.labels()}

    def on_gone(self) -> None:
        """Rows without a label go; what is being typed in the others stays."""
        there = self._label_ids()
        for line in [line for line in self.rows if line.label.id not in there]:
            self.rows.remove(line)
            self._lines.removeWidget(line)
            line.hide()
            line.deleteLater()

    def on_removed(self, label_id: int) -> None:
        if not self._keep_rows():
            return
        name = next(line.label.name for line in self.rows if line.label.id == label_id)
        is_removed = self.run(lambda: self._session.project.remove_label(label_id))
        self._show_labels()
        if is_removed:
            self._session.toast(f"Label {name} removed", "Undo", self._session.undo)
