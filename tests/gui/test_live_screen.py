"""Live over a fake engine process: sources, versions, what is heard."""

import errno
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest
from fake_engine import add_version, serve_fake_live
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from engine.audio.capture import InputDevice, Ring
from engine.decision import Decision
from serstudio.gui.bridge import live_feeder
from serstudio.gui.bridge.live import LiveSource, LiveState
from serstudio.gui.screens.live import LiveScreen
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.widgets.confidence_bars import LEAST_ROW_HEIGHT, ROW_HEIGHT, BarLabel
from serstudio.gui.workspace import Workspace
from serstudio.usecases.stream_live import LabelShown, StreamStarted


@pytest.fixture
def live(workspace: Workspace, adapted: Session, monkeypatch) -> LiveScreen:
    monkeypatch.setattr(workspace.live.bridge, "_serve", serve_fake_live)
    workspace.show_step(Step.LIVE)
    return workspace.live


def test_live_without_a_version_leads_to_adapt(workspace: Workspace, session: Session) -> None:
    assert workspace.live._pages.currentIndex() == 1
    workspace.live.on_go_to_adapt()
    assert workspace.step is Step.ADAPT


def test_a_file_is_heard_to_its_end_at_least_four_times_a_second(live: LiveScreen, qtbot, tone_clip) -> None:
    heard: list[Decision] = []
    live.bridge.heard.connect(heard.append)
    live.use_file(tone_clip("live.wav", duration_s=2.0))
    assert live.source.currentData() == LiveSource(file=live._file)
    with qtbot.waitSignal(live.bridge.ended, timeout=20_000):
        live.toggle()
        qtbot.waitUntil(lambda: live.verdict.name.full_text() == "anger", timeout=20_000)
        assert live.start.button.text() == "Stop"
        assert not live.source.isEnabled()
        assert live.verdict.bars.scores() == (0.9, 0.1)
    assert len(heard) >= 7, "2 s give 8 decisions; the first and the last may fall together"
    assert live.verdict.bars.scores() == (0.75, 0.25)
    assert "for all 2.0 s" in live.verdict.words.text()
    assert live.start.button.text() == "Start"


def test_what_the_engine_notes_at_the_start_is_shown(live: LiveScreen, adapted: Session, qtbot) -> None:
    labels = (LabelShown("anger", "#0077bb", "▲"),)
    with qtbot.assertNotEmitted(adapted.toast_requested, wait=50):
        live.on_started(StreamStarted(labels, "pl", 0.25))
    with qtbot.waitSignal(adapted.toast_requested) as shown:
        live.on_started(StreamStarted(labels, "pl", 0.25, note="It runs on the processor."))
    assert shown.args[0] == "It runs on the processor."


def test_silence_is_too_quiet_to_judge(live: LiveScreen, qtbot, write_wav) -> None:
    import numpy as np

    live.use_file(write_wav("silent.wav", np.zeros(48_000, np.float32)))
    live.toggle()
    qtbot.waitUntil(lambda: live.verdict.name.full_text() == "Too quiet to judge", timeout=20_000)
    live.toggle()
    qtbot.waitUntil(lambda: live.bridge.state is LiveState.IDLE, timeout=5_000)


@pytest.mark.microphone
def test_the_microphone_is_heard(null_sink, live: LiveScreen, qtbot, tone_clip) -> None:
    live.look_for_sources()
    assert live.source.currentData() != LiveSource(file=live._file)
    with null_sink.playing(tone_clip("spoken.wav", duration_s=8.0, rate_hz=44_100)):
        live.toggle()
        qtbot.waitUntil(lambda: live.verdict.name.full_text() == "anger", timeout=20_000)
        live.toggle()
        qtbot.waitUntil(lambda: live.bridge.state is LiveState.IDLE, timeout=5_000)
    assert live.verdict.bars.scores() == (0.75, 0.25)


class MadeMicrophone:
    """A microphone that hears nothing, and may be unplugged."""

    rate_hz, running = 16_000, False

    def __init__(self, _device: int | None) -> None:
        self.ring = Ring(self.rate_hz)

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


def test_a_microphone_that_is_unplugged_ends_listening(live: LiveScreen, workspace, microphones, monkeypatch, qtbot):
    monkeypatch.setattr(live_feeder, "Microphone", MadeMicrophone)
    live.look_for_sources()
    live.toggle()
    qtbot.waitUntil(lambda: live.bridge.state is LiveState.LISTENING, timeout=20_000)
    live.bridge._feeder._microphone.running = False
    qtbot.waitUntil(lambda: live.bridge.state is LiveState.IDLE, timeout=5_000)
    assert workspace.banner.message.text() == "The microphone went away."
    assert live.verdict.name.full_text() == "Not listening"


def test_the_model_is_chosen_by_its_method(live: LiveScreen) -> None:
    assert live.version.currentText().startswith("Version 1  ·  Tune: disjoint split  ·  6 clips")


def test_no_number_stands_there_before_there_is_an_answer(live: LiveScreen) -> None:
    bars = live.verdict.bars
    assert bars.accessibleDescription() == ""
    before = bars.grab().toImage()
    bars.show_scores([0.004, 0.003])  # less than a bar can show
    assert bars.accessibleDescription() == "anger 0%, fear 0%"
    assert bars.grab().toImage() != before, "now there are numbers"


def test_leaving_the_screen_stops_listening(live: LiveScreen, workspace, qtbot, tone_clip) -> None:
    live.use_file(tone_clip("long.wav", duration_s=20.0))
    live.toggle()
    qtbot.waitUntil(lambda: live.bridge.state is LiveState.LISTENING, timeout=20_000)
    workspace.show_step(Step.LABEL)
    qtbot.waitUntil(lambda: live.bridge.state is LiveState.IDLE, timeout=5_000)


def test_closing_while_listening_leaves_nothing_behind(live: LiveScreen, window, qtbot, tone_clip) -> None:
    live.use_file(tone_clip("long.wav", duration_s=20.0))
    live.toggle()
    qtbot.waitUntil(lambda: live.bridge.state is LiveState.LISTENING, timeout=20_000)
    window.close()
    assert live.bridge.process_id is None


def test_a_missing_file_is_said_in_the_banner(live: LiveScreen, workspace: Workspace, tmp_path: Path) -> None:
    live.use_file(tmp_path / "gone.wav")
    live.toggle()
    assert not workspace.banner.isHidden()
    assert live.bridge.state is LiveState.IDLE


def test_an_engine_that_cannot_be_started_is_said_at_start(
    live: LiveScreen, workspace: Workspace, qtbot, tone_clip, monkeypatch
) -> None:
    def refuse(process: SpawnProcess) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    live.bridge.close()
    live.use_file(tone_clip("short.wav", duration_s=0.6))
    with monkeypatch.context() as shortage:
        shortage.setattr(SpawnProcess, "start", refuse)
        workspace.show_step(Step.LABEL)
        workspace.show_step(Step.LIVE)
        assert workspace.banner.isHidden(), "nothing was asked for yet"
        live.toggle()
    assert workspace.banner.message.text() == "The engine could not be started (Cannot allocate memory)."
    assert live.bridge.state is LiveState.IDLE
    live.bridge.close()
    with qtbot.waitSignal(live.bridge.ended, timeout=20_000):
        live.toggle()


# --- sources ---------------------------------------------------------------------------------------


@pytest.fixture
def microphones(monkeypatch) -> list[InputDevice]:
    """What is plugged in; the test may change it."""
    found = [InputDevice(3, "default", 48_000, is_default=True), InputDevice(7, "USB", 48_000, is_default=False)]
    monkeypatch.setattr("serstudio.gui.screens.live.screen.list_input_devices", lambda: found)
    return found


@pytest.fixture
def asked(microphones, monkeypatch) -> list[str]:
    """The answers of the file dialog that are still to come."""
    answers: list[str] = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (answers.pop(0), ""))
    return answers


def pick(live: LiveScreen, words: str) -> None:
    """As the user does it."""
    index = next(index for index in range(live.source.count()) if words in live.source.itemText(index))
    live.source.setCurrentIndex(index)
    live.source.activated.emit(index)


def leave_and_return(workspace: Workspace, step: Step = Step.LABEL) -> None:
    workspace.show_step(step)
    workspace.show_step(Step.LIVE)


def test_the_source_stays_what_was_chosen(asked, live: LiveScreen, workspace, tmp_path: Path, microphones) -> None:
    asked.append(str(tmp_path / "one.wav"))
    pick(live, "Choose a file")
    assert live.source.currentText() == "File: one.wav"
    leave_and_return(workspace)
    assert live.source.currentText() == "File: one.wav"
    pick(live, "USB")
    leave_and_return(workspace)
    assert live.source.currentText() == "Microphone: USB"
    assert live.source.findText("File: one.wav") > 0, "it can be chosen again"
    del microphones[1]
    leave_and_return(workspace)
    assert live.source.currentText() == "Microphone: System default microphone"


def test_choosing_no_file_leaves_the_source_as_it_was(asked, live: LiveScreen, workspace: Workspace) -> None:
    asked.append("")
    pick(live, "USB")
    pick(live, "Choose a file")
    assert live.source.currentText() == "Microphone: USB"
    assert live.start.reason() is None


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_an_arrow_key_on_the_source_opens_no_dialog(asked, live: LiveScreen, microphones, qtbot) -> None:
    qtbot.keyClick(live.source, Qt.Key.Key_Down)
    assert live.source.view().isVisible()
    live.source.hidePopup()
    assert live.source.currentText() == "Microphone: System default microphone"


def test_a_microphone_that_is_plugged_in_becomes_the_source(asked, live: LiveScreen, workspace, microphones) -> None:
    plugged, microphones[:] = microphones[:], []
    leave_and_return(workspace)
    assert "No microphone was found" in (live.start.reason() or "")
    asked.append("")
    pick(live, "Choose a file")
    assert "No microphone was found" in (live.start.reason() or "")
    microphones[:] = plugged
    leave_and_return(workspace)
    assert live.source.currentText() == "Microphone: System default microphone"
    assert live.start.reason() is None


# --- versions --------------------------------------------------------------------------------------


def listen(live: LiveScreen, file: Path, qtbot) -> None:
    live.use_file(file)
    live.toggle()
    qtbot.waitUntil(lambda: live.verdict.name.full_text() == "anger", timeout=20_000)


def stop(live: LiveScreen, qtbot) -> None:
    live.bridge.stop()
    qtbot.waitUntil(lambda: live.bridge.state is LiveState.IDLE, timeout=5_000)


def test_the_version_that_listens_is_the_one_that_is_shown(
    live: LiveScreen, adapted: Session, workspace: Workspace, qtbot, tone_clip
) -> None:
    listen(live, tone_clip("long.wav", duration_s=20.0), qtbot)
    assert add_version(adapted.project, labels=("fear", "joy", "awe")) == 2
    assert live.version.number() == 1
    assert live.version.count() == 2
    stop(live, qtbot)
    assert live.version.number() == 1, "the answer is of this one"
    assert "for all" in live.verdict.words.text()
    assert len(live.verdict.bars.scores()) == 2
    leave_and_return(workspace, Step.ADAPT)
    assert live.version.number() == 2, "a new version becomes the choice"
    assert live.verdict.name.full_text() == "Not listening"
    assert live.verdict.bars.scores() == (0.0, 0.0, 0.0)


def test_an_answer_goes_with_its_version(live: LiveScreen, adapted: Session, qtbot, tone_clip) -> None:
    listen(live, tone_clip("long.wav", duration_s=20.0), qtbot)
    add_version(adapted.project, labels=("fear", "joy", "awe"))
    adapted.project.remove_version(1)
    stop(live, qtbot)
    assert live.version.number() == 2
    qtbot.wait(50)
    assert live.verdict.name.full_text() == "Not listening"
    assert live.verdict.bars.scores() == (0.0, 0.0, 0.0)


def test_an_answer_stays_while_its_version_is_the_choice(live, adapted: Session, workspace, qtbot, tone_clip) -> None:
    live.use_file(tone_clip("short.wav", duration_s=0.6))
    with qtbot.waitSignal(live.bridge.ended, timeout=20_000):
        live.toggle()
    leave_and_return(workspace)
    assert live.verdict.name.full_text() == "anger"
    assert live.verdict.bars.scores() == (0.75, 0.25)
    add_version(adapted.project)
    assert live.verdict.name.full_text() == "Not listening"


@pytest.mark.parametrize(("count", "width", "height"), [(4, 1280, 800), (18, 960, 600)])
def test_bars_are_never_drawn_over_each_other(live: LiveScreen, window, qtbot, count, width, height) -> None:
    """Few have all the room that they like; many scroll."""
    window.resize(width, height)
    live.verdict.set_labels([BarLabel(f"label {number}", "#0077bb", "▲") for number in range(count)])
    bar = live.verdict.scroller.verticalScrollBar()
    if count > 10:
        qtbot.waitUntil(lambda: bar.maximum() > 0)
        assert live.verdict.bars.height() == count * LEAST_ROW_HEIGHT
        assert live.verdict.scroller.height() >= 4 * LEAST_ROW_HEIGHT
    else:
        qtbot.waitUntil(lambda: live.verdict.bars.height() == count * ROW_HEIGHT)
        assert bar.maximum() == 0
