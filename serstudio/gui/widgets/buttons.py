"""Buttons by their weight, and a button that says why it is disabled."""

from enum import Enum

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from serstudio.gui.icons import icon
from serstudio.gui.widgets.text import Role, make_text


class Kind(Enum):
    """The weight of a button: one primary a screen."""

    PRIMARY = "primary"
    NORMAL = "normal"
    GHOST = "ghost"
    LINK = "link"
    DANGER = "danger"
    ROW = "row"
    RECORD = "record"


_ICON_TOKEN = {Kind.PRIMARY: "on_accent", Kind.DANGER: "danger", Kind.RECORD: "danger", Kind.LINK: "accent_text"}


def with_shortcut(text: str, shortcut: str) -> str:
    """A tooltip that names the shortcut in the system's own spelling: "Undo (Ctrl+Z)"."""
    if not shortcut:
        return text
    native = QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)
    return f"{text} ({native})"


def make_button(
    text: str,
    kind: Kind = Kind.NORMAL,
    icon_name: str = "",
    *,
    tip: str = "",
    shortcut: str = "",
    name: str = "",
) -> QPushButton:
    """A button; `name` is its accessible name where the text alone does not say it (icon only)."""
    button = QPushButton(text)
    button.setProperty("kind", kind.value)
    button.setAutoDefault(False)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a ring after a mouse click would be noise
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    if icon_name:
        set_icon(button, icon_name, kind)
    if not text:
        button.setFixedWidth(36)
    said = name or text
    button.setAccessibleName(said)
    button.setToolTip(with_shortcut(tip or (said if not text or shortcut else ""), shortcut))
    return button


def set_icon(button: QPushButton, icon_name: str, kind: Kind = Kind.NORMAL) -> None:
    """Give a button a line icon in the colour of its kind."""
    button.setIcon(icon(icon_name, _ICON_TOKEN.get(kind, "text_muted")))
    button.setIconSize(QSize(18, 18))


class ReasonedButton(QWidget):
    """A button and, below it, the reason in words while it is disabled."""

    def __init__(self, button: QPushButton) -> None:
        super().__init__()
        self.button = button
        self._tip = button.toolTip()
        self.reason_line = make_text("", Role.REASON, wrap=True)
        self.reason_line.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.reason_line)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    def set_reason(self, reason: str | None) -> None:
        """Disable with `reason`, or enable with None."""
        self.button.setEnabled(reason is None)
        self.button.setToolTip(reason or self._tip)
        self.button.setAccessibleDescription(reason or "")
        self.reason_line.setText(reason or "")
        self.reason_line.setVisible(bool(reason))

    def reason(self) -> str | None:
        return self.reason_line.text() or None
