"""Which labels are taken for which: rows are the truth, columns what was heard."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from serstudio.gui.theme import Theme
from serstudio.gui.tokens import Tokens
from serstudio.gui.widgets.confidence_bars import BarLabel
from serstudio.gui.widgets.label_look import clearest, mixed, paint_symbol, readable, text_width

CELL_HEIGHT = 44
_TOP = 52


class ConfusionMatrix(QWidget):
    """Counts, shaded by their share of the row; the diagonal is what was right."""

    def __init__(self) -> None:
        super().__init__()
        self._labels: tuple[BarLabel, ...] = ()
        self._counts: tuple[tuple[int, ...], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Confusion matrix")

    def show_counts(self, labels: Sequence[BarLabel], counts: Sequence[Sequence[int]]) -> None:
        """`counts[i][j]`: clips of label i that were taken for label j."""
        self._labels = tuple(labels)
        self._counts = tuple(tuple(line) for line in counts)
        rows = zip(self._labels, self._counts, strict=True)
        self.setAccessibleDescription("; ".join(self._row_words(label, line) for label, line in rows))
        self.updateGeometry()
        self.update()

    def _row_words(self, label: BarLabel, line: tuple[int, ...]) -> str:
        heard = (f"{other.name} {count}" for other, count in zip(self._labels, line, strict=True) if count)
        return f"{label.name} was taken for {', '.join(heard) or 'nothing'}"

    def sizeHint(self) -> QSize:
        return QSize(420, _TOP + len(self._labels) * CELL_HEIGHT + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, self.sizeHint().height())

    def _left(self) -> float:
        names = [text_width(self.font(), label.name) for label in self._labels]
        return min(max(names, default=40.0) + 36, self.width() * 0.36, 200.0)

    def _cell_width(self) -> float:
        return min(120.0, (self.width() - self._left()) / max(1, len(self._labels)))

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            row, column = self._cell_at(QPointF(event.pos()))
            if row >= 0:
                truth, heard = self._labels[row].name, self._labels[column].name
                count = self._counts[row][column]
                QToolTip.showText(event.globalPos(), f"{count} of {truth} taken for {heard}", self)
                return True
        return super().event(event)

    def _cell_at(self, place: QPointF) -> tuple[int, int]:
        column = int((place.x() - self._left()) // self._cell_width())
        row = int((place.y() - _TOP) // CELL_HEIGHT)
        inside = 0 <= row < len(self._labels) and 0 <= column < len(self._labels)
        return (row, column) if inside else (-1, -1)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, label in enumerate(self._labels):
            self._paint_names(painter, index, label)
            total = max(1, sum(self._counts[index]))
            for column, count in enumerate(self._counts[index]):
                self._paint_cell(painter, index, column, count, count / total)
        tokens = Theme.current().tokens
        painter.setPen(QColor(tokens.text_faint))
        font = painter.font()
        font.setPixelSize(12)
        painter.setFont(font)
        width = self._cell_width() * len(self._labels)
        painter.drawText(QRectF(self._left() + 2, 0, max(width, 120.0), 18), Qt.AlignmentFlag.AlignLeft, "taken for")
        painter.drawText(QRectF(0, _TOP - 22, self._left(), 18), Qt.AlignmentFlag.AlignLeft, "true label")

    @staticmethod
    def shade(tokens: Tokens, share: float, *, right: bool) -> tuple[QColor, QColor]:
        """Colours of a cell and of the number in it; `share`: of its row, 0 to 1."""
        if not share:
            return QColor(tokens.surface_alt), QColor(tokens.text_faint)
        strong = QColor(tokens.accent if right else tokens.warning)
        ground = mixed(QColor(tokens.surface_alt), strong, 0.12 + 0.78 * share)
        return ground, clearest([QColor("#000000"), QColor("#ffffff")], ground)  # one has 4.58 or more on any ground

    def _paint_names(self, painter: QPainter, index: int, label: BarLabel) -> None:
        theme = Theme.current()
        colour = readable(label.colour, theme.scheme)
        top = _TOP + index * CELL_HEIGHT
        paint_symbol(painter, QRectF(1, top + CELL_HEIGHT / 2 - 7, 14, 14), label.symbol, colour)
        painter.setPen(QColor(theme.tokens.text))
        metrics = painter.fontMetrics()
        width = self._left() - 32
        name = metrics.elidedText(label.name, Qt.TextElideMode.ElideRight, round(width))
        painter.drawText(QRectF(24, top, width, CELL_HEIGHT), Qt.AlignmentFlag.AlignVCenter, name)
        cell = self._cell_width()
        left = self._left() + index * cell
        short = metrics.elidedText(label.name, Qt.TextElideMode.ElideRight, round(cell - 24))
        start = left + max(2.0, (cell - metrics.horizontalAdvance(short) - 20) / 2)
        paint_symbol(painter, QRectF(start, _TOP - 21, 13, 13), label.symbol, colour)
        painter.drawText(QRectF(start + 19, _TOP - 26, cell, 22), Qt.AlignmentFlag.AlignVCenter, short)

    def _paint_cell(self, painter: QPainter, row: int, column: int, count: int, share: float) -> None:
        tokens = Theme.current().tokens
        cell = self._cell_width()
        box = QRectF(self._left() + column * cell, _TOP + row * CELL_HEIGHT, cell, CELL_HEIGHT)
        box.adjust(2, 2, -2, -2)
        painter.setPen(Qt.PenStyle.NoPen)
        ground, ink = self.shade(tokens, share, right=row == column)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, 6, 6)
        painter.setPen(ink)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(count))
