"""How much of the model the exported folder holds: all of it, or what differs from its base."""

from enum import Enum
from pathlib import Path

from PySide6.QtWidgets import QVBoxLayout, QWidget

from serstudio.gui.widgets.chooser import Chooser
from serstudio.gui.widgets.text import Role, make_text
from serstudio.project import read_version_files
from serstudio.usecases.small_export import needed_words, small_reason, whole_bytes
from serstudio.wording import bytes_in_words


class Contents(Enum):
    """What of the model is exported."""

    WHOLE = "whole"
    WITHOUT_BASE = "without base"


_WHOLE = "Works wherever SER Studio is. The weights of the base are in it."


class ContentsChooser(QWidget):
    """Whole unless the user says otherwise; where the small form is not possible it says why."""

    def __init__(self) -> None:
        super().__init__()
        self.chooser = Chooser("What is in the folder")
        self.words = make_text("", Role.MUTED, wrap=True)
        self.reason_line = make_text("", Role.REASON, wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (make_text("Contents", Role.STRONG), self.chooser, self.words, self.reason_line):
            layout.addWidget(part)
        self._small_words = ""
        self.chooser.currentIndexChanged.connect(self.on_choice)

    def is_whole(self) -> bool:
        return self.chooser.currentData() is not Contents.WITHOUT_BASE

    def show_version(self, folder: Path | None) -> None:
        """Sizes and possibilities of the version in `folder`; back to whole."""
        self.chooser.clear()
        if folder is None:
            return
        files = read_version_files(folder)
        reason = small_reason(files)
        self.chooser.addItem(f"The whole model, about {bytes_in_words(whole_bytes(files))}", Contents.WHOLE)
        if reason is None and files.delta is not None:
            self._small_words = needed_words(files.delta.base)
            self.chooser.addItem(f"Without its base, {bytes_in_words(files.size_bytes)}", Contents.WITHOUT_BASE)
        self.chooser.setEnabled(reason is None)
        self.chooser.setToolTip(reason or "")
        self.chooser.setAccessibleDescription(reason or "")
        self.reason_line.setText(reason or "")
        self.reason_line.setVisible(bool(reason))

    def on_choice(self) -> None:
        self.words.setText(_WHOLE if self.is_whole() else self._small_words)
