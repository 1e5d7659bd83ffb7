"""One bar a label with its share of the confidence; the winner stands out."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from serstudio.gui.theme import Theme
from serstudio.gui.widgets.label_look import paint_symbol, readable, text_width

ROW_HEIGHT = 36


@dataclass(frozen=True)
class BarLabel:
    """How one label of a model looks."""

    name: str
    colour: str
    symbol: str


class ConfidenceBars(QWidget):
    """Bars ease towards the newest scores, so that four updates a second look smooth."""

    def __init__(self) -> None:
        super().__init__()
        self._labels: tuple[BarLabel, ...] = ()
        self._target: tuple[float, ...] = ()
        self._shown: list[float] = []
        self._quiet = False
        self.setAccessibleName("Confidence of each label")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_labels(self, labels: Sequence[BarLabel]) -> None:
        self._labels = tuple(labels)
        self._target = (0.0,) * len(labels)
        self._shown = [0.0] * len(labels)
        self.updateGeometry()
        self.update()

    def show_scores(self, scores: Sequence[float], *, quiet: bool = False) -> None:
        self._target = tuple(scores)
        self._quiet = quiet
        words = (f"{label.name} {score:.0%}" for label, score in zip(self._labels, scores, strict=True))
        self.setAccessibleDescription("too quiet to judge" if quiet else ", ".join(words))
        self.update()

    def scores(self) -> tuple[float, ...]:
        return self._target

    def tick(self) -> None:
        """One frame of the easing; called by the screen's timer."""
        moved = [now + (goal - now) * 0.35 for now, goal in zip(self._shown, self._target, strict=True)]
        if any(abs(a - b) > 0.001 for a, b in zip(moved, self._shown, strict=True)):
            self._shown = moved
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(360, max(1, len(self._labels)) * ROW_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = Theme.current()
        tokens = theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        names = [text_width(self.font(), label.name) for label in self._labels]
        name_width = min(max(names, default=0.0) + 8, self.width() * 0.4, 180.0)
        left = 24 + name_width
        span = max(20.0, self.width() - left - 52)
        best = max(range(len(self._target)), key=self._target.__getitem__, default=-1)
        middle = Qt.AlignmentFlag.AlignVCenter
        for row, label in enumerate(self._labels):
            top = row * ROW_HEIGHT
            wins = row == best and not self._quiet and self._target[row] > 0
            colour = readable(label.colour, theme.scheme)
            if self._quiet:
                colour = QColor(tokens.border_strong)
            paint_symbol(painter, QRectF(1, top + 11, 14, 14), label.symbol, colour)
            font = painter.font()
            font.setWeight(font.Weight.DemiBold if wins else font.Weight.Normal)
            painter.setFont(font)
            painter.setPen(QColor(tokens.text_faint if self._quiet else tokens.text))
            name = painter.fontMetrics().elidedText(label.name, Qt.TextElideMode.ElideRight, round(name_width))
            painter.drawText(QRectF(24, top, name_width, ROW_HEIGHT), middle, name)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.surface_press))
            painter.drawRoundedRect(QRectF(left, top + 12, span, 12), 6, 6)
            painter.setBrush(colour)
            width = max(12.0, span * self._shown[row]) if self._shown[row] > 0.004 else 0.0
            painter.drawRoundedRect(QRectF(left, top + 12, width, 12), 6, 6)
            painter.setPen(QColor(tokens.text_faint if self._quiet else tokens.text))
            share = QRectF(left + span, top, self.width() - left - span, ROW_HEIGHT)
            painter.drawText(share, middle | Qt.AlignmentFlag.AlignRight, f"{self._shown[row]:.0%}")
