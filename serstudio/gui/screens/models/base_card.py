"""One base: what it is, its state, and what can be done with it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton

from serstudio.gui.bridge.bases import Work
from serstudio.gui.screens.models.words import STATE_WORDS, facts_words, source_words
from serstudio.gui.screens.models.work_row import WorkRow
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.layout import Card, column, row
from serstudio.gui.widgets.text import ElidedText, Role, make_text, restyle
from serstudio.usecases.base_requests import BaseDescribed, BaseState
from serstudio.usecases.events import Progress

_TIPS = {
    Work.DOWNLOAD: "Shows size and licence first",
    Work.CHECK: "Read every file and compare its checksum",
    Work.REMOVE: "Delete its files from this computer; asks first",
}


class BaseCard(Card):
    """Shows `base` until it is told another state of it."""

    pressed = Signal(object, str)  # Work, name of the base
    cancel_pressed = Signal()

    def __init__(self, base: BaseDescribed) -> None:
        super().__init__()
        self.base = base
        self.title = make_text("", Role.HEADING)
        self.badge = make_text("", Role.BADGE)
        self.words = make_text("", Role.MUTED, wrap=True)
        self.facts = make_text("", Role.CAPTION, wrap=True)
        self.source = ElidedText("", Role.CAPTION)
        self.download = make_button("Download…", icon_name="collect")
        self.check = make_button("Check files", name=f"Check the files of {base.title}")
        self.remove = make_button("Remove…", Kind.NORMAL, "trash")
        self.work = WorkRow(base.title)
        self._buttons: dict[QPushButton, Work] = {
            self.download: Work.DOWNLOAD,
            self.check: Work.CHECK,
            self.remove: Work.REMOVE,
        }
        head = row(self.title, self.badge, 1, *self._buttons)
        head.setAlignment(self.badge, Qt.AlignmentFlag.AlignVCenter)
        self.add(head)
        self.add(column(self.words, self.facts, self.source, spacing=4))
        self.add(self.work)
        self.work.cancel_pressed.connect(self.cancel_pressed)
        for button in self._buttons:
            button.clicked.connect(self.on_button_clicked)
        self.show_base(base)

    def show_base(self, base: BaseDescribed) -> None:
        self.base = base
        state = base.state
        self.setAccessibleName(base.title)
        self.title.setText(base.title)
        self.badge.setText(STATE_WORDS[state])
        self.badge.setVisible(bool(STATE_WORDS[state]))
        restyle(self.badge, "tone", "warning" if state is BaseState.PARTIAL else "success")
        self.words.setText(base.words)
        self.words.setVisible(bool(base.words))
        self.facts.setText(facts_words(base))
        self.facts.setToolTip(f"Licence: {base.licence}" if base.licence else "")
        self.source.set_full_text(source_words(base))
        self.source.setVisible(bool(base.source))
        partial = state is BaseState.PARTIAL
        self.download.setText("Go on…" if partial else "Download…")
        self.download.setAccessibleName(f"{'Go on downloading' if partial else 'Download'} {base.title}")
        self.remove.setText("Throw away…" if partial else "Remove…")
        self.remove.setAccessibleName(f"{'Throw away what there is of' if partial else 'Remove'} {base.title}")
        self.download.setVisible(partial or state is BaseState.OFFERED)
        self.check.setVisible(state in (BaseState.BUNDLED, BaseState.INSTALLED))
        self.remove.setVisible(state in (BaseState.PARTIAL, BaseState.INSTALLED))

    def show_work(self, work: Work | None, progress: Progress | None) -> None:
        """What is being done with this one; None: nothing."""
        self.work.show_work(work, progress)

    def set_reason(self, reason: str | None) -> None:
        """Why nothing can be begun now, None when it can."""
        for button, work in self._buttons.items():
            button.setEnabled(reason is None)
            button.setToolTip(reason or _TIPS[work])
            button.setAccessibleDescription(reason or _TIPS[work])

    def on_button_clicked(self) -> None:
        button = self.sender()
        if isinstance(button, QPushButton):
            self.pressed.emit(self._buttons[button], self.base.name)
