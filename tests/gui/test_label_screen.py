"""Labelling with keys, and what is shown of the current clip."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from serstudio.gui.bridge import clip_loader
from serstudio.gui.bridge.player import PlaybackError, Player
from serstudio.gui.screens.label import LabelScreen
from serstudio.gui.screens.label.label_editor import LabelEditor
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.workspace import Workspace
from serstudio.project import Project


@pytest.fixture
def screen(workspace: Workspace, qtbot) -> LabelScreen:
    workspace.show_step(Step.LABEL)
    workspace.activateWindow()
    workspace.label.list.select_row(0)
    workspace.label.list.view.setFocus()
    qtbot.waitUntil(lambda: workspace.label.clip_view.picture is not None, timeout=5_000)
    return workspace.label


def label_names(session: Session) -> list[str | None]:
    known = {label.id: label.name for label in session.project.labels()}
    return [known.get(clip.label_id) if clip.label_id else None for clip in session.project.clips()]


def press(screen: LabelScreen, qtbot, key: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(screen.list.view, key, modifier)


def test_digit_keys_label_and_advance(screen: LabelScreen, session: Session, qtbot) -> None:
    for key in (Qt.Key.Key_1, Qt.Key.Key_3, Qt.Key.Key_2):
        press(screen, qtbot, key)
    assert label_names(session)[:4] == ["anger", "joy", "fear", None]
    assert screen.list.view.currentIndex().row() == 3


def test_advancing_skips_clips_that_have_a_label(screen: LabelScreen, session: Session, qtbot) -> None:
    ids = [clip.id for clip in session.project.clips()]
    session.project.set_label(ids[1:4], session.project.labels()[0].id)
    press(screen, qtbot, Qt.Key.Key_2)
    assert screen.list.current_id == ids[4]


def test_the_last_unlabelled_clip_stays_and_says_so(screen: LabelScreen, session: Session, qtbot, workspace) -> None:
    for _ in range(8):
        press(screen, qtbot, Qt.Key.Key_1)
    assert label_names(session) == ["anger"] * 8
    assert "Every clip" in workspace.toast.message.text()


def test_undo_and_redo_are_unlimited_and_say_what(screen: LabelScreen, session: Session, qtbot) -> None:
    for _ in range(3):
        press(screen, qtbot, Qt.Key.Key_1)
    qtbot.waitUntil(lambda: "anger" in screen.undo.toolTip())
    assert "Ctrl+Z" in screen.undo.toolTip()
    for _ in range(3):
        press(screen, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert label_names(session) == [None] * 8
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    press(screen, qtbot, Qt.Key.Key_Z, both)
    assert label_names(session)[0] == "anger"


def test_backspace_takes_the_label_off(screen: LabelScreen, session: Session, qtbot) -> None:
    press(screen, qtbot, Qt.Key.Key_1)
    screen.list.select_row(0)
    press(screen, qtbot, Qt.Key.Key_Backspace)
    assert label_names(session)[0] is None


def test_several_selected_clips_are_labelled_at_once(screen: LabelScreen, session: Session, qtbot) -> None:
    for _ in range(2):
        press(screen, qtbot, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    press(screen, qtbot, Qt.Key.Key_2)
    assert label_names(session)[:4] == ["fear"] * 3 + [None]
    session.undo()
    assert label_names(session) == [None] * 8, "one action, one undo"


def test_in_the_unlabelled_filter_labelled_clips_leave_the_list(screen: LabelScreen, session: Session, qtbot) -> None:
    screen.list.filter.setCurrentIndex(1)
    screen.list.on_filter_activated()
    first = screen.list.current_id
    press(screen, qtbot, Qt.Key.Key_1)
    assert session.clips.rowCount() == 7
    assert screen.list.current_id not in (None, first)
    press(screen, qtbot, Qt.Key.Key_1)
    assert label_names(session)[:3] == ["anger", "anger", None]


def test_typing_in_a_field_does_not_label(screen: LabelScreen, session: Session, qtbot) -> None:
    screen.list.search.setFocus()
    qtbot.keyClicks(screen.list.search, "1")
    assert screen.list.search.text() == "1"
    assert label_names(session) == [None] * 8


def test_the_speaker_is_kept_and_offered_again(screen: LabelScreen, session: Session, qtbot) -> None:
    screen.bar.speaker.setFocus()
    qtbot.keyClicks(screen.bar.speaker, "Ana")
    qtbot.keyClick(screen.bar.speaker, Qt.Key.Key_Return)
    assert session.project.clips()[0].speaker == "Ana"
    qtbot.waitUntil(lambda: screen.bar.speaker.completer().completionCount() == 1)


def test_a_speaker_typed_in_another_spelling_is_shown_as_it_is_kept(
    screen: LabelScreen, session: Session, qtbot
) -> None:
    session.project.set_speaker([clip.id for clip in session.project.clips()], "Ana")
    screen.bar.speaker.setFocus()
    screen.bar.speaker.selectAll()
    qtbot.keyClicks(screen.bar.speaker, "ana")
    qtbot.keyClick(screen.bar.speaker, Qt.Key.Key_Return)
    assert (session.project.clips()[0].speaker, screen.bar.speaker.text()) == ("Ana", "Ana")


def test_a_speaker_being_typed_is_of_the_clip_that_is_labelled(screen: LabelScreen, session: Session, qtbot) -> None:
    """A label button takes no focus: the field is still being typed in when the next clip comes."""
    screen.bar.speaker.setFocus()
    qtbot.keyClicks(screen.bar.speaker, "Zoe")
    first_label = session.project.labels()[0].id
    qtbot.mouseClick(screen.bar.buttons[first_label], Qt.MouseButton.LeftButton)
    assert screen.list.view.currentIndex().row() == 1
    assert screen.bar.speaker.text() == ""
    qtbot.keyClick(screen.bar.speaker, Qt.Key.Key_Return)
    assert [clip.speaker for clip in session.project.clips()[:2]] == ["Zoe", None]
    assert label_names(session)[:2] == ["anger", None]


def test_a_speaker_being_typed_is_kept_when_the_project_is_closed(window, project_folder: Path, qtbot) -> None:
    window.open_project(project_folder)
    window.activateWindow()
    workspace = window.workspace
    workspace.show_step(Step.LABEL)
    workspace.label.list.select_row(0)
    workspace.label.bar.speaker.setFocus()
    qtbot.waitUntil(workspace.label.bar.speaker.hasFocus, timeout=5_000)
    qtbot.keyClicks(workspace.label.bar.speaker, "Zoe")
    window.close_project()
    with Project.open(project_folder) as project:
        assert project.clips()[0].speaker == "Zoe"


def test_the_place_in_the_list_is_true_whatever_comes_and_goes(screen: LabelScreen, session: Session, qtbot) -> None:
    assert screen.position.text() == "1 of 8"
    screen.list.filter.setCurrentIndex(1)
    screen.list.on_filter_activated()
    for left in (7, 6):  # each labelled clip leaves the list of those without a label
        press(screen, qtbot, Qt.Key.Key_1)
        assert screen.position.text() == f"{screen.list.view.currentIndex().row() + 1} of {left}"
    screen.list.search.setText(session.project.clips()[4].name)
    assert screen.position.text() == "1 of 1"
    screen.list.search.setText("nothing is called so")
    assert screen.position.text() == ""


def test_every_label_can_be_had_in_the_smallest_window(window, screen: LabelScreen, session: Session, qtbot) -> None:
    """18 labels want more room than there is: they scroll."""
    for number in range(15):
        session.project.add_label(f"emotion {number}")
    window.resize(window.minimumSize())
    qtbot.waitUntil(lambda: len(screen.bar.buttons) == 18 and window.height() == 600, timeout=5_000)
    bar, last = screen.bar.area.verticalScrollBar(), list(screen.bar.buttons.values())[-1]
    qtbot.waitUntil(lambda: bar.maximum() > 200, timeout=5_000)
    assert last.visibleRegion().isEmpty()

    def is_seen_at_the_end() -> bool:
        bar.setValue(bar.maximum())
        return last.visibleRegion().boundingRect() == last.rect()

    qtbot.waitUntil(is_seen_at_the_end, timeout=5_000)
    window.resize(1600, 1000)
    qtbot.waitUntil(lambda: bar.maximum() == 0, timeout=5_000)


def test_many_clips_go_at_once(screen: LabelScreen, session: Session) -> None:
    """As when an import is undone: none of those that go is shown on the way, and nothing is complained of."""
    complaints, shown = [], []
    session.error_raised.connect(complaints.append)
    screen.list.current_changed.connect(shown.append)
    clips = session.project.clips()
    session.project.remove_clips([clip.id for clip in clips[:5]])
    assert screen.list.current_id == clips[5].id
    assert screen.position.text() == "1 of 3"
    session.project.remove_clips([clip.id for clip in reversed(clips[5:])])
    assert (screen.list.current_id, screen.position.text()) == (None, "")
    assert not complaints
    assert {clip_id for clip_id in shown if clip_id is not None} == {clips[5].id}


def test_a_label_with_the_key_l_takes_it_from_loop(screen: LabelScreen, session: Session, qtbot) -> None:
    press(screen, qtbot, Qt.Key.Key_L)
    assert screen.clip_view.loop.isChecked()
    session.project.edit_label(session.project.labels()[0].id, key="l")
    press(screen, qtbot, Qt.Key.Key_L)
    assert label_names(session)[0] == "anger"
    assert "L" not in screen.clip_view.loop.toolTip().split("(")[-1] or "(" not in screen.clip_view.loop.toolTip()


def test_the_buttons_count_towards_enough(screen: LabelScreen, session: Session, qtbot) -> None:
    anger = session.project.labels()[0]
    button = screen.bar.buttons[anger.id]
    assert button.progress_text() == "0/5"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: button.progress_text() == "1/5")
    assert not button.isChecked(), "the next clip has no label yet"


def test_the_clip_is_read_off_the_gui_thread(
    screen: LabelScreen, session: Session, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    real = clip_loader.picture_of

    def watched(*arguments: object) -> object:
        threads.append(threading.get_ident())
        return real(*arguments)

    monkeypatch.setattr(clip_loader, "picture_of", watched)
    screen.show_clip(session.project.clips()[3].id)
    qtbot.waitUntil(lambda: bool(threads), timeout=5_000)
    assert threading.get_ident() not in threads


def test_the_clip_is_shown_as_a_picture(screen: LabelScreen) -> None:
    picture = screen.clip_view.picture
    assert picture is not None
    assert picture.mel.ndim == 2
    assert picture.mel.max() <= 1.0
    assert picture.envelope.shape[1] == 2


def test_a_clip_that_cannot_be_read_says_why(screen: LabelScreen, session: Session, qtbot) -> None:
    clip = session.project.clips()[4]
    session.project.clip_path(clip).write_text("not audio")
    screen.show_clip(clip.id)
    qtbot.waitUntil(lambda: not screen.clip_view.note.isHidden(), timeout=5_000)
    assert screen.clip_view.note.text()
    assert not screen.clip_view.play.isEnabled()
    assert screen.clip_view.play.toolTip()


def test_a_lost_recording_is_back_when_its_original_is_imported_again(
    screen: LabelScreen, session: Session, clip_folder: Path, qtbot
) -> None:
    clip = session.project.clips()[4]
    session.project.clip_path(clip).unlink()
    screen.show_clip(clip.id)
    qtbot.waitUntil(lambda: not screen.clip_view.note.isHidden(), timeout=5_000)
    assert screen.clip_view.note.text().endswith(
        "Import the original again, or a copy of it: the clip keeps its label and speaker."
    )
    session.import_paths([clip_folder / clip.name])
    qtbot.waitUntil(screen.clip_view.play.isEnabled, timeout=20_000)
    assert screen.list.current_id == clip.id
    assert screen.clip_view.note.isHidden()


def test_a_clip_can_be_asked_for_from_elsewhere(screen: LabelScreen, session: Session, workspace) -> None:
    screen.list.search.setText("nothing like it")
    wanted = session.project.clips()[5].id
    workspace.show_step(Step.CHECK)
    session.clip_requested.emit(wanted)
    assert workspace.step is Step.LABEL
    assert screen.list.current_id == wanted


def test_no_clips_shows_what_to_do(window, tmp_path: Path) -> None:
    from serstudio.project import Project

    Project.create(tmp_path / "empty", "Empty", "pl", []).close()
    window.open_project(tmp_path / "empty")
    screen = window.workspace.label
    assert screen._pages.currentIndex() == 1


# --- the player ------------------------------------------------------------------------------------


class FakeStream:
    """Takes blocks when the test asks."""

    def __init__(self, rate_hz: int, fill) -> None:
        self.fill = fill
        self.started = self.closed = False

    def start(self) -> None:
        self.started = True

    def stop(self) -> None: ...

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def streams() -> list[FakeStream]:
    return []


@pytest.fixture
def player(qapp, streams: list[FakeStream]) -> Player:
    def open_stream(rate_hz: int, fill) -> FakeStream:
        streams.append(FakeStream(rate_hz, fill))
        return streams[-1]

    player = Player(None, open_stream)
    player.load(np.arange(1000, dtype=np.float32), 1000)
    return player


def test_the_player_plays_to_the_end_and_returns(player: Player, streams: list[FakeStream], qtbot) -> None:
    player.play()
    out = np.empty(600, np.float32)
    assert streams[0].fill(out)
    assert out[0] == 0
    assert out[-1] == 599
    assert not streams[0].fill(out)
    assert (out[400:] == 0).all(), "silence after the end"
    qtbot.waitUntil(lambda: not player.playing)
    assert streams[0].closed
    assert player.place_s == 0.0


def test_the_player_loops_and_pauses(player: Player, streams: list[FakeStream]) -> None:
    player.set_loop(True)
    player.play()
    assert streams[0].fill(np.empty(1200, np.float32))
    assert streams[0].fill(np.empty(250, np.float32))
    player.toggle()
    assert not player.playing
    assert player.place_s == pytest.approx(0.25)


def test_no_loudspeaker_is_said_in_the_banner(screen: LabelScreen, workspace: Workspace, monkeypatch) -> None:
    def refuse(rate_hz: int, fill) -> FakeStream:
        raise PlaybackError("No loudspeaker could be opened.", "Plug in headphones.")

    monkeypatch.setattr(screen.clip_view.player, "_open_stream", refuse)
    screen.clip_view.toggle_play()
    assert "loudspeaker" in workspace.banner.message.text()


# --- the label editor ------------------------------------------------------------------------------


@pytest.fixture
def editor(screen: LabelScreen, session: Session, qtbot) -> LabelEditor:
    editor = LabelEditor(session, screen)
    qtbot.addWidget(editor)
    editor.show()
    return editor


def test_labels_are_added_in_any_script(editor: LabelEditor, session: Session, screen: LabelScreen, qtbot) -> None:
    for name in ("хурсандӣ", "غضب"):
        editor.new_name.setText(name)
        editor.on_add()
    assert [label.name for label in session.project.labels()][-2:] == ["хурсандӣ", "غضب"]
    qtbot.waitUntil(lambda: len(screen.bar.buttons) == 5)


def test_a_refused_change_goes_back_with_the_reason(editor: LabelEditor, session: Session) -> None:
    row = editor.rows[0]
    row.name.setText("joy")
    row.on_editing_finished()
    assert row.name.text() == "anger"
    assert not editor.banner.isHidden()
    row.key.setText("3")
    row.on_editing_finished()
    assert session.project.labels()[0].key == "1"


def test_colour_symbol_and_key_are_kept_at_once(editor: LabelEditor, session: Session) -> None:
    row = editor.rows[0]
    row.on_colour_chosen("#aa4499")
    row.on_symbol_chosen("♥")
    row.key.setText("Q")
    row.on_editing_finished()
    label = session.project.labels()[0]
    assert (label.colour, label.symbol, label.key) == ("#aa4499", "♥", "q")


def test_removing_a_label_can_be_undone(editor: LabelEditor, session: Session, workspace: Workspace) -> None:
    label = session.project.labels()[0]
    session.project.set_label([session.project.clips()[0].id], label.id)
    editor.on_removed(label.id)
    assert label_names(session)[0] is None
    workspace.toast.on_action_clicked()
    assert label_names(session)[0] == "anger"


def test_undo_works_in_the_editor_too(editor: LabelEditor, session: Session, qtbot) -> None:
    editor.new_name.setText("awe")
    editor.on_add()
    assert len(editor.rows) == 4
    editor.on_undo()
    assert len(editor.rows) == 3
    assert [label.name for label in session.project.labels()] == ["anger", "fear", "joy"]
