"""What a place shows while it has nothing: what it is for, and the one thing to do next."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from serstudio.gui.icons import paint_icon
from serstudio.gui.theme import Theme
from serstudio.gui.widgets.layout import row
from serstudio.gui.widgets.text import Role, make_text


class RoundIcon(QWidget):
    """A line icon on a soft round ground."""

    def __init__(self, name: str, size: int = 56, *, ground: str = "accent_soft", token: str = "accent_text") -> None:
        super().__init__()
        self._name, self._ground, self._token = name, ground, token
        self.setFixedSize(size, size)

    def set_look(self, name: str, ground: str, token: str) -> None:
        self._name, self._ground, self._token = name, ground, token
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = Theme.current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(str(getattr(tokens, self._ground))))
        painter.drawEllipse(self.rect())
        inset = self.width() * 0.28
        rect = self.rect().toRectF().adjusted(inset, inset, -inset, -inset)
        paint_icon(painter, self._name, rect, str(getattr(tokens, self._token)))


class EmptyState(QWidget):
    """Icon, heading, a sentence, and the buttons given."""

    def __init__(self, icon_name: str, heading: str, words: str, *buttons: QPushButton) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 32, 24, 32)
        layout.setSpacing(8)
        centre = Qt.AlignmentFlag.AlignHCenter
        self.heading = make_text(heading, Role.HEADING)
        self.words = make_text(words, Role.MUTED, wrap=True)
        self.words.setAlignment(centre)
        self.words.setFixedWidth(420)
        layout.addStretch(1)
        layout.addWidget(RoundIcon(icon_name), 0, centre)
        layout.addSpacing(8)
        layout.addWidget(self.heading, 0, centre)
        layout.addLayout(row(1, self.words, 1))  # an aligned item would not get the height of its lines
        if buttons:
            layout.addSpacing(8)
        for button in buttons:
            layout.addWidget(button, 0, centre)
        layout.addStretch(1)
