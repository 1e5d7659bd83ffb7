"""A small pop-up to choose a label's colour and symbol."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QGridLayout, QVBoxLayout, QWidget

from serstudio.gui.theme import Theme
from serstudio.gui.widgets.label_look import paint_symbol, readable
from serstudio.gui.widgets.text import Role, make_text
from serstudio.project.palette import COLOURS, SYMBOLS

_COLOUR_NAMES = dict(
    zip(
        COLOURS,
        ("blue", "orange", "teal", "magenta", "cyan", "red", "olive", "purple", "gold", "green", "slate", "grey"),
        strict=False,
    )
)


class LookSwatch(QAbstractButton):
    """A square that shows a symbol in a colour."""

    def __init__(self, symbol: str, colour: str, name: str, size: int = 32) -> None:
        super().__init__()
        self.symbol, self.colour = symbol, colour
        self.setFixedSize(QSize(size, size))
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_look(self, symbol: str, colour: str) -> None:
        self.symbol, self.colour = symbol, colour
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = Theme.current()
        tokens = theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = self.rect().toRectF().adjusted(1, 1, -1, -1)
        painter.setBrush(QColor(tokens.surface_press if self.underMouse() else tokens.surface_alt))
        edge = QColor(tokens.accent if self.hasFocus() else tokens.border)
        painter.setPen(QPen(edge, 2 if self.hasFocus() else 1))
        painter.drawRoundedRect(rect, 8, 8)
        inset = self.width() * 0.27
        inner = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        paint_symbol(painter, inner, self.symbol, readable(self.colour, theme.scheme))


class LookPicker(QFrame):
    """Opens below `anchor`; each choice is told at once and the pop-up stays until it is left."""

    colour_chosen = Signal(str)
    symbol_chosen = Signal(str)

    def __init__(self, anchor: QWidget, symbol: str, colour: str) -> None:
        super().__init__(anchor, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("role", "card")
        self._symbol, self._colour = symbol, colour
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        self._symbol_swatches = [LookSwatch(each, colour, f"symbol {each}") for each in SYMBOLS]
        self._colour_swatches = [LookSwatch(symbol, each, _COLOUR_NAMES.get(each, each)) for each in COLOURS]
        for title, swatches in (("Symbol", self._symbol_swatches), ("Colour", self._colour_swatches)):
            layout.addWidget(make_text(title, Role.OVERLINE))
            grid = QGridLayout()
            grid.setSpacing(4)
            for index, swatch in enumerate(swatches):
                grid.addWidget(swatch, index // 6, index % 6)
                swatch.clicked.connect(self.on_swatch_clicked)
            layout.addLayout(grid)
        self.move(anchor.mapToGlobal(anchor.rect().bottomLeft()))

    def on_swatch_clicked(self) -> None:
        swatch = self.sender()
        if not isinstance(swatch, LookSwatch):
            return
        if swatch in self._symbol_swatches:
            self._symbol = swatch.symbol
            self.symbol_chosen.emit(swatch.symbol)
        else:
            self._colour = swatch.colour
            self.colour_chosen.emit(swatch.colour)
        for each in self._symbol_swatches:
            each.set_look(each.symbol, self._colour)
        for each in self._colour_swatches:
            each.set_look(self._symbol, each.colour)
