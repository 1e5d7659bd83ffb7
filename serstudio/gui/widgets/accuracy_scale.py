"""Accuracy on a line from 0 to 100 %: the estimate, its interval, and where guessing would be."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from serstudio.gui.theme import Theme

_MARGIN = 8.0


class AccuracyScale(QWidget):
    """All values are fractions."""

    def __init__(self) -> None:
        super().__init__()
        self._accuracy, self._low, self._high, self._chance = 0.0, 0.0, 0.0, 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Accuracy")

    def show_values(self, accuracy: float, low: float, high: float, chance: float) -> None:
        self._accuracy, self._low, self._high, self._chance = accuracy, low, high, chance
        self.setAccessibleDescription(f"{accuracy:.0%}, between {low:.0%} and {high:.0%}; guessing gives {chance:.0%}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, 60)

    def _x(self, fraction: float) -> float:
        return _MARGIN + (self.width() - 2 * _MARGIN) * fraction

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = Theme.current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.surface_press))
        painter.drawRoundedRect(QRectF(self._x(0), 22, self._x(1) - self._x(0), 10), 5, 5)
        band = QColor(tokens.accent)
        band.setAlphaF(0.38)
        painter.setBrush(band)
        painter.drawRoundedRect(QRectF(self._x(self._low), 22, self._x(self._high) - self._x(self._low), 10), 5, 5)
        painter.setBrush(QColor(tokens.accent))
        painter.drawEllipse(QPointF(self._x(self._accuracy), 27), 8, 8)
        painter.fillRect(QRectF(self._x(self._chance) - 1, 16, 2, 22), QColor(tokens.text_muted))
        font = painter.font()
        font.setPixelSize(12)
        painter.setFont(font)
        painter.setPen(QColor(tokens.text_muted))
        words = f"guessing: {self._chance:.0%}"
        width = painter.fontMetrics().horizontalAdvance(words) + 4
        left = min(max(0.0, self._x(self._chance) - width / 2), self.width() - width)
        painter.drawText(QRectF(left, 0, width, 15), Qt.AlignmentFlag.AlignCenter, words)
        painter.setPen(QColor(tokens.text_faint))
        for fraction in (0.0, 0.25, 0.5, 0.75, 1.0):
            box = QRectF(self._x(fraction) - 24, 42, 48, 16)
            flags = Qt.AlignmentFlag.AlignHCenter
            if fraction == 0.0:
                box, flags = QRectF(0, 42, 48, 16), Qt.AlignmentFlag.AlignLeft
            elif fraction == 1.0:
                box, flags = QRectF(self.width() - 48, 42, 48, 16), Qt.AlignmentFlag.AlignRight
            painter.drawText(box, flags, f"{fraction:.0%}")
