"""A drop-down list with the theme's own arrow; the wheel scrolls the page, not the choice."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QListView,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
)

from serstudio.gui.icons import paint_icon
from serstudio.gui.theme import Theme


class Chooser(QComboBox):
    """As QComboBox; long items are shortened, the list shows them whole."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self.setView(QListView())  # the native list ignores the style sheet's row height
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(10)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = Theme.current().tokens
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        room = self.width() - 12 - 34
        elided = self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room)
        option.currentText = elided
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        colour = tokens.text_muted if self.isEnabled() else tokens.text_faint
        spot = QRectF(self.width() - 26, self.height() / 2 - 8, 16, 16)
        paint_icon(painter, "chevron-down", spot, colour)
