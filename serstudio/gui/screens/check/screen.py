"""The Check screen."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar

from serstudio.gui.bridge.jobs import Job
from serstudio.gui.screens.check.result import CheckResult
from serstudio.gui.session import Session
from serstudio.gui.steps import Moment, Step, check_reason
from serstudio.gui.widgets.buttons import Kind, ReasonedButton, make_button
from serstudio.gui.widgets.job_progress import show_progress
from serstudio.gui.widgets.layout import Card, Page, row
from serstudio.gui.widgets.text import Role, make_text
from serstudio.usecases.events import Progress, Warned
from serstudio.usecases.requests import CheckProject, CheckReport


class CheckScreen(Page):
    """One button; the result stays until the next check."""

    def __init__(self, session: Session) -> None:
        super().__init__("Check", "How often would it be right about a voice that it has not heard?")
        self._session = session
        self._job: Job | None = None
        self._asked: Moment = session.now()
        self._warnings: list[Warned] = []
        self.button = ReasonedButton(
            make_button("Check", Kind.PRIMARY, "check", tip="Measure the accuracy", shortcut="Ctrl+Return")
        )
        self.button.button.setShortcut("Ctrl+Return")
        self.again = ReasonedButton(make_button("Check again", Kind.NORMAL, "loop", tip="Measure it anew"))
        self.again.hide()
        self.methods = make_button("Compare methods…", icon_name="compare", tip="See which method is right most often")
        self.methods.clicked.connect(session.compare_requested)
        self.header.addWidget(self.methods, 0, Qt.AlignmentFlag.AlignTop)
        self.header.addWidget(self.again, 0, Qt.AlignmentFlag.AlignTop)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the check")
        self.now = make_text("", Role.MUTED)
        self.cancel = make_button("Cancel", tip="Stop the check")
        self._progress = Card(margin=16)
        self._progress.add(row(make_text("Checking…", Role.HEADING), 1, self.cancel))
        self._progress.add(self.bar)
        self._progress.add(self.now)
        self._progress.hide()
        self._start = Card("What will happen")
        words = (
            "Some of your labelled clips are held back, the rest make the model, and the held-back ones are asked. "
            "In turn, so that each clip is asked once. Nothing in the project changes. It is done as your newest "
            "version was made. If that one was tuned, each part takes as long as adapting did: the model is tuned "
            "anew without the clips that it will be asked about."
        )
        self._start.add(make_text(words, Role.BODY, wrap=True))
        self._start.add(self.button)
        self.result = CheckResult(session)
        self.result.hide()
        for widget in (self._progress, self.result, self._start):
            self.add(widget)
        self.close_column()
        self.button.button.clicked.connect(self.check)
        self.again.button.clicked.connect(self.check)
        self.cancel.clicked.connect(self.on_cancel_clicked)
        self.result.clip_opened.connect(session.clip_requested)
        session.facts_changed.connect(self.on_facts_changed)
        session.activity_changed.connect(self.on_facts_changed)
        self.on_facts_changed()

    def on_facts_changed(self) -> None:
        facts = self._session.facts
        reason = check_reason(facts) or self._session.engine_reason()
        self.button.set_reason(reason)
        self.again.set_reason(reason)
        self.result.show_age(facts.check_age)

    def check(self) -> None:
        if self.button.reason() is not None:
            return
        self._warnings = []
        self.bar.setRange(0, 0)
        self.now.setText("Starting the engine; the first time takes some seconds")
        self._progress.show()
        self._start.hide()
        self.again.hide()
        self._asked = self._session.now()
        job = self._job = self._session.start(Step.CHECK, CheckProject(self._session.project.folder))
        job.progressed.connect(self.on_progressed)
        job.warned.connect(self.on_warned)
        job.done.connect(self.on_done)
        job.ended.connect(self.on_ended)

    def on_progressed(self, progress: Progress) -> None:
        show_progress(progress, self.bar, self.now)

    def on_warned(self, warned: Warned) -> None:
        self._warnings.append(warned)

    def on_done(self, report: CheckReport) -> None:
        self.result.show_report(report, self._warnings)
        self.result.show()
        self._session.set_check_report(report, self._asked)

    def on_ended(self) -> None:
        self._job = None
        self._progress.hide()
        has_result = self._session.check_report is not None
        self._start.setVisible(not has_result)
        self.again.setVisible(has_result)

    def on_cancel_clicked(self) -> None:
        if self._job is not None:
            self._job.cancel()
