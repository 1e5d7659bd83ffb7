"""The Models page."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QVBoxLayout

from engine.errors import SerStudioError
from engine.systems.catalogue import CATALOGUE
from serstudio.gui.bridge.bases import BaseShelf, Work
from serstudio.gui.dialogs.add_base import AddBaseDialog
from serstudio.gui.dialogs.confirm import ConfirmDialog
from serstudio.gui.dialogs.question import Question
from serstudio.gui.screens.models.base_card import BaseCard
from serstudio.gui.screens.models.words import download_question, free_bytes, remove_question
from serstudio.gui.screens.models.work_row import WorkRow
from serstudio.gui.widgets.banner import Banner, Tone
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.layout import Card, Page
from serstudio.gui.widgets.text import Role, make_text
from serstudio.gui.widgets.toast import Toast
from serstudio.usecases.base_requests import BaseState
from serstudio.usecases.events import Progress, Warned
from serstudio.wording import listed

_OURS = (BaseState.BUNDLED, BaseState.INSTALLED)
_ADD_TIP = "From a USB stick, say, without a network"
_SUBTITLE = (
    "What adapting starts from. The one that comes with SER Studio is small and quick. Bigger ones have heard more "
    "speech; they want more time and memory."
)
_SYSTEMS = (
    f"The networks of {listed([system.title for system in CATALOGUE.values()])} come with SER Studio too. They are "
    "not listed here: choose the method in Adapt, or try them all in Compare."
)


class ModelsScreen(Page):
    """Cards of what is here and of what can be downloaded. `versions_from` tells which of the open project's
    versions were adapted from a base."""

    back_requested = Signal()

    def __init__(self, shelf: BaseShelf, versions_from: Callable[[str], Sequence[int]]) -> None:
        super().__init__("Models", _SUBTITLE)
        self._shelf = shelf
        self._versions_from = versions_from
        self.cards: dict[str, BaseCard] = {}
        self.back = make_button("Back", Kind.GHOST, "arrow-left", tip="Back to where you were", shortcut="Esc")
        self.back.setShortcut("Esc")
        self.add_button = make_button("Add from a folder…", Kind.NORMAL, "folder", tip=_ADD_TIP)
        self.banner = Banner()
        self.toast = Toast(self)
        self.adding = Card("Adding a model")
        self.adding_row = WorkRow("the model that is added")
        self.here, self.offered = QVBoxLayout(), QVBoxLayout()
        self.here_heading = make_text("On this computer", Role.OVERLINE)
        self.offered_heading = make_text("Can be downloaded", Role.OVERLINE)
        self.looking = make_text("Looking at what is here…", Role.MUTED)
        self._build()
        shelf.changed.connect(self.on_shelf_changed)
        shelf.progressed.connect(self.on_progressed)
        self.on_shelf_changed()

    def _build(self) -> None:
        self.body.insertWidget(0, self.back, 0, Qt.AlignmentFlag.AlignLeft)
        self.header.addWidget(self.add_button, 0, Qt.AlignmentFlag.AlignTop)
        self.adding.add(self.adding_row)
        self.adding.hide()
        for item in (self.banner, self.looking, self.adding, self.here_heading):
            self.add(item)
        self.add(self.here)
        self.add(make_text(_SYSTEMS, Role.CAPTION, wrap=True))
        self.add(self.offered_heading)
        self.add(self.offered)
        words = (
            "SER Studio uses the network for a download that you start here, and for nothing else. On a machine "
            "without one, add a model from a folder."
        )
        self.add(make_text(words, Role.CAPTION, wrap=True))
        self.close_column()
        for layout in (self.here, self.offered):
            layout.setSpacing(12)
        self.back.clicked.connect(self.back_requested)
        self.add_button.clicked.connect(self.on_add_clicked)
        self.adding_row.cancel_pressed.connect(self._shelf.cancel)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._shelf.refresh()

    # --- what is shown -----------------------------------------------------------------------------

    def on_shelf_changed(self) -> None:
        if self._shelf.listed is not None:
            self._place_cards()
        reason = self._shelf.reason()
        self.add_button.setEnabled(reason is None)
        self.add_button.setToolTip(reason or _ADD_TIP)
        for card in self.cards.values():
            card.set_reason(reason)
        self.on_progressed(self._shelf.last_progress)

    def _place_cards(self) -> None:
        assert self._shelf.listed is not None
        bases = self._shelf.listed.bases
        for name in set(self.cards) - {base.name for base in bases}:
            card = self.cards.pop(name)
            card.hide()
            card.deleteLater()
        places = {self.here: 0, self.offered: 0}
        for base in bases:
            layout = self.here if base.state in _OURS else self.offered
            layout.insertWidget(places[layout], self._card(base.name))
            self.cards[base.name].show_base(base)
            places[layout] += 1
        self.looking.hide()
        self.here_heading.setVisible(places[self.here] > 0)
        self.offered_heading.setVisible(places[self.offered] > 0)

    def _card(self, name: str) -> BaseCard:
        if name not in self.cards:
            base = self._shelf.find(name)
            assert base is not None
            card = self.cards[name] = BaseCard(base)
            card.pressed.connect(self.on_pressed)
            card.cancel_pressed.connect(self._shelf.cancel)
        return self.cards[name]

    def on_progressed(self, progress: Progress | None) -> None:
        shelf = self._shelf
        for name, card in self.cards.items():
            card.show_work(shelf.work if name == shelf.name and shelf.work is not Work.ADD else None, progress)
        is_adding = shelf.work is Work.ADD
        self.adding.heading.setText(f"Adding {shelf.name}")
        self.adding.setVisible(is_adding)
        self.adding_row.show_work(shelf.work if is_adding else None, progress)

    def show_error(self, error: SerStudioError) -> None:
        self.banner.show_message(error.message, error.hint, Tone.DANGER)
        self.scroller.ensureWidgetVisible(self.banner)

    def show_warning(self, warned: Warned) -> None:
        self.banner.show_message(warned.message, warned.hint, Tone.WARNING)

    # --- what is asked -----------------------------------------------------------------------------

    def on_pressed(self, work: Work, name: str) -> None:
        base = self._shelf.find(name)
        if base is None or self._shelf.listed is None:
            return
        self.banner.hide()
        if work is Work.DOWNLOAD:
            store = self._shelf.listed.store
            self._ask(download_question(base, store, free_bytes(store)), partial(self._shelf.download, name))
        elif work is Work.REMOVE:
            self._ask(remove_question(base, self._versions_from(name)), partial(self._shelf.remove, name))
        else:
            self._shelf.check(name)

    def _ask(self, question: Question, do: Callable[[], None]) -> None:
        dialog = ConfirmDialog(question, self)
        dialog.accepted.connect(do)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def on_add_clicked(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of the model", str(Path.home()))
        if folder:
            self.add_folder(Path(folder))

    def add_folder(self, folder: Path) -> None:
        """Ask for its name, and add it."""
        self.banner.hide()
        store = self._shelf.listed.store if self._shelf.listed is not None else None
        dialog = AddBaseDialog(folder, store, self)
        dialog.accepted.connect(self.on_add_accepted)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def on_add_accepted(self) -> None:
        dialog = self.sender()
        if isinstance(dialog, AddBaseDialog):
            self._shelf.add(dialog.request)
