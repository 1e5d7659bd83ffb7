"""An open project: the rail on the left, the screen of the chosen step on the right. Layout only."""

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from engine.errors import SerStudioError
from serstudio.gui.rail import Rail
from serstudio.gui.screens.adapt import AdaptScreen
from serstudio.gui.screens.check import CheckScreen
from serstudio.gui.screens.collect import CollectScreen
from serstudio.gui.screens.compare import CompareScreen
from serstudio.gui.screens.label import LabelScreen
from serstudio.gui.screens.live import LiveScreen
from serstudio.gui.screens.share import ShareScreen
from serstudio.gui.session import Session
from serstudio.gui.steps import Aside, Step
from serstudio.gui.widgets.banner import Banner, Tone
from serstudio.gui.widgets.toast import Toast


class Workspace(QWidget):
    """Owns the screens of one session."""

    home_requested = Signal()
    models_requested = Signal()
    settings_requested = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.rail = Rail()
        self.banner = Banner()
        self.banner.setProperty("place", "top")
        self.stack = QStackedWidget()
        self.collect = CollectScreen(session)
        self.label = LabelScreen(session)
        self.adapt = AdaptScreen(session)
        self.check = CheckScreen(session)
        self.live = LiveScreen(session)
        self.share = ShareScreen(session)
        self.screens: dict[Step, QWidget] = dict(
            zip(
                Step,
                (self.collect, self.label, self.adapt, self.check, self.live, self.share),
                strict=True,
            )
        )
        self.compare = CompareScreen(session)
        for screen in (*self.screens.values(), self.compare):
            self.stack.addWidget(screen)
        self._build()
        self.toast = Toast(self)
        self.rail.step_chosen.connect(self.show_step)
        self.rail.compare_requested.connect(self.show_compare)
        self.rail.home_requested.connect(self.home_requested)
        self.rail.models_requested.connect(self.models_requested)
        self.rail.settings_requested.connect(self.settings_requested)
        session.models_requested.connect(self.models_requested)
        session.step_requested.connect(self.show_step)
        session.compare_requested.connect(self.show_compare)
        session.method_requested.connect(self.on_method_requested)
        session.clip_requested.connect(self.on_clip_requested)
        session.error_raised.connect(self.show_error)
        session.error_mended.connect(self.on_error_mended)
        session.toast_requested.connect(self.toast.show_message)
        session.model.history_changed.connect(self.on_history_changed)
        session.facts_changed.connect(self.on_facts_changed)
        session.activity_changed.connect(self.on_facts_changed)
        session.model.details_changed.connect(self.on_details_changed)
        session.import_started.connect(self.on_import_started)
        self.on_details_changed()
        self.on_facts_changed()
        self.show_step(self._first_step())

    def _build(self) -> None:
        right = QWidget()
        right.setProperty("role", "page")
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        holder = QHBoxLayout()
        holder.setContentsMargins(16, 0, 16, 0)
        holder.addWidget(self.banner)
        column.addLayout(holder)
        column.addWidget(self.stack, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.rail)
        layout.addWidget(right, 1)

    def _first_step(self) -> Step:
        """Where the user left off: the first step that is not done."""
        facts = self.session.facts
        if facts.clip_count == 0:
            return Step.COLLECT
        return Step.ADAPT if facts.versions else Step.LABEL

    @property
    def step(self) -> Step | None:
        """The step whose screen is open; None on a page beside the steps."""
        return next((step for step, screen in self.screens.items() if screen is self.stack.currentWidget()), None)

    def show_step(self, step: Step) -> None:
        self.rail.set_current(step)
        self.stack.setCurrentWidget(self.screens[step])

    def show_compare(self) -> None:
        self.rail.set_current(Aside.COMPARE)
        self.stack.setCurrentWidget(self.compare)

    def show_error(self, error: SerStudioError) -> None:
        self.banner.show_message(error.message, error.hint, Tone.DANGER)

    def on_error_mended(self, error: SerStudioError) -> None:
        if self.banner.message.text() == error.message:
            self.banner.hide()

    def on_clip_requested(self, clip_id: int) -> None:
        self.show_step(Step.LABEL)
        self.label.show_clip(clip_id)

    def on_method_requested(self, method: str, base: str) -> None:
        self.adapt.choose_method(method, base)
        self.show_step(Step.ADAPT)

    def on_import_started(self) -> None:
        self.show_step(Step.COLLECT)

    def on_history_changed(self) -> None:
        """Undo and Redo are of something else by now; a toast for it comes after this."""
        self.toast.withdraw(self.session.undo, self.session.redo)

    def on_facts_changed(self) -> None:
        self.rail.set_statuses(self.session.statuses())

    def on_details_changed(self) -> None:
        self.rail.set_project(self.session.project.name, self.session.project.language)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.session.look_elsewhere()

    def close_screens(self) -> None:
        """Keep what is being typed, and let go of microphone, loudspeaker, threads and processes."""
        focused = self.window().focusWidget()
        if focused is not None and self.isAncestorOf(focused):
            focused.clearFocus()  # fields say what was typed when they are left
        self.collect.close_devices()
        self.label.close_devices()
        self.live.close_devices()
