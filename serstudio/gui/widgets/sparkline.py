"""A small line of the loss while a model adapts."""

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from serstudio.gui.theme import Theme


class Sparkline(QWidget):
    """Values from left to right; `expected` leaves room for those to come."""

    def __init__(self) -> None:
        super().__init__()
        self._values: list[float] = []
        self._expected = 2
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Loss of each step")

    def sizeHint(self) -> QSize:
        return QSize(240, 72)

    def start(self, expected: int) -> None:
        self._values.clear()
        self._expected = max(2, expected)
        self.update()

    def add(self, value: float) -> None:
        self._values.append(value)
        self.setAccessibleDescription(f"loss {value:.3f}")
        self.update()

    def values(self) -> list[float]:
        return list(self._values)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = Theme.current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bottom = self.height() - 4.0
        painter.setPen(QPen(QColor(tokens.border), 1))
        painter.drawLine(QPointF(0, bottom), QPointF(self.width(), bottom))
        if not self._values:
            return
        top = max(self._values) or 1.0
        low = min(0.0, *self._values)
        step = (self.width() - 12) / max(self._expected - 1, len(self._values) - 1, 1)
        span = bottom - 8
        points = [
            QPointF(4 + index * step, bottom - span * (value - low) / (top - low or 1.0))
            for index, value in enumerate(self._values)
        ]
        line = QPainterPath(points[0])
        for point in points[1:]:
            line.lineTo(point)
        area = QPainterPath(line)
        area.lineTo(points[-1].x(), bottom)
        area.lineTo(points[0].x(), bottom)
        ground = QColor(tokens.accent)
        ground.setAlphaF(0.12)
        painter.fillPath(area, ground)
        painter.setPen(QPen(QColor(tokens.accent), 2))
        painter.drawPath(line)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.accent))
        painter.drawEllipse(points[-1], 3.5, 3.5)
