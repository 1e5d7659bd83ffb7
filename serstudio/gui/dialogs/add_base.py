"""Adding a model from a folder: where it lies, and what it shall be called."""

from pathlib import Path

from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from serstudio.gui.dialogs.fitted import FittedDialog
from serstudio.gui.widgets.buttons import Kind, ReasonedButton, make_button
from serstudio.gui.widgets.layout import column, row
from serstudio.gui.widgets.text import ElidedText, Role, make_text
from serstudio.usecases.base_requests import AddBase


class AddBaseDialog(FittedDialog):
    """Accepted with a `request` to make."""

    def __init__(self, folder: Path, store: Path | None, parent: QWidget | None = None) -> None:
        super().__init__("Add a model", parent)
        self._folder = folder
        self.name_line = QLineEdit(folder.name)
        self.name_line.setAccessibleName("Name of the model")
        self.add = ReasonedButton(make_button("Add it", Kind.PRIMARY))
        self.add.button.setDefault(True)
        self.cancel = make_button("Not now")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(16)
        layout.addWidget(make_text("Add a model", Role.TITLE))
        words = (
            "Its files are copied, so a stick may be taken out again afterwards, and tried: it must be a model of the "
            "wav2vec2 family, or a base that serstudio metatrain made. Pickled weights are rewritten as safetensors."
        )
        layout.addWidget(make_text(words, Role.MUTED, wrap=True))
        layout.addLayout(column(make_text("From", Role.STRONG), ElidedText(str(folder)), spacing=4))
        if store is not None:
            layout.addLayout(column(make_text("Kept in", Role.STRONG), ElidedText(str(store)), spacing=4))
        hint = make_text("As lists and the command line call it.", Role.CAPTION, wrap=True)
        layout.addLayout(column(make_text("Name", Role.STRONG), self.name_line, hint, spacing=4))
        layout.addLayout(row(self.add, 1, self.cancel))
        self.name_line.textChanged.connect(self.on_edited)
        self.add.button.clicked.connect(self.accept)
        self.cancel.clicked.connect(self.reject)
        self.name_line.selectAll()
        self.name_line.setFocus()
        self.on_edited()

    def on_edited(self) -> None:
        self.add.set_reason(None if self.name_line.text().strip() else "Give the model a name.")

    @property
    def request(self) -> AddBase:
        """The folder's own name is left for the store to make fit."""
        name = self.name_line.text().strip()
        return AddBase(self._folder, None if name == self._folder.name else name)
