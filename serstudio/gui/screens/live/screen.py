"""The Live screen."""

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QFileDialog, QStackedLayout, QVBoxLayout, QWidget

from engine.audio.capture import list_input_devices
from engine.audio.decode import AUDIO_SUFFIXES
from engine.decision import Decision
from engine.errors import MicrophoneError, SerStudioError
from serstudio.gui.bridge.live import LiveBridge, LiveSource, LiveState
from serstudio.gui.screens.collect.recorder_card import microphone_name
from serstudio.gui.screens.live.verdict import Verdict
from serstudio.gui.screens.version_chooser import VersionChooser
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.widgets.buttons import Kind, ReasonedButton, make_button, set_icon
from serstudio.gui.widgets.chooser import ActionChooser
from serstudio.gui.widgets.empty_state import EmptyState
from serstudio.gui.widgets.focus import press_focused
from serstudio.gui.widgets.layout import Card, column, row
from serstudio.gui.widgets.scroll_plot import ScrollPlot
from serstudio.gui.widgets.text import Role, make_text
from serstudio.usecases.stream_live import StreamEnded, StreamStarted

_CHOOSE_FILE = "choose a file"


class LiveScreen(QWidget):
    """Source, version, Start; the winning label, its bars, and a scrolling spectrogram."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setProperty("role", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.bridge = LiveBridge(self)
        self.source = ActionChooser("Source")
        self.version = VersionChooser(session)
        self.start = ReasonedButton(
            make_button("Start", Kind.PRIMARY, "play", tip="Start or stop listening", shortcut="Space")
        )
        self.verdict = Verdict()
        self.plot = ScrollPlot()
        self._chosen: LiveSource | None = None  # None: there is none to choose
        self._file: Path | None = None
        self._listened: int | None = None  # the version that hears, or heard last
        self._build()
        self.start.button.clicked.connect(self.toggle)
        self.source.activated.connect(self.on_source_activated)
        self.version.currentIndexChanged.connect(self.on_version_changed)
        session.facts_changed.connect(self.on_facts_changed)
        self.bridge.state_changed.connect(self.on_state_changed)
        self.bridge.started.connect(self.on_started)
        self.bridge.heard.connect(self.on_heard)
        self.bridge.sounded.connect(self.plot.feed)
        self.bridge.ended.connect(self.on_ended)
        self.bridge.failed.connect(session.on_job_failed)
        space = QShortcut(QKeySequence("Space"), self, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
        space.activated.connect(self.on_space)
        self.on_facts_changed()
        self.on_version_changed()

    def _build(self) -> None:
        work = QWidget()
        layout = QVBoxLayout(work)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(16)
        heading = column(
            make_text("Live", Role.TITLE),
            make_text("Speak, and see what the model hears. It answers five times a second.", Role.MUTED, wrap=True),
            spacing=4,
        )
        layout.addLayout(heading)
        controls = row(
            column(make_text("Source", Role.CAPTION), self.source, spacing=4),
            column(make_text("Model", Role.CAPTION), self.version, spacing=4),
            spacing=12,
        )
        controls.addWidget(self.start.button, 0, Qt.AlignmentFlag.AlignBottom)
        controls.setStretch(0, 1)
        controls.setStretch(1, 1)
        layout.addLayout(controls)
        layout.addWidget(self.start.reason_line)
        layout.addWidget(self.verdict, 3)
        picture = Card(margin=12)
        picture.body.addWidget(self.plot, 1)
        picture.add(make_text("The last 8 seconds: low notes below, high notes above.", Role.CAPTION))
        layout.addWidget(picture, 2)
        go = make_button("Go to Adapt", Kind.PRIMARY, "adapt")
        go.clicked.connect(self.on_go_to_adapt)
        words = "Live listening needs a model of your own. Adapt makes one from your labelled clips."
        self._pages = QStackedLayout(self)
        self._pages.addWidget(work)
        self._pages.addWidget(EmptyState("live", "No adapted model yet", words, go))

    # --- source ------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.bridge.state is LiveState.IDLE:
            self.look_for_sources()
            if self.version.is_behind():
                self.version.refresh()
            if self._session.facts.versions:
                self.bridge.warm()

    def look_for_sources(self) -> None:
        """Microphones, the file that was chosen last, and the way to choose one; the choice stays if it is there."""
        try:
            devices = list_input_devices()
        except MicrophoneError:
            devices = []
        with QSignalBlocker(self.source):
            self.source.clear()
            for device in devices:
                self.source.addItem(f"Microphone: {microphone_name(device)}", LiveSource(device=device.index))
            if self._file is not None:
                self.source.addItem(f"File: {self._file.name}", LiveSource(file=self._file))
            self.source.addItem("Choose a file…", _CHOOSE_FILE)
            self._select_chosen()
        source = self.source.currentData()
        self._chosen = source if isinstance(source, LiveSource) else None
        self._show_reason()

    def _select_chosen(self) -> None:
        """The source that was chosen, else the first."""
        sources = [self.source.itemData(index) for index in range(self.source.count())]
        self.source.setCurrentIndex(sources.index(self._chosen) if self._chosen in sources else 0)

    def use_file(self, file: Path) -> None:
        """Take `file` in place of the microphone."""
        self._chosen = LiveSource(file=file)
        self._file = file
        self.look_for_sources()

    def on_source_activated(self) -> None:
        """The user's own choice; after the way to choose a file the source is what it was."""
        if self.source.currentData() != _CHOOSE_FILE:
            self._chosen = self.source.currentData()
            return
        self._select_chosen()
        patterns = " ".join(f"*{suffix}" for suffix in sorted(AUDIO_SUFFIXES))
        file, _ = QFileDialog.getOpenFileName(
            self, "Listen to a file", str(Path.home()), f"Audio ({patterns});;All files (*)"
        )
        if file:
            self.use_file(Path(file))

    def _show_reason(self) -> None:
        if self._chosen is None:
            self.start.set_reason("No microphone was found: plug one in, or choose a file.")
        elif self.bridge.state is LiveState.ENDING:
            self.start.set_reason("Working out the answer for all that was heard.")
        else:
            self.start.set_reason(None)

    # --- listening ---------------------------------------------------------------------------------

    def on_space(self) -> None:
        if not press_focused():
            self.toggle()

    def toggle(self) -> None:
        """Start, or stop."""
        if self.start.reason() is not None:
            return
        if self.bridge.state is not LiveState.IDLE:
            self.bridge.stop()
            return
        source, folder = self.source.currentData(), self.version.folder()
        if not isinstance(source, LiveSource) or folder is None:
            return
        self.plot.reset()
        try:
            self.bridge.start(folder, source)
            self._listened = self.version.number()
        except SerStudioError as error:
            self._session.error_raised.emit(error)

    def on_state_changed(self, state: LiveState) -> None:
        active = state is not LiveState.IDLE
        self.start.button.setText("Stop" if active else "Start")
        set_icon(self.start.button, "stop" if active else "play", Kind.PRIMARY)
        for chooser in (self.source, self.version):
            chooser.setEnabled(not active)
            chooser.setToolTip("Stop listening to choose another one" if active else "")
        if state is LiveState.LOADING:
            self.verdict.show_loading()
        elif not active and self.version.number() == self._listened:
            self.verdict.show_idle()
        elif not active:
            self.on_version_changed()  # that one has been deleted meanwhile
        self._session.set_live(active)
        self._show_reason()

    def on_started(self, started: StreamStarted) -> None:
        self.verdict.show_started(started)
        if started.note:
            self._session.toast(started.note)

    def on_heard(self, heard: Decision) -> None:
        self.verdict.show_heard(heard)

    def on_ended(self, ended: StreamEnded) -> None:
        if self.version.number() == self._listened:  # it may have been deleted since
            self.verdict.show_ended(ended)

    # --- the rest ----------------------------------------------------------------------------------

    def on_version_changed(self) -> None:
        """Show the labels that this version will judge by; what another one heard goes."""
        self._session.set_chosen(Step.LIVE, self.version.number())
        if self.bridge.state is LiveState.IDLE:
            self.verdict.set_labels(self._session.looks(self.version.labels()))
            self.verdict.show_idle()

    def on_facts_changed(self) -> None:
        self._pages.setCurrentIndex(0 if self._session.facts.versions else 1)

    def on_go_to_adapt(self) -> None:
        self._session.step_requested.emit(Step.ADAPT)

    def hideEvent(self, event: QHideEvent) -> None:
        """The microphone is never open while this screen is not seen."""
        super().hideEvent(event)
        self.bridge.stop()

    def close_devices(self) -> None:
        self.bridge.close()
