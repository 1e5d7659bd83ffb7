"""One bar a label with its share of the confidence; the winner stands out."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from serstudio.gui.theme import Theme
from serstudio.gui.widgets.label_look import paint_symbol, readable, text_width

ROW_HEIGHT, LEAST_ROW_HEIGHT = 36, 20
_NUMBER_WIDTH = 52


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
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)

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
        self.setAccessibleDescription("too quiet to judge" if quiet else ", ".join(words) if any(scores) else "")
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
        return QSize(200, max(1, len(self._labels)) * LEAST_ROW_HEIGHT)

    def _row_height(self) -> float:
        """Rows draw together where the window is low."""
        return min(float(ROW_HEIGHT), self.height() / max(1, len(self._labels)))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        names = [text_width(self.font(), label.name) for label in self._labels]
        left = 24 + min(max(names, default=0.0) + 16, self.width() * 0.4, 180.0)
        best = max(range(len(self._target)), key=self._target.__getitem__, default=-1)
        height = self._row_height()
        for row, label in enumerate(self._labels):
            line = QRectF(0, row * height, self.width(), height)
            wins = row == best and not self._quiet and self._target[row] > 0
            self._paint_name(painter, line, label, left, wins=wins)
            self._paint_bar(painter, line, label, left, self._shown[row])
            if any(self._target):  # the number is the answer itself, which the bar is still on its way to
                self._paint_number(painter, line, self._target[row])

    def _colour(self, label: BarLabel) -> QColor:
        theme = Theme.current()
        return QColor(theme.tokens.border_strong) if self._quiet else readable(label.colour, theme.scheme)

    def _text_colour(self) -> QColor:
        tokens = Theme.current().tokens
        return QColor(tokens.text_faint if self._quiet else tokens.text)

    def _paint_name(self, painter: QPainter, line: QRectF, label: BarLabel, left: float, *, wins: bool) -> None:
        paint_symbol(painter, QRectF(1, line.center().y() - 7, 14, 14), label.symbol, self._colour(label))
        font = painter.font()
        font.setWeight(font.Weight.DemiBold if wins else font.Weight.Normal)
        painter.setFont(font)
        painter.setPen(self._text_colour())
        room = left - 32
        name = painter.fontMetrics().elidedText(label.name, Qt.TextElideMode.ElideRight, round(room))
        box = QRectF(24, line.top(), room + 8, line.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, name)

    def _paint_bar(self, painter: QPainter, line: QRectF, label: BarLabel, left: float, share: float) -> None:
        span = max(20.0, self.width() - left - _NUMBER_WIDTH)
        top = line.center().y() - 6
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(Theme.current().tokens.surface_press))
        painter.drawRoundedRect(QRectF(left, top, span, 12), 6, 6)
        painter.setBrush(self._colour(label))
        if share > 0.004:
            painter.drawRoundedRect(QRectF(left, top, max(12.0, span * share), 12), 6, 6)

    def _paint_number(self, painter: QPainter, line: QRectF, share: float) -> None:
        painter.setPen(self._text_colour())
        box = QRectF(line.right() - _NUMBER_WIDTH, line.top(), _NUMBER_WIDTH, line.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{share:.0%}")
