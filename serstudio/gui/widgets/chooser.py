"""A drop-down list with the theme's own arrow; the wheel scrolls the page, not the choice."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QListView, QSizePolicy

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
        super().paintEvent(event)
        tokens = Theme.current().tokens
        painter = QPainter(self)
        colour = tokens.text_muted if self.isEnabled() else tokens.text_faint
        spot = QRectF(self.width() - 26, self.height() / 2 - 8, 16, 16)
        paint_icon(painter, "chevron-down", spot, colour)
