"""Record from a microphone: choose it, see the level, press R."""

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QLabel, QWidget

from engine.audio.capture import InputDevice, list_input_devices
from engine.errors import MicrophoneError, SerStudioError
from serstudio.gui.session import Session
from serstudio.gui.widgets.banner import Banner, Tone
from serstudio.gui.widgets.buttons import Kind, ReasonedButton, make_button, set_icon
from serstudio.gui.widgets.chooser import Chooser
from serstudio.gui.widgets.layout import Card, row
from serstudio.gui.widgets.meter import LevelMeter
from serstudio.gui.widgets.text import Role, make_text, restyle
from serstudio.usecases.record_clip import Recorder
from serstudio.wording import counted

NOTE = "Aim for peaks at the -6 dB mark. The half second before you press Record is kept, too."
_SETTING = "collect/microphone_on"
_DEVICE = "collect/microphone"


class RecorderCard(Card):
    """Listens only while it is shown and the user has turned the microphone on."""

    recorded = Signal(int)  # clip id

    def __init__(self, session: Session, list_devices: Callable[[], list[InputDevice]] = list_input_devices) -> None:
        super().__init__("Record", margin=16)
        self._session = session
        self._list_devices = list_devices
        self._recorder: Recorder | None = None
        self.devices = Chooser()
        self.devices.setAccessibleName("Microphone")
        self.switch = make_button("Level", Kind.NORMAL, "mic", tip="Listen to the microphone to see its level")
        self.switch.setCheckable(True)
        self.again = make_button("Look again", Kind.NORMAL, "loop", tip="Look for microphones again")
        self.meter = LevelMeter()
        self.record = ReasonedButton(
            make_button("Record", Kind.RECORD, "record", tip="Start or stop recording", shortcut="R")
        )
        self.elapsed = make_text("", Role.CLOCK)
        self.note = make_text(NOTE, Role.CAPTION, wrap=True)
        self.banner = Banner(closable=False)
        self.add(self.banner)
        self._chooser = QWidget()
        self._chooser.setLayout(row(self.devices, self.switch))
        _let_grow(self.devices)
        self.add(self._chooser)
        self.add(self.meter)
        self.add(row(self.record, self.elapsed, spacing=12))
        self.add(row(self.again, 1))
        self.add(self.note)
        self._timer = QTimer(self)
        self._timer.setInterval(40)
        self._timer.timeout.connect(self.on_timeout)
        self.switch.toggled.connect(self.on_switch_toggled)
        self.devices.activated.connect(self.on_device_activated)
        self.again.clicked.connect(self.look_for_devices)
        self.record.button.clicked.connect(self.toggle_recording)
        self.meter.clip_reset.connect(self.on_clip_reset)

    @property
    def recording(self) -> bool:
        return self._recorder is not None and self._recorder.recording

    # --- devices -----------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._recorder is None:
            self.look_for_devices()
            if self._session.services.settings.value(_SETTING, defaultValue=False, type=bool) and self.devices.count():
                self.switch.setChecked(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not self.recording:  # a recording goes on while the user looks at another screen
            self.close_devices()

    def look_for_devices(self) -> None:
        try:
            devices = self._list_devices()
            error = None
        except MicrophoneError as missing:
            devices, error = [], missing
        chosen = self._session.services.settings.value(_DEVICE, "")
        self.devices.clear()
        for device in devices:
            self.devices.addItem(microphone_name(device), device.index)
            if microphone_name(device) == chosen:
                self.devices.setCurrentIndex(self.devices.count() - 1)
        self._show_presence(present=bool(devices), error=error)

    def _show_presence(self, *, present: bool, error: MicrophoneError | None) -> None:
        for widget in (self._chooser, self.meter, self.note):
            widget.setVisible(present)
        self.again.setVisible(not present)
        if present:
            self.banner.hide()
            self.record.set_reason(None)
            return
        message = error.message if error else "No microphone was found."
        hint = error.hint if error else "Plug one in, allow it in the settings of your system, then look again."
        self.banner.show_message(message, f"{hint} Importing files works all the same.", Tone.WARNING)
        self.record.set_reason("There is no microphone to record from.")

    def on_device_activated(self) -> None:
        self._session.services.settings.setValue(_DEVICE, self.devices.currentText())
        if self._recorder is not None and not self.recording:
            self.close_devices()
            self.switch.setChecked(True)

    # --- listening ---------------------------------------------------------------------------------

    def on_switch_toggled(self, on: bool) -> None:
        if on:
            self._listen()
        elif not self.recording:
            self.close_devices()
        if self.isVisible():
            self._session.services.settings.setValue(_SETTING, on)

    def _listen(self) -> bool:
        if self._recorder is not None:
            return True
        try:
            recorder = Recorder(self._session.project, self.devices.currentData())
            recorder.start()
        except MicrophoneError as error:
            self._show_failure(error.message, error.hint)
            self.switch.setChecked(False)
            return False
        self.banner.hide()
        self._recorder = recorder
        self.meter.set_active(True)
        self._timer.start()
        self.switch.setChecked(True)
        return True

    def close_devices(self) -> None:
        """Close the microphone. A recording that runs is finished first: nothing is lost."""
        self._timer.stop()
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            if recorder.recording:
                self._finish(recorder)
            recorder.close()
        self.meter.set_active(False)
        with QSignalBlocker(self.switch):
            self.switch.setChecked(False)
        self._show_recording()

    def on_clip_reset(self) -> None:
        if self._recorder is not None:
            self._recorder.reset_clip_hold()

    def on_timeout(self) -> None:
        recorder = self._recorder
        if recorder is None:
            return
        level = recorder.levels()
        self.meter.show_level(level.peak_dbfs, level.rms_dbfs, level.clipped)
        if recorder.recording:
            self._show_elapsed(recorder)
        if recorder.problem is not None:
            self._give_up(recorder, recorder.problem)

    def _give_up(self, recorder: Recorder, problem: str) -> None:
        """Keep what there is of a recording; the microphones are listed anew, for one of them may have gone."""
        kept = recorder.recording and self._finish(recorder)
        self.close_devices()
        self.look_for_devices()
        self._show_failure(problem, "What was recorded until then is in the project." if kept else "")

    def _show_failure(self, message: str, hint: str) -> None:
        self.banner.show_message(message, hint, Tone.WARNING)
        self.again.show()

    def _show_elapsed(self, recorder: Recorder) -> None:
        minutes, seconds = divmod(recorder.elapsed_s, 60)
        lost = f"  sound was lost {counted(recorder.overruns, 'time')}" if recorder.overruns else ""
        self.elapsed.setText(f"{int(minutes)}:{seconds:04.1f}{lost}")

    # --- recording ---------------------------------------------------------------------------------

    def toggle_recording(self) -> None:
        """What the button and the key R do."""
        if not self.record.button.isEnabled():
            return
        if self.recording and self._recorder is not None:
            self._finish(self._recorder)
        elif self._listen() and self._recorder is not None:
            self._recorder.begin()
        self._show_recording()

    def _finish(self, recorder: Recorder) -> bool:
        """True: all of it is in the project."""
        try:
            clip = recorder.finish()
        except SerStudioError as error:
            self._session.error_raised.emit(error)
            return False
        self.recorded.emit(clip.id)
        return True

    def _show_recording(self) -> None:
        recording = self.recording
        self.record.button.setText("Stop" if recording else "Record")
        set_icon(self.record.button, "stop" if recording else "record", Kind.RECORD)
        restyle(self.record.button, "live", "true" if recording else "false")
        self.devices.setEnabled(not recording)
        self.devices.setToolTip("Stop recording to choose another microphone" if recording else "")
        self.switch.setEnabled(not recording)
        self.switch.setToolTip(
            "The level is always shown while recording" if recording else "Listen to the microphone to see its level"
        )
        if not recording:
            self.elapsed.setText("")


def microphone_name(device: InputDevice) -> str:
    """ALSA calls the system's choice "default", which is no name for a person."""
    return "System default microphone" if device.name == "default" else device.name


def _let_grow(widget: QComboBox | QLabel) -> None:
    policy = widget.sizePolicy()
    policy.setHorizontalPolicy(policy.Policy.Ignored)
    policy.setHorizontalStretch(1)
    widget.setSizePolicy(policy)
    widget.setMinimumWidth(120)
