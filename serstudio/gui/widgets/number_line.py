"""A whole number in a plain field; the arrow keys count up and down."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIntValidator, QKeyEvent
from PySide6.QtWidgets import QLineEdit


class NumberLine(QLineEdit):
    """As QSpinBox, with the look of the other fields."""

    value_changed = Signal(int)

    def __init__(self, low: int, high: int) -> None:
        super().__init__(str(low))
        self._low, self._high = low, high
        self.setValidator(QIntValidator(low, high, self))
        self.textChanged.connect(self.on_text_changed)
        self.editingFinished.connect(self.on_editing_finished)

    def value(self) -> int:
        """The number; the lowest one while the field is empty."""
        text = self.text()
        return min(max(int(text), self._low), self._high) if text.isdecimal() else self._low

    def set_value(self, value: int) -> None:
        self.setText(str(min(max(value, self._low), self._high)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()), 0)
        if step:
            self.set_value(self.value() + step)
        else:
            super().keyPressEvent(event)

    def on_text_changed(self) -> None:
        self.value_changed.emit(self.value())

    def on_editing_finished(self) -> None:
        self.set_value(self.value())
