"""A line icon on its own, in the theme's colour of the moment."""

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from serstudio.gui.icons import paint_icon
from serstudio.gui.theme import Theme


class IconView(QWidget):
    """Decoration: it has no accessible name, for the text beside it says the same."""

    def __init__(self, name: str, token: str = "text_faint", size: int = 20) -> None:
        super().__init__()
        self._name, self._token = name, token
        self.setFixedSize(size, size)

    def set_look(self, name: str, token: str) -> None:
        self._name, self._token = name, token
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colour = str(getattr(Theme.current().tokens, self._token))
        paint_icon(QPainter(self), self._name, self.rect().toRectF(), colour)
