"""How many clips each label has, as short bars towards enough."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from serstudio.gui.steps import CLIPS_PER_LABEL, label_progress
from serstudio.gui.theme import Theme
from serstudio.gui.widgets.label_look import paint_symbol, readable
from serstudio.project import Label

_ROW, _CELL = 30, 260


class LabelCounts(QWidget):
    """Rows of labels in as many columns as fit."""

    def __init__(self) -> None:
        super().__init__()
        self._labels: tuple[Label, ...] = ()
        self._counts: Mapping[int, int] = {}
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Clips per label")

    def show_counts(self, labels: Sequence[Label], counts: Mapping[int, int]) -> None:
        self._labels, self._counts = tuple(labels), counts
        self.setAccessibleDescription(label_progress(labels, counts, limit=99))
        self.setVisible(bool(labels))
        self.updateGeometry()
        self.update()

    def _columns(self, width: int) -> int:
        return max(1, width // _CELL)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return -(-len(self._labels) // self._columns(width)) * _ROW

    def sizeHint(self) -> QSize:
        return QSize(_CELL * 2, self.heightForWidth(max(self.width(), _CELL)))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        columns = self._columns(self.width())
        cell = self.width() / columns
        for index, label in enumerate(self._labels):
            corner = QRectF(index % columns * cell, index // columns * _ROW, cell, _ROW)
            self._paint_cell(painter, corner, label)

    def _paint_cell(self, painter: QPainter, cell: QRectF, label: Label) -> None:
        theme = Theme.current()
        tokens = theme.tokens
        count = self._counts.get(label.id, 0)
        colour = readable(label.colour, theme.scheme)
        middle = Qt.AlignmentFlag.AlignVCenter
        paint_symbol(painter, QRectF(cell.left() + 1, cell.center().y() - 6.5, 13, 13), label.symbol, colour)
        painter.setPen(QColor(tokens.text))
        name = painter.fontMetrics().elidedText(label.name, Qt.TextElideMode.ElideRight, 96)
        painter.drawText(QRectF(cell.left() + 24, cell.top(), 100, cell.height()), middle, name)
        left = cell.left() + 128
        span = max(20.0, min(cell.width() - 128 - 48, 110.0))
        painter.setPen(Qt.PenStyle.NoPen)
        for place in range(CLIPS_PER_LABEL):
            width = span / CLIPS_PER_LABEL
            painter.setBrush(colour if place < count else QColor(tokens.surface_press))
            painter.drawRoundedRect(QRectF(left + place * width, cell.center().y() - 4, width - 3, 8), 3, 3)
        painter.setPen(QColor(tokens.text_muted))
        words = f"{count}/{CLIPS_PER_LABEL}" if count < CLIPS_PER_LABEL else f"{count}"
        painter.drawText(QRectF(left + span + 6, cell.top(), 44, cell.height()), middle, words)
