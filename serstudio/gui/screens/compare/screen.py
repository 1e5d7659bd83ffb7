"""The Compare page."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar, QVBoxLayout

from engine.choices import BUNDLED_BASES, SYSTEMS
from serstudio.base_titles import base_title
from serstudio.comparison_words import BRACKETS, bases_words, best_method, scheme_words, summary
from serstudio.gui.bridge.jobs import Job
from serstudio.gui.screens.compare.method_card import MethodCard, Standing
from serstudio.gui.session import Session
from serstudio.gui.steps import Aside, Moment, check_reason
from serstudio.gui.widgets.banner import Banner, Tone
from serstudio.gui.widgets.buttons import Kind, ReasonedButton, make_button
from serstudio.gui.widgets.job_progress import show_progress
from serstudio.gui.widgets.layout import Card, Page, clear_layout, row
from serstudio.gui.widgets.text import Role, make_text
from serstudio.usecases.comparison_requests import (
    USUAL_METHODS,
    ComparedMethod,
    CompareProject,
    ProjectCompared,
)
from serstudio.usecases.events import Progress, Warned
from serstudio.wording import counted

_WHAT = (
    "Your clips are cut into two or three parts: of whole speakers, if you have named them. Each method learns from "
    "all parts but one, and is asked about the clips of that one, in turn. Every method gets the same clips, so "
    "that the numbers can be compared. Nothing in the project changes. It takes some minutes, for each method is "
    "adapted several times."
)


class CompareScreen(Page):
    """One button; the results stay while the project is open."""

    def __init__(self, session: Session) -> None:
        super().__init__("Compare", "Which method is right most often about your clips?")
        self._session = session
        self._job: Job | None = None
        self._has_result = False
        self._asked: Moment = session.now()
        self._asked_base = ""
        self._chance = 0.0  # of what was asked for
        self.cards: list[MethodCard] = []
        self._cards = QVBoxLayout()
        self._cards.setSpacing(12)
        self.button = ReasonedButton(
            make_button("Compare", Kind.PRIMARY, "compare", tip="Measure all methods", shortcut="Ctrl+Return")
        )
        self.button.button.setShortcut("Ctrl+Return")
        self.again = ReasonedButton(make_button("Compare again", Kind.NORMAL, "loop", tip="Measure all anew"))
        self.header.addWidget(self.again, 0, Qt.AlignmentFlag.AlignTop)
        self.stale = Banner(closable=False)
        self.notes = QVBoxLayout()
        self._start = Card("What will happen")
        self._start.add(make_text(_WHAT, Role.BODY, wrap=True))
        self._start.add(self.button)
        self._result = self._make_result()
        for item in (self.stale, self._make_progress(), self._result, self._start):
            self.add(item)
        self.add(self.notes)
        self.add(self._cards)
        self.close_column()
        self._show_parts(self._start)
        self._list_methods(Standing.IDLE)
        self.button.button.clicked.connect(self.compare)
        self.again.button.clicked.connect(self.compare)
        self.cancel.clicked.connect(self.on_cancel_clicked)
        session.facts_changed.connect(self.on_facts_changed)
        session.activity_changed.connect(self.on_facts_changed)
        session.machine_described.connect(self.on_machine_described)
        self.on_facts_changed()

    def _make_progress(self) -> Card:
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the comparison")
        self.now = make_text("", Role.MUTED, wrap=True)
        self.cancel = make_button("Cancel", tip="Stop; what is measured stays", shortcut="Esc")
        self.cancel.setShortcut("Esc")
        self._progress = Card()
        self._progress.add(row(make_text("Comparing…", Role.HEADING), 1, self.cancel))
        self._progress.add(self.bar)
        self._progress.add(self.now)
        return self._progress

    def _make_result(self) -> Card:
        self.summary = make_text("", Role.STRONG, wrap=True)
        self.scheme = make_text("", Role.BODY, wrap=True)
        self.bases = make_text("", Role.BODY, wrap=True)
        self.legend = make_text("", Role.CAPTION, wrap=True)
        card = Card("What the numbers say")
        for text in (self.summary, self.scheme, self.bases, self.legend):
            card.add(text)
        return card

    def _show_parts(self, *shown: Card) -> None:
        for card in (self._progress, self._result, self._start):
            card.setVisible(card in shown)
        self.again.setVisible(self._start not in shown and self._progress not in shown)

    # --- before ------------------------------------------------------------------------------------

    def _base(self) -> str:
        """As Check: the base of the newest version, unless it is one that a published alternative brings along."""
        newest = self._session.facts.newest
        usual = CompareProject(self._session.project.folder).base
        return usual if newest is None or newest.base in SYSTEMS else newest.base

    def _recommended(self) -> str | None:
        """What the base recommends, None while only the engine knows."""
        is_usual = self._base() == CompareProject(self._session.project.folder).base
        machine = self._session.machine
        return machine.recommended.method if machine is not None and is_usual else None

    def _list_methods(self, standing: Standing) -> None:
        """A card for each, the first for what the base recommends."""
        first = self._recommended()
        clear_layout(self._cards)
        self.cards = []
        for method in (first, *(method for method in USUAL_METHODS if method != first)):
            card = MethodCard(method)
            card.recommended.setVisible(not self.cards)
            card.set_standing(standing)
            card.chosen.connect(self.on_chosen)
            self.cards.append(card)
            self._cards.addWidget(card)

    def _name_first(self, method: str) -> None:
        """The first card is of `method`, and no other is."""
        for card in [card for card in self.cards[1:] if card.method == method]:
            self.cards.remove(card)
            self._cards.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards[0].show_method(method)

    def on_machine_described(self) -> None:
        method = self._recommended()
        if method is not None and self.cards[0].method is None:
            self._name_first(method)

    def on_facts_changed(self) -> None:
        reason = check_reason(self._session.facts)
        if reason is not None:
            reason = reason.replace("Checking", "Comparing")
        reason = reason or self._session.engine_reason()
        self.button.set_reason(reason)
        self.again.set_reason(reason)
        self._show_age()

    def _show_age(self) -> None:
        """A comparison is of a base, not of a version: a new one from another base leaves it true of its own."""
        base, newest = self._base(), self._session.facts.newest
        says_nothing = newest is not None and newest.base in SYSTEMS  # of what the other methods should start from
        if not self._has_result and self._job is None:
            self.stale.hide()
        elif self._session.is_edited_since(self._asked):
            self.stale.show_message(
                "Clips or labels have changed since this comparison.", "Compare again to be up to date."
            )
        elif base != self._asked_base and not says_nothing:
            before, now = base_title(self._asked_base), base_title(base)
            if before == now:
                before, now = self._asked_base, base
            self.stale.show_message(f"This comparison is on the base {before}.", f"Compare again to compare on {now}.")
        else:
            self.stale.hide()

    # --- during ------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Start, unless there is a reason not to."""
        if self.button.reason() is not None:
            return
        self._has_result = False
        self._asked, self._asked_base = self._session.now(), self._base()
        self._chance = 1 / max(2, self._session.facts.usable_labels())
        clear_layout(self.notes)
        self._list_methods(Standing.WAITING)
        self.cards[0].set_standing(Standing.RUNNING)
        self.bar.setRange(0, 0)
        self.now.setText("Starting the engine; the first time takes some seconds")
        self._show_parts(self._progress)
        request = CompareProject(self._session.project.folder, base=self._asked_base)
        job = self._job = self._session.start(Aside.COMPARE, request)
        job.progressed.connect(self.on_progressed)
        job.warned.connect(self.on_warned)
        job.known.connect(self.on_known)
        job.done.connect(self.on_done)
        job.ended.connect(self.on_ended)

    def on_progressed(self, progress: Progress) -> None:
        show_progress(progress, self.bar, self.now)

    def on_warned(self, warned: Warned) -> None:
        banner = Banner()
        self.notes.addWidget(banner)
        banner.show_message(warned.message, warned.hint, Tone.WARNING)

    def on_known(self, compared: ComparedMethod) -> None:
        """One has ended; the next is on."""
        if self.cards[0].compared is None:
            self._name_first(compared.method)
        waiting = [card for card in self.cards if card.compared is None]
        waiting[0].show_compared(compared, self._chance)
        if len(waiting) > 1:
            waiting[1].set_standing(Standing.RUNNING)
        self._mark_best()

    def _mark_best(self) -> None:
        measured = [card.compared for card in self.cards if card.compared is not None]
        best = best_method(measured) if len(measured) > 1 else None
        for card in self.cards:
            card.set_best(best=card.compared is not None and card.method == best)

    def on_cancel_clicked(self) -> None:
        if self._job is not None:
            self._job.cancel()

    # --- after -------------------------------------------------------------------------------------

    def on_done(self, compared: ProjectCompared) -> None:
        self._has_result = True
        for card in self.cards:
            if card.compared is not None:
                card.show_compared(card.compared, compared.chance)
        self._mark_best()
        self.summary.setText(summary(compared))
        self.scheme.setText(scheme_words(compared))
        self.bases.setText(bases_words(compared.methods))
        self.legend.setText(_legend(compared.chance))

    def on_ended(self) -> None:
        """Done, failed or cancelled: what was measured stays."""
        self._job = None
        found = [card.compared for card in self.cards if card.compared is not None]
        measured = len(found)
        for card in self.cards:
            if card.compared is None:
                card.set_standing(Standing.LEFT_OUT if measured else Standing.IDLE)
        if measured and not self._has_result:
            self._has_result = True
            self.summary.setText(f"Stopped before the end: {counted(measured, 'method')} of {len(self.cards)}.")
            self.scheme.setText("")
            self.bases.setText(bases_words(found))
            self.legend.setText(_legend(self._chance))
        self.scheme.setVisible(bool(self.scheme.text()))
        self._show_parts(self._result if measured else self._start)
        self._show_age()

    def on_chosen(self, compared: ComparedMethod) -> None:
        """To Adapt, with this method chosen there; the recommended one is what Adapt does by itself."""
        # a published system's own bundled base is found from compact, which is what Adapt lists
        base = BUNDLED_BASES[0] if compared.base in BUNDLED_BASES else compared.base
        self._session.method_requested.emit("" if compared.is_recommended else compared.method, base)


def _legend(chance: float) -> str:
    return (
        "The bar: how many of the clips held back were right. The line on it: where the true value probably lies "
        f"(about 95%). Dashed: guessing, {chance:.0%}. {BRACKETS}"
    )
