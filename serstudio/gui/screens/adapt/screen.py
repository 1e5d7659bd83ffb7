"""The Adapt screen."""

from PySide6.QtWidgets import QVBoxLayout

from engine.emotions import places_of
from engine.errors import SerStudioError
from serstudio.gui.bridge.jobs import Job
from serstudio.gui.screens.adapt.advanced import Advanced
from serstudio.gui.screens.adapt.progress_card import ProgressCard
from serstudio.gui.screens.adapt.versions_card import VersionsCard
from serstudio.gui.session import Session
from serstudio.gui.steps import CLIPS_PER_LABEL, Step, adapt_reason, newest_is_stale
from serstudio.gui.widgets.banner import Banner, Tone
from serstudio.gui.widgets.buttons import Kind, ReasonedButton, make_button
from serstudio.gui.widgets.disclosure import Disclosure
from serstudio.gui.widgets.label_counts import LabelCounts
from serstudio.gui.widgets.layout import Card, Page, clear_layout, row
from serstudio.gui.widgets.text import Role, make_text
from serstudio.method_words import known_words
from serstudio.own_base import own_base_reason
from serstudio.project import VersionsChanged
from serstudio.usecases.events import Progress, Warned
from serstudio.usecases.requests import VersionAdded
from serstudio.wording import bytes_in_words, counted, in_words


class AdaptScreen(Page):
    """What will happen, one button, progress, result, versions."""

    def __init__(self, session: Session) -> None:
        super().__init__("Adapt", "Tune the base model to the voices and feelings that you have labelled.")
        self._session = session
        self._job: Job | None = None
        self._ready: int | None = None  # the version that `result` tells of
        self.plan = make_text("", Role.BODY, wrap=True)
        self.counts = LabelCounts()
        self.advanced = Advanced(session.services.shelf)
        self.button = ReasonedButton(
            make_button("Adapt", Kind.PRIMARY, "adapt", tip="Make a new version", shortcut="Ctrl+Return")
        )
        self.button.button.setShortcut("Ctrl+Return")
        self.progress = ProgressCard()
        self.notes = QVBoxLayout()
        self.result = self._make_result()
        self._start_card = Card("What will happen")
        self._start_card.add(self.plan)
        self._start_card.add(self.counts)
        self._start_card.add(self.button)
        self.disclosure = Disclosure("Advanced", self.advanced)
        self._start_card.add(self.disclosure)
        for widget in (self.progress, self.result, self._start_card):
            self.add(widget)
        self.add(self.notes)
        self.versions = VersionsCard(session)
        self.add(self.versions)
        self.versions.refresh()
        self.close_column()
        self.button.button.clicked.connect(self.adapt)
        self.progress.cancel_pressed.connect(self.on_cancel_pressed)
        self.advanced.rate.textChanged.connect(self.on_facts_changed)
        self.advanced.base.base_changed.connect(self.on_facts_changed)
        self.advanced.base.more_requested.connect(session.models_requested)
        self.advanced.steps.value_changed.connect(self.on_facts_changed)
        self.advanced.method.currentIndexChanged.connect(self.on_facts_changed)
        self.advanced.trained.currentIndexChanged.connect(self.on_facts_changed)
        session.facts_changed.connect(self.on_facts_changed)
        session.activity_changed.connect(self.on_facts_changed)
        session.model.versions_changed.connect(self.on_versions_changed)
        session.machine_described.connect(self.on_machine_described)
        if session.machine is not None:
            self.on_machine_described()
        self.on_facts_changed()

    def _make_result(self) -> Card:
        card = Card(margin=16)
        self.result_title = make_text("", Role.HEADING)
        self.result_words = make_text("", Role.MUTED, wrap=True)
        self.check = make_button("Check it", Kind.NORMAL, "check", tip="See how often it is right")
        self.listen = make_button("Listen live", Kind.NORMAL, "live", tip="Try it with your own voice")
        card.add(self.result_title)
        card.add(self.result_words)
        card.add(row(self.check, self.listen, 1))
        self.check.clicked.connect(self.on_check_clicked)
        self.listen.clicked.connect(self.on_listen_clicked)
        card.hide()
        return card

    def choose_method(self, method: str, base: str) -> None:
        """As if chosen under Advanced, which is unfolded to show it; "": what the base recommends."""
        self.advanced.choose(method or None, base)
        self.disclosure.button.setChecked(True)
        self.result.hide()

    # --- before ------------------------------------------------------------------------------------

    def on_machine_described(self) -> None:
        if self._session.machine is not None:
            self.advanced.set_devices(self._session.machine.devices)
            self.advanced.set_recommended(self._session.machine.recommended)
        self.on_facts_changed()

    def on_facts_changed(self) -> None:
        facts = self._session.facts
        self.counts.show_counts(facts.labels, facts.counts)
        self.button.set_reason(adapt_reason(facts) or self._session.engine_reason() or self.advanced.reason())
        self.plan.setText(self._plan())

    def _plan(self) -> str:
        facts = self._session.facts
        if adapt_reason(facts) is not None:
            return (
                "Adapting takes the base model, which knows speech in general, and tunes it to the clips that you "
                f"have labelled. {CLIPS_PER_LABEL} clips a label are a good start; more make it better."
            )
        unusable = own_base_reason(self.advanced.method.currentData(), self.advanced.base.base())
        if unusable is not None:
            return unusable
        try:
            number = self._session.project.next_version_number()
        except SerStudioError as error:
            return str(error)
        steps = self.advanced.planned_steps()
        words = f"SER Studio {self._what_it_does(steps, counted(facts.labelled, 'labelled clip'))}."
        if newest_is_stale(facts):
            words += " Labels have changed since the last version."
        return (
            f"{words}{self._name_words()}{self._time_words(steps)} The result is version {number}; you can go on "
            "working meanwhile."
        )

    def _name_words(self) -> str:
        """What the labels' names tell the bundled base, where that is asked."""
        machine = self._session.machine
        if machine is None or not machine.emotions or not self.advanced.begins_with_names():
            return ""
        facts = self._session.facts
        labels = [label.name for label in facts.labels if facts.count(label)]  # the others are left out
        known = [labels[number] for number in places_of(labels, machine.emotions)]
        return f" {known_words(labels, known)}" if known else " It knows none of these labels by name."

    def _what_it_does(self, steps: int | None, clips: str) -> str:
        """From "takes the base model ..." on; `steps`: None if only the base knows."""
        system, is_bundled = self.advanced.system(), self.advanced.is_bundled()
        if system is not None and (is_bundled or not system.any_backbone):
            place = "" if is_bundled else f" in {self.advanced.base.currentText()}"
            return (
                f"takes the network of {system.title}{place}, which has learnt from other languages, and trains it in "
                f"{counted(steps or 0, 'step')} on your {clips}"
            )
        base = "the base model" if is_bundled else f"the model {self.advanced.base.currentText()}"
        how = f"adapts it to your {clips} in the way that it recommends"
        if system is not None:
            how = f"trains the network of {system.title} on it in {counted(steps or 0, 'step')}, on your {clips}"
        elif steps is not None:
            how = (
                f"tunes it in {counted(steps, 'step')} to your {clips}"
                if steps
                else f"keeps it as it is, and learns from your {clips} which of its answers mean which label"
            )
        return f"takes {base}, which knows speech in general, and {how}"

    def _time_words(self, steps: int | None) -> str:
        machine, facts = self._session.machine, self._session.facts
        if machine is None or not steps or not self.advanced.is_as_timed(machine.recommended):
            return ""
        if machine.step_s is None:
            self._session.services.machine.time_tuning()
            return ""
        seconds = machine.step_s * steps * min(1.0, max(facts.labelled, 4) / 20)
        return f" On this machine that takes about {in_words(max(5, round(seconds / 5) * 5))}."

    # --- during ------------------------------------------------------------------------------------

    def adapt(self) -> None:
        """Start, unless there is a reason not to."""
        if self.button.reason() is not None:
            return
        self.result.hide()
        self._clear_notes()
        waiting = "Waiting for the engine" if self._session.services.engine.busy else ""
        self.progress.start(waiting_for=waiting)
        job = self._job = self._session.start(Step.ADAPT, self.advanced.request(self._session.project.folder))
        self._start_card.hide()
        job.progressed.connect(self.on_progressed)
        job.warned.connect(self.on_warned)
        job.done.connect(self.on_done)
        job.cancelled.connect(self.on_cancelled)
        job.ended.connect(self.on_ended)

    def on_progressed(self, progress: Progress) -> None:
        self.progress.show_progress(progress)

    def on_warned(self, warned: Warned) -> None:
        banner = Banner()
        self.notes.addWidget(banner)
        banner.show_message(warned.message, warned.hint, Tone.WARNING)

    def _clear_notes(self) -> None:
        clear_layout(self.notes)

    def on_cancel_pressed(self) -> None:
        if self._job is not None:
            self._job.cancel()

    # --- after -------------------------------------------------------------------------------------

    def on_ended(self) -> None:
        self._job = None
        self.progress.hide()
        self._start_card.show()

    def on_cancelled(self) -> None:
        self._session.toast("Cancelled. No version was made.")

    def on_done(self, added: VersionAdded) -> None:
        self.result_title.setText(f"Version {added.number} is ready")
        loss = f" The last loss was {added.final_loss:.3f}." if added.final_loss is not None else ""
        self.result_words.setText(
            f"Adapted to {counted(added.clip_count, 'clip')} of {', '.join(added.labels)} "
            f"in {in_words(added.seconds)}{_where(added)}.{loss} {known_words(added.labels, added.known_labels)}"
        )
        self._ready = added.number
        self.result.show()
        self._session.project.announce(VersionsChanged())

    def on_versions_changed(self) -> None:
        """Nothing can be done with a version that was deleted, nor is what was said of it of use."""
        if self._ready not in [version.number for version in self._session.project.versions()]:
            self.result.hide()
            if self._job is None:
                self._clear_notes()

    def on_check_clicked(self) -> None:
        self._session.step_requested.emit(Step.CHECK)

    def on_listen_clicked(self) -> None:
        self._session.step_requested.emit(Step.LIVE)


def _where(added: VersionAdded) -> str:
    """What computed and how much memory it wanted, as far as it is known."""
    device = f" on {added.device}" if added.device else ""
    memory = f", with at most {bytes_in_words(added.peak_memory_bytes)} of memory" if added.peak_memory_bytes else ""
    return f"{device}{memory}"
