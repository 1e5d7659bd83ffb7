"""Labels as chips that are typed, looked at and taken away: the start of a project."""

from dataclasses import dataclass, replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from engine.names import same_name
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.layout import Flow, clear_layout
from serstudio.gui.widgets.look_picker import LookPicker, LookSwatch
from serstudio.gui.widgets.text import Role, make_text
from serstudio.project.palette import first_free_key, free_look


@dataclass(frozen=True)
class LabelDraft:
    """A label that is not in a project yet."""

    name: str
    colour: str
    symbol: str
    key: str


class _Chip(QFrame):
    """Symbol (opens the pop-up), name, key, cross."""

    removed = Signal(str)
    look_changed = Signal(object)  # LabelDraft

    def __init__(self, draft: LabelDraft) -> None:
        super().__init__()
        self.draft = draft
        self.setProperty("role", "inset")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(6)
        self.swatch = LookSwatch(draft.symbol, draft.colour, f"Colour and symbol of {draft.name}", 26)
        self.swatch.clicked.connect(self.on_swatch_clicked)
        name = make_text(draft.name, Role.STRONG)
        key = make_text(f"key {draft.key.upper()}" if draft.key else "", Role.CAPTION)
        cross = make_button("", Kind.GHOST, "close", tip=f"Remove {draft.name}", name=f"Remove {draft.name}")
        cross.setFixedWidth(28)
        cross.clicked.connect(self.on_cross_clicked)
        for widget in (self.swatch, name, key, cross):
            layout.addWidget(widget)

    def on_swatch_clicked(self) -> None:
        picker = LookPicker(self.swatch, self.draft.symbol, self.draft.colour)
        picker.symbol_chosen.connect(self.on_symbol_chosen)
        picker.colour_chosen.connect(self.on_colour_chosen)
        picker.show()

    def on_symbol_chosen(self, symbol: str) -> None:
        self._set(replace(self.draft, symbol=symbol))

    def on_colour_chosen(self, colour: str) -> None:
        self._set(replace(self.draft, colour=colour))

    def _set(self, draft: LabelDraft) -> None:
        self.draft = draft
        self.swatch.set_look(draft.symbol, draft.colour)
        self.look_changed.emit(draft)

    def on_cross_clicked(self) -> None:
        self.removed.emit(self.draft.name)


class LabelChips(QWidget):
    """Type a name and press Enter (a comma works too); Backspace in the empty line takes the last away."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._drafts: list[LabelDraft] = []
        self.line = _LabelLine()
        self.line.setPlaceholderText("Type a label and press Enter, in any script")
        self.line.setAccessibleName("New label")
        self.line.returnPressed.connect(self.on_return_pressed)
        self.line.textEdited.connect(self.on_text_edited)
        self.line.backspace_pressed.connect(self.on_backspace_pressed)
        self._chips = QWidget()
        self._flow = Flow(self._chips)
        self._chips.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.line)
        layout.addWidget(self._chips)

    def drafts(self) -> tuple[LabelDraft, ...]:
        return tuple(self._drafts)

    def add(self, name: str) -> None:
        """Add a label unless it is empty or there already."""
        name = " ".join(name.split())
        if not name or any(same_name(name) == same_name(draft.name) for draft in self._drafts):
            return
        colour, symbol = free_look([(draft.colour, draft.symbol) for draft in self._drafts])
        key = first_free_key({draft.key for draft in self._drafts})
        self._drafts.append(LabelDraft(name, colour, symbol, key))
        self._show()

    def on_return_pressed(self) -> None:
        self.add(self.line.text())
        self.line.clear()

    def on_text_edited(self, text: str) -> None:
        for comma in (",", "،", "、", ";"):
            text = text.replace(comma, ",")
        if "," in text:
            *ready, rest = text.split(",")
            for name in ready:
                self.add(name)
            self.line.setText(rest.lstrip())

    def on_backspace_pressed(self) -> None:
        if self._drafts:
            self._drafts.pop()
            self._show()

    def on_removed(self, name: str) -> None:
        self._drafts = [draft for draft in self._drafts if draft.name != name]
        self._show()

    def on_look_changed(self, changed: LabelDraft) -> None:
        self._drafts = [changed if draft.name == changed.name else draft for draft in self._drafts]

    def _show(self) -> None:
        clear_layout(self._flow)
        for draft in self._drafts:
            chip = _Chip(draft)
            chip.removed.connect(self.on_removed)
            chip.look_changed.connect(self.on_look_changed)
            self._flow.addWidget(chip)
        self._chips.setVisible(bool(self._drafts))
        self._chips.updateGeometry()
        self.changed.emit()


class _LabelLine(QLineEdit):
    backspace_pressed = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Backspace and not self.text():
            self.backspace_pressed.emit()
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()  # Enter adds a label; it does not close the dialog
