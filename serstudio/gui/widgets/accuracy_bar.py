"""Accuracy as one of several bars below each other: filled so far, with its interval and where guessing would be."""

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from serstudio.gui.theme import Theme

_BAR_HEIGHT = 14.0
_CAP = 4.0  # half the height of the strokes that end the interval


class AccuracyBar(QWidget):
    """All values are fractions. Bars of one width are on one scale, from 0 to 100 %."""

    def __init__(self) -> None:
        super().__init__()
        self._accuracy, self._low, self._high, self._chance = 0.0, 0.0, 0.0, 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Accuracy")

    def show_values(self, accuracy: float, low: float, high: float, chance: float) -> None:
        self._accuracy, self._low, self._high, self._chance = accuracy, low, high, chance
        words = f"{accuracy:.0%}, between {low:.0%} and {high:.0%}; guessing gives {chance:.0%}"
        self.setAccessibleDescription(words)
        self.setToolTip(words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, 28)

    def _x(self, fraction: float) -> float:
        return 1 + (self.width() - 2) * fraction

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = Theme.current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        track = QPainterPath()
        track.addRoundedRect(QRectF(self._x(0), middle - _BAR_HEIGHT / 2, self._x(1) - self._x(0), _BAR_HEIGHT), 7, 7)
        painter.fillPath(track, QColor(tokens.surface_press))
        painter.setClipPath(track)
        filled = QColor(tokens.accent)
        filled.setAlphaF(0.55)
        painter.fillRect(QRectF(0, 0, self._x(self._accuracy), self.height()), filled)
        painter.setClipping(False)
        self._paint_interval(painter, middle)
        dashed = QPen(QColor(tokens.text_muted), 2)
        dashed.setDashPattern([2, 1.5])
        painter.setPen(dashed)
        painter.drawLine(round(self._x(self._chance)), 1, round(self._x(self._chance)), self.height() - 1)

    def _paint_interval(self, painter: QPainter, middle: float) -> None:
        painter.setPen(QPen(QColor(Theme.current().tokens.text), 2))
        low, high = round(self._x(self._low)), round(self._x(self._high))
        line = round(middle)
        painter.drawLine(low, line, high, line)
        for end in (low, high):
            painter.drawLine(end, round(middle - _CAP), end, round(middle + _CAP))
