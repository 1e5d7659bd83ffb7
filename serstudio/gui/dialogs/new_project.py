"""A new project: a name, a language, the labels, and the folder they will live in."""

from pathlib import Path

from PySide6.QtCore import QFileInfo, QStandardPaths
from PySide6.QtWidgets import QDialog, QFileDialog, QLineEdit, QVBoxLayout, QWidget

from engine.errors import SerStudioError
from serstudio.gui.widgets.banner import Banner, Tone
from serstudio.gui.widgets.buttons import Kind, ReasonedButton, make_button
from serstudio.gui.widgets.label_chips import LabelChips
from serstudio.gui.widgets.layout import column, row
from serstudio.gui.widgets.text import ElidedText, Role, make_text
from serstudio.project import Project
from serstudio.usecases import dispatch
from serstudio.usecases.requests import NewProject

SUGGESTION = ("anger", "joy", "sadness", "neutral")
_FORBIDDEN = '<>:"/\\|?*'


def projects_home() -> Path:
    """Where new projects go unless the user says otherwise: Documents, or home."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return (Path(place) if place else Path.home()) / "SER Studio"


def folder_name(name: str) -> str:
    """`name` as a folder name that every system takes, in its own script."""
    kept = "".join(" " if letter in _FORBIDDEN or ord(letter) < 32 else letter for letter in name)
    return " ".join(kept.split()).strip(". ") or "project"


def free_folder(folder: Path) -> Path:
    """`folder`, with a number after it if there is something of that name.

    Where that cannot be seen it is `folder`: whoever makes it tells what is wrong.
    """
    number, candidate = 2, folder
    while QFileInfo(str(candidate)).exists():
        candidate = folder.with_name(f"{folder.name} {number}")
        number += 1
    return candidate


class NewProjectDialog(QDialog):
    """Creates the project itself; `created_folder` tells where."""

    def __init__(self, parent: QWidget | None = None, home: Path | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New project")
        self.setMinimumWidth(560)
        self.created_folder: Path | None = None
        self._home = home or projects_home()
        self._chosen: Path | None = None
        self.name_line = QLineEdit()
        self.name_line.setPlaceholderText("For example: Interviews in Oaxaca")
        self.language_line = QLineEdit()
        self.language_line.setPlaceholderText("For example: Isthmus Zapotec")
        self.chips = LabelChips()
        self.suggest = make_button(f"Use {', '.join(SUGGESTION)}", Kind.LINK)
        self.folder_text = ElidedText("", Role.MUTED)
        self.change = make_button("Change…", Kind.NORMAL, "folder", tip="Choose another place for the folder")
        self.banner = Banner()
        self.cancel = make_button("Cancel")
        self.create_button = ReasonedButton(make_button("Create project", Kind.PRIMARY))
        self.create_button.button.setDefault(True)  # Enter in the name or the language creates
        self._build()
        self.name_line.textChanged.connect(self.on_edited)
        self.language_line.textChanged.connect(self.on_edited)
        self.chips.changed.connect(self.on_edited)
        self.suggest.clicked.connect(self.on_suggest_clicked)
        self.change.clicked.connect(self.on_change_clicked)
        self.cancel.clicked.connect(self.reject)
        self.create_button.button.clicked.connect(self.on_create_clicked)
        self.on_edited()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(16)
        layout.addWidget(make_text("New project", Role.TITLE))
        layout.addWidget(self.banner)
        layout.addLayout(_field("Name", self.name_line))
        layout.addLayout(_field("Language", self.language_line, "For you and your colleagues; any name will do."))
        labels = _field("Labels", self.chips, "The emotions to tell apart. You can change them at any time.")
        labels.addLayout(row(self.suggest, 1))
        layout.addLayout(labels)
        place = column(make_text("Folder", Role.STRONG), row(self.folder_text, self.change), spacing=4)
        layout.addLayout(place)
        layout.addStretch(1)
        foot = row(self.create_button, 1, self.cancel)
        layout.addLayout(foot)
        self.name_line.setAccessibleName("Name of the project")
        self.language_line.setAccessibleName("Language")
        self.name_line.setFocus()

    @property
    def folder(self) -> Path:
        """Where the project will be made."""
        name = folder_name(self.name_line.text())
        if self._chosen is not None:
            return self._chosen
        return free_folder(self._home / name)

    def on_edited(self) -> None:
        named = bool(self.name_line.text().strip())
        self.folder_text.set_full_text(str(self.folder) if named else f"{self._home} / …")
        self.suggest.setVisible(not self.chips.drafts())
        reason = None if named else "Give the project a name."
        self.create_button.set_reason(reason)

    def on_suggest_clicked(self) -> None:
        for name in SUGGESTION:
            self.chips.add(name)

    def on_change_clicked(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Place for the project folder", str(self._home))
        if chosen:
            self.use_folder(Path(chosen))

    def use_folder(self, chosen: Path) -> None:
        """Make the project in `chosen` if it is empty, else in a new folder inside it."""
        try:
            empty = chosen.is_dir() and not any(chosen.iterdir())
        except OSError:  # the banner tells what is wrong when the project is made in it
            empty = False
        self._home, self._chosen = (self._home, chosen) if empty else (chosen, None)
        self.on_edited()

    def on_create_clicked(self) -> None:
        self.chips.on_return_pressed()  # a label that was typed and not entered is meant too
        drafts = self.chips.drafts()
        folder = self.folder
        request = NewProject(
            folder, self.name_line.text(), self.language_line.text(), tuple(draft.name for draft in drafts)
        )
        try:
            for _ in dispatch.run(request):
                pass
            with Project.open(folder) as project:
                for label, draft in zip(project.labels(), drafts, strict=True):
                    if (label.colour, label.symbol) != (draft.colour, draft.symbol):
                        project.edit_label(label.id, colour=draft.colour, symbol=draft.symbol)
        except SerStudioError as error:
            self.banner.show_message(error.message, error.hint, Tone.DANGER)
            return
        self.created_folder = folder
        self.accept()


def _field(name: str, widget: QWidget, hint: str = "") -> QVBoxLayout:
    rows: list[QWidget] = [make_text(name, Role.STRONG), widget]
    if hint:
        rows.append(make_text(hint, Role.CAPTION, wrap=True))
    return column(*rows, spacing=4)
