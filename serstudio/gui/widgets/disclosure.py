"""A part that is folded away until it is wanted (Advanced)."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from serstudio.gui.widgets.buttons import Kind, make_button, set_icon


class Disclosure(QWidget):
    """A heading with an arrow, and a body that it shows and hides."""

    def __init__(self, heading: str, body: QWidget) -> None:
        super().__init__()
        self._body = body
        self.button = make_button(heading, Kind.GHOST, "chevron-right")
        self.button.setCheckable(True)
        self.button.toggled.connect(self.on_toggled)
        body.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(body)

    def on_toggled(self, open_: bool) -> None:
        set_icon(self.button, "chevron-down" if open_ else "chevron-right")
        self.button.setAccessibleDescription("open" if open_ else "folded")
        self._body.setVisible(open_)
