"""A drop-down list with the theme's own arrow; the wheel scrolls the page, not the choice."""

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QHelpEvent, QKeyEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QListView,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolTip,
)

from serstudio.gui.icons import paint_icon
from serstudio.gui.theme import Theme


class Chooser(QComboBox):
    """As QComboBox; long items are shortened, the list and the tooltip show them whole."""

    def __init__(self, name: str = "", elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__()
        self._elide = elide
        self.setView(QListView())  # the native list ignores the style sheet's row height
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(10)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def shown_text(self) -> str:
        """As much of the current item as there is room for."""
        room = self.width() - 12 - 34
        return self.fontMetrics().elidedText(self.currentText(), self._elide, room)

    def hint(self) -> str:
        """The tooltip, with the whole item above it where that is cut."""
        whole = self.currentText() if self.shown_text() != self.currentText() else ""
        return "\n".join(part for part in (whole, self.toolTip()) if part)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.hint(), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = Theme.current().tokens
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self.shown_text()
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        colour = tokens.text_muted if self.isEnabled() else tokens.text_faint
        spot = QRectF(self.width() - 26, self.height() / 2 - 8, 16, 16)
        paint_icon(painter, "chevron-down", spot, colour)


class ActionChooser(Chooser):
    """Some of its items are no choice but do something, such as opening a dialog."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrow keys open the list: without it they would walk into the actions."""
        if Qt.Key(event.key()) in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.showPopup()
        else:
            super().keyPressEvent(event)
