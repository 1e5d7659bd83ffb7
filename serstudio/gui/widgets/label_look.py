"""How a label is drawn everywhere: its symbol in its colour, its name, its key."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from serstudio.gui.theme import Theme
from serstudio.gui.tokens import Scheme, tokens_for
from serstudio.gui.widgets.text import ElidedText, Role


def readable(colour: str, scheme: Scheme) -> QColor:
    """The label's own colour, mixed with black or white just enough to be seen on the theme's ground."""
    ground = QColor(tokens_for(scheme).surface)
    towards = QColor("#ffffff" if scheme is Scheme.DARK else "#000000")
    for step in range(10):
        shown = mixed(QColor(colour), towards, step * 0.08)
        if contrast(shown, ground) >= 3.2:
            break
    return shown


def mixed(first: QColor, second: QColor, share: float) -> QColor:
    """`first` with so much of `second` over it, 0 to 1."""
    return QColor.fromRgbF(
        first.redF() + (second.redF() - first.redF()) * share,
        first.greenF() + (second.greenF() - first.greenF()) * share,
        first.blueF() + (second.blueF() - first.blueF()) * share,
    )


def clearest(colours: Sequence[QColor], ground: QColor) -> QColor:
    """The one that is read best on `ground`."""
    return max(colours, key=lambda colour: contrast(colour, ground))


def contrast(first: QColor, second: QColor) -> float:
    """Contrast ratio of two colours after WCAG 2, from 1 to 21."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: QColor) -> float:
    channels = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def soft(colour: str, scheme: Scheme) -> QColor:
    """A faint ground in the label's colour."""
    shown = readable(colour, scheme)
    shown.setAlphaF(0.20 if scheme is Scheme.DARK else 0.13)
    return shown


def paint_symbol(painter: QPainter, rect: QRectF, symbol: str, colour: QColor) -> None:
    """Draw `symbol` so that it fills `rect`, whatever its size is in the font that has it."""
    path = QPainterPath()
    font = QFont(painter.font())
    font.setPixelSize(48)
    path.addText(QPointF(0, 0), font, symbol)
    bounds = path.boundingRect()
    if bounds.width() < 1 or bounds.height() < 1:  # an emoji is a picture, not a path
        font.setPixelSize(max(8, round(rect.height())))
        painter.setFont(font)
        painter.setPen(colour)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, symbol)
        return
    scale = min(rect.width() / bounds.width(), rect.height() / bounds.height())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(rect.center())
    painter.scale(scale, scale)
    painter.translate(-bounds.center())
    painter.fillPath(path, colour)
    painter.restore()


class Symbol(QWidget):
    """The symbol of a label, in its colour."""

    def __init__(self, symbol: str, colour: str, size: int = 14) -> None:
        super().__init__()
        self._symbol, self._colour = symbol, colour
        self.setFixedSize(size, size)

    def set_look(self, symbol: str, colour: str) -> None:
        self._symbol, self._colour = symbol, colour
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        inset = self.rect().toRectF().adjusted(1, 1, -1, -1)
        paint_symbol(painter, inset, self._symbol, readable(self._colour, Theme.current().scheme))


class LabelName(QWidget):
    """Symbol and name in a line."""

    def __init__(self, name: str, symbol: str, colour: str, role: Role = Role.BODY) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        self.symbol = Symbol(symbol, colour)
        self.name = ElidedText(name, role)
        layout.addWidget(self.symbol)
        layout.addWidget(self.name, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(22 + self.name.sizeHint().width(), 22)


def text_width(font: QFont, text: str) -> float:
    return QFontMetricsF(font).horizontalAdvance(text)
