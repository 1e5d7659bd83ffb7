"""Labels by their role in the type scale, and a label that shortens itself to its width."""

from enum import Enum

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget


class Role(Enum):
    """How a piece of text looks; the style sheet knows these names."""

    BODY = "body"
    DISPLAY = "display"
    TITLE = "title"
    HEADING = "heading"
    STRONG = "strong"
    MUTED = "muted"
    CAPTION = "caption"
    OVERLINE = "overline"
    BADGE = "badge"
    WARNING = "warning"
    DANGER = "danger"
    SUCCESS = "success"
    REASON = "reason"
    CODE = "code"
    CLOCK = "clock"


def make_text(text: str = "", role: Role = Role.BODY, *, wrap: bool = False, select: bool = False) -> QLabel:
    """A plain-text label (never rich text: names of files and labels are shown as they are)."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("role", role.value)
    if wrap:
        label.setWordWrap(True)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        label.setSizePolicy(policy)
    if select:
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def restyle(widget: QWidget, name: str, value: object) -> None:
    """Set a style-sheet property and make the style look at it again."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


class ElidedText(QLabel):
    """One line that ends in an ellipsis where it does not fit; the whole text is in its tooltip, above `tip`."""

    def __init__(
        self,
        text: str = "",
        role: Role = Role.BODY,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        tip: str = "",
    ) -> None:
        super().__init__()
        self._full = ""
        self._tip = tip
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role.value)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_full_text(text)

    def full_text(self) -> str:
        return self._full

    def set_full_text(self, text: str) -> None:
        self._full = text
        self.setAccessibleName(text)
        self._elide()

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        width = QFontMetrics(self.font()).horizontalAdvance(self._full) + 4
        return QSize(width, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._elide()

    def _elide(self) -> None:
        shown = QFontMetrics(self.font()).elidedText(self._full, self._mode, max(self.width(), 24))
        if shown != self.text():
            self.setText(shown)
        whole = self._full if shown != self._full else ""
        self.setToolTip("\n".join(part for part in (whole, self._tip) if part))
