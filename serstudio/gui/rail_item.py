"""One step in the rail: its icon, name, next action and state."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from serstudio.gui.icons import paint_icon
from serstudio.gui.steps import Step, StepState, StepStatus
from serstudio.gui.theme import Theme
from serstudio.gui.widgets.buttons import with_shortcut

WIDTH = 240
ITEM_HEIGHT = 66


def two_lines(text: str, metrics: QFontMetrics, width: int) -> list[str]:
    """`text` broken at a comma, or else a space, into at most two lines, the second shortened with an ellipsis."""
    if metrics.horizontalAdvance(text) <= width:
        return [text]
    gap = ", " if ", " in text else " "  # "sadness 5/5" stays together
    words = text.split(gap)
    first = words[0]
    used = 1
    while used < len(words) and metrics.horizontalAdvance(f"{first}{gap}{words[used]}") <= width:
        first = f"{first}{gap}{words[used]}"
        used += 1
    elide = Qt.TextElideMode.ElideRight
    rest = gap.join(words[used:])
    first = first + gap.strip() if rest else first
    lines = [metrics.elidedText(first, elide, width)]
    return [*lines, metrics.elidedText(rest, elide, width)] if rest else lines


class RailItem(QAbstractButton):
    """One step; checked while its screen is open."""

    def __init__(self, step: Step, shortcut: str) -> None:
        super().__init__()
        self.step = step
        self._status = StepStatus(StepState.NOT_YET, "")
        self._shortcut = shortcut
        self.setText(step.value)
        self.setCheckable(True)
        self.setFixedHeight(ITEM_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    @property
    def status(self) -> StepStatus:
        return self._status

    def set_status(self, status: StepStatus) -> None:
        if status == self._status:
            return
        self._status = status
        self.setAccessibleName(f"{self.step.value}, {status.state.value}")
        self.setAccessibleDescription(status.action)
        self.setToolTip(with_shortcut(f"{self.step.value}: {status.action}", self._shortcut))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH - 24, ITEM_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = Theme.current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter)
        muted = self._status.state is StepState.NOT_YET and not self.isChecked()
        colour = tokens.accent_text if self.isChecked() else tokens.text_muted
        paint_icon(painter, self.step.value.lower(), QRectF(12, 11, 20, 20), colour)
        font = painter.font()
        font.setPixelSize(14)
        font.setWeight(font.Weight.DemiBold if self.isChecked() else font.Weight.Medium)
        painter.setFont(font)
        painter.setPen(QColor(tokens.text_muted if muted else tokens.text))
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(42, 9, self.width() - 74, 20), left, self.step.value)
        font.setPixelSize(12)
        font.setWeight(font.Weight.Normal)
        painter.setFont(font)
        painter.setPen(QColor(tokens.text_faint if muted else tokens.text_muted))
        metrics = painter.fontMetrics()
        for line, words in enumerate(two_lines(self._status.action, metrics, self.width() - 42 - 10)):
            painter.drawText(QRectF(42, 28 + line * 15, self.width() - 50, 15), left, words)
        self._paint_state(painter)

    def _paint_ground(self, painter: QPainter) -> None:
        tokens = Theme.current().tokens
        rect = self.rect().toRectF().adjusted(1, 1, -1, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.isChecked():
            painter.setBrush(QColor(tokens.surface))
            painter.setPen(QPen(QColor(tokens.border), 1))
        elif self.underMouse():
            painter.setBrush(QColor(tokens.surface_press))
        else:
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(rect, 8, 8)
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent))
            painter.drawRoundedRect(QRectF(1, 14, 3, self.height() - 28), 1.5, 1.5)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.accent), 2))
            painter.drawRoundedRect(rect, 8, 8)

    def _paint_state(self, painter: QPainter) -> None:
        tokens = Theme.current().tokens
        spot = QRectF(self.width() - 30, 11, 16, 16)
        state = self._status.state
        if state is StepState.DONE:
            paint_icon(painter, "tick", spot, tokens.success)
        elif state is StepState.READY:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.accent))
            painter.drawEllipse(spot.center(), 4, 4)
        elif state is StepState.BUSY:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.border_strong), 2.5))
            painter.drawEllipse(spot.adjusted(1, 1, -1, -1))
            painter.setPen(QPen(QColor(tokens.accent), 2.5))
            share = 0.25 if self._status.fraction is None else self._status.fraction
            painter.drawArc(spot.adjusted(1, 1, -1, -1), 90 * 16, round(-360 * 16 * share))
        else:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.border_strong), 1.5))
            painter.drawEllipse(spot.center(), 4, 4)
