"""The button that gives a label: symbol, name, key and how many clips have it."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from serstudio.gui.steps import CLIPS_PER_LABEL
from serstudio.gui.theme import Theme
from serstudio.gui.widgets.label_look import paint_symbol, readable, soft, text_width
from serstudio.project import Label


class LabelButton(QAbstractButton):
    """Checked while the current clip has this label."""

    def __init__(self, label: Label, count: int = 0) -> None:
        super().__init__()
        self.label = label
        self._count = count
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_label(label, count)

    def set_label(self, label: Label, count: int) -> None:
        self.label = label
        self._count = count
        self.setText(label.name)
        self.setAccessibleName(f"Label the clip {label.name}")
        self.setAccessibleDescription(self.progress_text())
        self.setToolTip(f"Label this clip {label.name} and go on" + (f" ({label.key})" if label.key else ""))
        self.updateGeometry()
        self.update()

    def progress_text(self) -> str:
        """ "2/5" until there are enough, then only the number."""
        return f"{self._count}/{CLIPS_PER_LABEL}" if self._count < CLIPS_PER_LABEL else f"{self._count}"

    def _name_width(self) -> float:
        return min(text_width(self.font(), self.label.name), 150.0)

    def sizeHint(self) -> QSize:
        count_width = text_width(self.font(), "00/0")
        return QSize(round(12 + 16 + 8 + self._name_width() + 12 + count_width + 8 + 24 + 8), 44)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = Theme.current()
        tokens = theme.tokens
        colour = readable(self.label.colour, theme.scheme)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, colour)
        middle = self.height() / 2
        paint_symbol(painter, QRectF(13, middle - 7, 14, 14), self.label.symbol, colour)
        painter.setPen(QColor(tokens.text if self.isEnabled() else tokens.text_faint))
        name_width = self._name_width()
        name = painter.fontMetrics().elidedText(self.label.name, Qt.TextElideMode.ElideRight, round(name_width) + 2)
        left_middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(QRectF(36, 0, name_width + 4, self.height()), left_middle, name)
        enough = self._count >= CLIPS_PER_LABEL
        painter.setPen(QColor(tokens.success if enough else tokens.text_muted))
        painter.drawText(QRectF(36 + name_width + 12, 0, 60, self.height()), left_middle, self.progress_text())
        if self.label.key:
            self._paint_key(painter)

    def _paint_ground(self, painter: QPainter, colour: QColor) -> None:
        theme = Theme.current()
        tokens = theme.tokens
        rect = self.rect().toRectF().adjusted(1, 1, -1, -1)
        border = QColor(tokens.border_strong)
        if self.isChecked():
            painter.setBrush(soft(self.label.colour, theme.scheme))
            border = colour
        elif self.isEnabled() and (self.underMouse() or self.isDown()):
            painter.setBrush(QColor(tokens.surface_press if self.isDown() else tokens.surface_alt))
        else:
            painter.setBrush(QColor(tokens.surface))
        focused = self.hasFocus()
        width = 2.0 if focused or self.isChecked() else 1.0
        painter.setPen(QPen(QColor(tokens.accent) if focused else border, width))
        painter.drawRoundedRect(rect, 8, 8)

    def _paint_key(self, painter: QPainter) -> None:
        tokens = Theme.current().tokens
        cap = QRectF(self.width() - 34, self.height() / 2 - 11, 22, 22)
        painter.setPen(QPen(QColor(tokens.border_strong), 1.0))
        painter.setBrush(QColor(tokens.surface_alt))
        painter.drawRoundedRect(cap, 5, 5)
        painter.setPen(QColor(tokens.text_muted))
        font = painter.font()
        font.setPixelSize(12)
        painter.setFont(font)
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, self.label.key.upper())
