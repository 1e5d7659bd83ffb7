"""Which base to adapt: one that is here, a folder, or a way to more of them."""

from enum import Enum, auto
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog

from serstudio.base_titles import folder_titles
from serstudio.gui.bridge.bases import BaseShelf
from serstudio.gui.widgets.chooser import ActionChooser
from serstudio.usecases.base_requests import BaseState
from serstudio.usecases.requests import AdaptationChoice

BUNDLED = AdaptationChoice().base
_TIP = "The pre-trained model that adapting starts from"
_HERE = (BaseState.BUNDLED, BaseState.INSTALLED)


class _Action(Enum):
    FOLDER = auto()
    MORE = auto()


class BaseChooser(ActionChooser):
    """Follows the shelf; `base()` is always one that can be asked for."""

    base_changed = Signal()
    more_requested = Signal()  # the Models page

    def __init__(self, shelf: BaseShelf) -> None:
        super().__init__("Base", Qt.TextElideMode.ElideMiddle)  # of folders, the end may tell one from another
        self._shelf = shelf
        self._chosen = BUNDLED
        self._folders: list[str] = []  # chosen by hand; none of them is in the store
        self._note = ""
        shelf.changed.connect(self.refresh)
        self.currentIndexChanged.connect(self.on_index_changed)
        self.activated.connect(self.on_activated)
        self.refresh()

    def base(self) -> str:
        """For `AdaptProject.base`."""
        return self._chosen

    def set_note(self, note: str) -> None:
        """What the method makes of the base, for the tooltip."""
        self._note = note
        self._show_tip()

    def choose(self, base: str) -> None:
        """A base by its name, or a model's folder."""
        if self.findData(base) < 0:
            self._folders.append(base)
            self.refresh()
        self.setCurrentIndex(self.findData(base))

    def refresh(self) -> None:
        """List what is here now. A choice that has gone becomes the bundled base."""
        with QSignalBlocker(self):
            self.clear()
            self._fill()
            self.setCurrentIndex(max(0, self.findData(self._chosen)))
        self.on_index_changed()

    def _fill(self) -> None:
        listed = self._shelf.listed
        if listed is None:
            self.addItem("Compact, comes with SER Studio", BUNDLED)
        for base in listed.bases if listed is not None else ():
            if base.state in _HERE:
                bundled = ", comes with SER Studio" if base.state is BaseState.BUNDLED else ""
                self._add(f"{base.title}{bundled}", base.name, base.words)
        taken = [self.itemText(index) for index in range(self.count())]
        for folder, title in zip(self._folders, folder_titles(self._folders, taken), strict=True):
            self._add(title, folder, folder)
        self.addItem("Another folder…", _Action.FOLDER)
        self.addItem("Get more models…", _Action.MORE)

    def _add(self, title: str, base: str, tip: str) -> None:
        self.addItem(title, base)
        self.setItemData(self.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)

    def _show_tip(self) -> None:
        tip = self.currentData(Qt.ItemDataRole.ToolTipRole) or _TIP
        self.setToolTip("\n".join(part for part in (self._note, tip) if part))

    def on_index_changed(self) -> None:
        self._show_tip()
        data = self.currentData()
        if isinstance(data, str) and data != self._chosen:
            self._chosen = data
            self.base_changed.emit()

    def on_activated(self) -> None:
        """The user's own choice; after an action the base is what it was."""
        action = self.currentData()
        if not isinstance(action, _Action):
            return
        self.setCurrentIndex(max(0, self.findData(self._chosen)))
        if action is _Action.MORE:
            self.more_requested.emit()
            return
        folder = QFileDialog.getExistingDirectory(self, "Folder of a base or a model", str(Path.home()))
        if folder:
            self.choose(folder)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._shelf.listed is None:
            self._shelf.refresh()
