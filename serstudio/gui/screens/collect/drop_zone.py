"""The large target for files and folders, and the buttons that do the same."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout

from serstudio.gui.widgets.buttons import Kind, ReasonedButton, make_button
from serstudio.gui.widgets.empty_state import RoundIcon
from serstudio.gui.widgets.layout import row
from serstudio.gui.widgets.text import Role, make_text, restyle


class DropZone(QFrame):
    """The window takes the drop itself, wherever it falls; this shows where it goes."""

    files_requested = Signal()
    folder_requested = Signal()
    manifest_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "drop")
        self.setProperty("hot", "false")
        self.heading = make_text("Drop recordings here", Role.HEADING)
        words = make_text(
            "Files or whole folders, anywhere in this window: wav, flac, mp3, ogg, opus, m4a, aac, amr, 3gp, mp4.",
            Role.MUTED,
            wrap=True,
        )
        words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.files = ReasonedButton(
            make_button("Choose files…", Kind.PRIMARY, "file", tip="Choose audio files", shortcut="Ctrl+I")
        )
        self.folder = make_button("Folder…", Kind.NORMAL, "folder", tip="Choose a folder, with all below it")
        self.manifest = make_button(
            "CSV list…", Kind.NORMAL, "table", tip="A CSV with the columns file, label, speaker"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(8)
        centre = Qt.AlignmentFlag.AlignHCenter
        layout.addStretch(1)
        layout.addWidget(RoundIcon("collect", 52), 0, centre)
        layout.addSpacing(4)
        layout.addWidget(self.heading, 0, centre)
        layout.addWidget(words)
        layout.addSpacing(8)
        layout.addLayout(row(1, self.files, self.folder, self.manifest, 1))
        layout.addStretch(1)
        self.files.button.clicked.connect(self.files_requested)
        self.folder.clicked.connect(self.folder_requested)
        self.manifest.clicked.connect(self.manifest_requested)

    def set_hot(self, *, hot: bool) -> None:
        """While something is dragged over the window."""
        restyle(self, "hot", "true" if hot else "false")
        self.heading.setText("Let go to add them" if hot else "Drop recordings here")

    def set_reason(self, reason: str | None) -> None:
        self.files.set_reason(reason)
        for button in (self.folder, self.manifest):
            button.setEnabled(reason is None)
            button.setToolTip(reason or button.text())
