"""Bringing clips in: dropped, chosen, from a list, recorded; and what is said of those left out."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from engine.errors import MicrophoneError
from serstudio.gui.screens.collect import CollectScreen
from serstudio.gui.screens.collect.recorder_card import RecorderCard
from serstudio.gui.session import Session
from serstudio.gui.steps import Step, StepState
from serstudio.gui.widgets.meter import LevelMeter
from serstudio.gui.workspace import Workspace
from serstudio.usecases.record_clip import Recorder


@pytest.fixture
def screen(workspace: Workspace) -> CollectScreen:
    workspace.show_step(Step.COLLECT)
    return workspace.collect


def run_import(session: Session, qtbot, paths: list[Path]) -> None:
    with qtbot.waitSignal(session.import_reported, timeout=20_000):
        session.import_paths(paths)


def test_files_dropped_anywhere_are_imported_and_reported(
    workspace, session: Session, window, qtbot, tone_clip
) -> None:
    new, broken = tone_clip("more/new.wav", pitch_hz=999), tone_clip("more/broken.wav")
    broken.write_text("this is text")
    workspace.show_step(Step.LIVE)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in (new, broken)])
    where, button, modifier = QPointF(9, 9), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDropEvent(where, Qt.DropAction.CopyAction, data, button, modifier)
    with qtbot.waitSignal(session.import_reported, timeout=20_000):
        window.dropEvent(event)
    assert workspace.step is Step.COLLECT
    report = workspace.collect.report
    assert report.heading.text() == "1 clip added"
    assert not report.isHidden()
    assert "new.wav" in workspace.collect.newest.names()
    assert session.facts.clip_count == 9


def test_a_second_import_of_the_same_clips_adds_nothing(
    screen: CollectScreen, session, qtbot, clip_folder: Path
) -> None:
    run_import(session, qtbot, [clip_folder])
    assert screen.report.heading.text() == "No clip was added"
    assert session.facts.clip_count == 8


def test_a_csv_is_taken_as_a_list_with_labels_and_speakers(
    screen, session: Session, qtbot, tone_clip, tmp_path
) -> None:
    tone_clip("listed/one.wav", pitch_hz=700)
    tone_clip("listed/two.wav", pitch_hz=800)
    manifest = tmp_path / "listed" / "list.csv"
    manifest.write_text("file,label,speaker\none.wav,joy,Ana\ntwo.wav,disgust,Ben\n", encoding="utf-8")
    run_import(session, qtbot, [manifest])
    clips = {clip.name: clip for clip in session.project.clips()}
    assert clips["one.wav"].speaker == "Ana"
    assert {label.name for label in session.project.labels()} == {"anger", "fear", "joy", "disgust"}
    assert session.project.undo_text


def test_an_error_of_the_list_reaches_the_banner(screen, session: Session, workspace, qtbot, tmp_path: Path) -> None:
    manifest = tmp_path / "bad.csv"
    manifest.write_text("path,emotion\na.wav,joy\n", encoding="utf-8")
    session.import_paths([manifest])
    qtbot.waitUntil(lambda: not workspace.banner.isHidden(), timeout=20_000)
    assert "file" in workspace.banner.message.text() + workspace.banner.hint.text()
    assert session.import_reason() is None


def test_while_importing_the_buttons_say_why_they_wait(
    screen: CollectScreen, session, qtbot, clip_folder: Path
) -> None:
    with qtbot.waitSignal(session.import_reported, timeout=20_000):
        session.import_paths([clip_folder])
        assert not screen.drop_zone.files.button.isEnabled()
        assert "import is running" in (screen.drop_zone.files.reason() or "")
        assert session.statuses()[Step.COLLECT].state is StepState.BUSY
    qtbot.waitUntil(lambda: screen.drop_zone.files.reason() is None)


def test_a_clip_is_taken_out_and_comes_back(screen: CollectScreen, session: Session, workspace, qtbot) -> None:
    last = session.project.clips()[-1]
    screen.newest.on_removed(last.id)
    assert session.facts.clip_count == 7
    workspace.toast.on_action_clicked()
    assert session.project.clips()[-1] == last


def test_no_microphone_is_said_and_importing_still_works(session: Session, qtbot) -> None:
    card = RecorderCard(session, lambda: [])
    qtbot.addWidget(card)
    card.show()
    assert "No microphone" in card.banner.message.text()
    assert card.banner.hint.text()
    assert not card.record.button.isEnabled()
    assert card.record.reason()
    card.toggle_recording()
    assert not card.recording


def test_a_missing_portaudio_is_said_in_its_own_words(session: Session, qtbot) -> None:
    def refuse() -> list:
        raise MicrophoneError("The PortAudio library is missing.", "Install it.")

    card = RecorderCard(session, refuse)
    qtbot.addWidget(card)
    card.show()
    assert card.banner.message.text() == "The PortAudio library is missing."


@pytest.mark.microphone
def test_recording_with_a_level_and_the_clip_in_the_list(null_sink, screen, session: Session, qtbot, tone_clip) -> None:
    card = screen.recorder
    card.look_for_devices()
    card.switch.setChecked(True)
    with null_sink.playing(tone_clip("played.wav", duration_s=6.0, rate_hz=44_100)):
        qtbot.waitUntil(
            lambda: card.meter.accessibleDescription().startswith("peak -") and card.meter._rms_dbfs > -50,
            timeout=8_000,
        )
        card.toggle_recording()
        assert card.recording
        assert card.record.button.text() == "Stop"
        qtbot.waitUntil(lambda: card._recorder.elapsed_s > 1.0, timeout=8_000)
        card.toggle_recording()
    clip = session.project.clips()[-1]
    assert clip.duration_s >= 1.0
    assert clip.name in screen.newest.names()
    card.close_devices()


@pytest.mark.microphone
@pytest.mark.parametrize("recording", [True, False])
def test_an_unplugged_microphone_promises_no_clip_that_is_not_there(
    null_sink, screen, session: Session, qtbot, monkeypatch, recording: bool
) -> None:
    """And the microphones can be looked for again at once."""
    card, before = screen.recorder, session.clips.total()
    card.look_for_devices()
    card.switch.setChecked(True)
    if recording:
        card.toggle_recording()
        qtbot.waitUntil(lambda: card._recorder.elapsed_s > 0.5, timeout=8_000)
    monkeypatch.setattr(Recorder, "problem", "The microphone is no longer there.")
    qtbot.waitUntil(lambda: card._recorder is None, timeout=5_000)
    assert card.banner.message.text() == "The microphone is no longer there."
    assert ("is in the project" in card.banner.hint.text()) == (session.clips.total() > before) == recording
    assert not card.again.isHidden()
    card.again.click()
    assert card.banner.isHidden()
    assert card.again.isHidden()


@pytest.mark.microphone
def test_leaving_the_screen_closes_the_microphone(null_sink, screen, workspace: Workspace, qtbot) -> None:
    screen.recorder.look_for_devices()
    screen.recorder.switch.setChecked(True)
    assert screen.recorder._recorder is not None
    workspace.show_step(Step.ADAPT)
    assert screen.recorder._recorder is None


def test_the_meter_marks_clipping_and_a_click_resets_it(qtbot) -> None:
    meter = LevelMeter()
    qtbot.addWidget(meter)
    meter.set_active(True)
    meter.resize(400, 40)
    meter.show_level(0.0, -3.0, clipped=True)
    assert meter.clipped
    assert "clipped" in meter.accessibleDescription()
    with qtbot.waitSignal(meter.clip_reset):
        qtbot.mouseClick(meter, Qt.MouseButton.LeftButton, pos=meter.rect().topRight())
    meter.grab()
