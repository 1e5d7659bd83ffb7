"""A level meter: RMS bar, peak line, the -6 dB mark to stay under, and a clip light that holds."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from serstudio.gui.theme import Theme

FLOOR_DBFS = -60.0
MARK_DBFS = -6.0
FALL_DB = 1.6  # a tick of the display: the bar falls more slowly than it rises
_CLIP_WIDTH = 40


class LevelMeter(QWidget):
    """Fed with `show_level`; a click on the clip light emits `clip_reset`."""

    clip_reset = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._rms_dbfs = self._peak_dbfs = FLOOR_DBFS
        self._clipped = False
        self._active = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(40)
        self.setAccessibleName("Input level")
        self.setToolTip("Speak so that the peaks reach the mark at -6 dB. Click CLIP to reset it.")

    def sizeHint(self) -> QSize:
        return QSize(320, 40)

    @property
    def clipped(self) -> bool:
        return self._clipped

    def set_active(self, active: bool) -> None:
        self._active = active
        if not active:
            self._rms_dbfs = self._peak_dbfs = FLOOR_DBFS
            self._clipped = False
        self.update()

    def show_level(self, peak_dbfs: float, rms_dbfs: float, clipped: bool) -> None:
        self._peak_dbfs = max(peak_dbfs, self._peak_dbfs - FALL_DB, FLOOR_DBFS)
        self._rms_dbfs = max(rms_dbfs, self._rms_dbfs - FALL_DB * 1.5, FLOOR_DBFS)
        self._clipped = clipped
        state = "clipped" if clipped else "loud" if peak_dbfs > MARK_DBFS else "in range"
        self.setAccessibleDescription(f"peak {self._peak_dbfs:.0f} decibels, {state}")
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.position().x() > self.width() - _CLIP_WIDTH - 8:
            self.clip_reset.emit()

    def _x(self, dbfs: float) -> float:
        span = self.width() - _CLIP_WIDTH - 12
        return span * (min(max(dbfs, FLOOR_DBFS), 0.0) - FLOOR_DBFS) / -FLOOR_DBFS

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = Theme.current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        full = QRectF(0, 4, self._x(0.0), 12)
        painter.setBrush(QColor(tokens.surface_press))
        painter.drawRoundedRect(full, 4, 4)
        if self._active and self._rms_dbfs > FLOOR_DBFS:
            over = self._peak_dbfs > MARK_DBFS
            painter.setBrush(QColor(tokens.warning if over else tokens.success))
            painter.drawRoundedRect(QRectF(0, 4, self._x(self._rms_dbfs), 12), 4, 4)
            painter.drawRect(QRectF(self._x(self._peak_dbfs) - 1, 4, 2, 12))
        self._paint_scale(painter)
        self._paint_clip(painter)

    def _paint_scale(self, painter: QPainter) -> None:
        tokens = Theme.current().tokens
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        marks = (-60, -40, -20, -6) if self.width() > 300 else (-60, -24, -6)
        for dbfs in marks:
            strong = dbfs == MARK_DBFS
            x = self._x(dbfs)
            painter.fillRect(
                QRectF(x - 0.75, 1 if strong else 16, 1.5, 18 if strong else 4),
                QColor(tokens.text if strong else tokens.border_strong),
            )
            painter.setPen(QColor(tokens.text if strong else tokens.text_faint))
            flags = Qt.AlignmentFlag.AlignTop
            flags |= Qt.AlignmentFlag.AlignLeft if dbfs == FLOOR_DBFS else Qt.AlignmentFlag.AlignHCenter
            left = x if dbfs == FLOOR_DBFS else x - 30
            painter.drawText(QRectF(left, 22, 60, 16), flags, f"{dbfs} dB")
        painter.setPen(Qt.PenStyle.NoPen)

    def _paint_clip(self, painter: QPainter) -> None:
        tokens = Theme.current().tokens
        light = QRectF(self.width() - _CLIP_WIDTH, 1, _CLIP_WIDTH - 1, 18)
        painter.setBrush(QColor(tokens.danger if self._clipped else tokens.surface_press))
        painter.drawRoundedRect(light, 4, 4)
        painter.setPen(QColor(tokens.surface if self._clipped else tokens.text_faint))
        painter.drawText(light, Qt.AlignmentFlag.AlignCenter, "CLIP")
