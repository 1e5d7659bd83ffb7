"""A message across the top of a screen: what happened, and how to mend it."""

from enum import Enum

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy

from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.icon_view import IconView
from serstudio.gui.widgets.layout import column
from serstudio.gui.widgets.text import Role, make_text, restyle


class Tone(Enum):
    """How serious a message is."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    DANGER = "danger"


_ICONS = {
    Tone.INFO: ("info", "accent_text"),
    Tone.SUCCESS: ("check", "success"),
    Tone.WARNING: ("alert", "warning"),
    Tone.DANGER: ("alert", "danger"),
}


class Banner(QFrame):
    """Hidden until `show_message`; a closable one has a cross, and `dismissed` tells when it went.

    It must be in a layout before it shows anything: without a parent it would be a window.
    """

    dismissed = Signal()

    def __init__(self, *, closable: bool = True) -> None:
        super().__init__()
        self.setProperty("role", "banner")
        self._icon = IconView("info", "accent_text")
        self.message = make_text("", Role.STRONG, wrap=True)
        self.hint = make_text("", Role.BODY, wrap=True)
        for label in (self.message, self.hint):
            label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.close_button = make_button("", Kind.GHOST, "close", name="Close this message")
        self.close_button.clicked.connect(self.on_close_clicked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 10, 8, 10)
        layout.setSpacing(10)
        layout.addWidget(self._icon)
        layout.addLayout(column(self.message, self.hint, spacing=2), 1)
        layout.addWidget(self.close_button)
        self.close_button.setVisible(closable)
        self.hide()

    def show_message(self, message: str, hint: str = "", tone: Tone = Tone.INFO) -> None:
        self._icon.set_look(*_ICONS[tone])
        self.message.setText(message)
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self.setAccessibleName(f"{message} {hint}".strip())
        restyle(self, "tone", tone.value)
        self.show()

    def on_close_clicked(self) -> None:
        self.hide()
        self.dismissed.emit()
