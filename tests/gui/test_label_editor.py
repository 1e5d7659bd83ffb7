"""The Labels dialog by keys and clicks: each change is kept at once and can be taken back."""

import pytest
from PySide6.QtCore import Qt

from serstudio.gui.screens.label.label_editor import LabelEditor
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.workspace import Workspace


@pytest.fixture
def editor(workspace: Workspace, qtbot) -> LabelEditor:
    workspace.show_step(Step.LABEL)
    workspace.label.edit_labels()
    editor = workspace.findChild(LabelEditor)
    with qtbot.waitActive(editor):
        editor.activateWindow()
    return editor


def names(session: Session) -> list[str]:
    return [label.name for label in session.project.labels()]


def press_undo(editor: LabelEditor, qtbot) -> None:
    qtbot.keyClick(editor.focusWidget(), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)


def test_ctrl_z_takes_back_what_was_typed_and_then_the_last_change(editor, session: Session, qtbot) -> None:
    qtbot.keyClicks(editor.new_name, "awe")
    qtbot.keyClick(editor.new_name, Qt.Key.Key_Return)
    assert names(session) == ["anger", "fear", "joy", "awe"]
    assert editor.focusWidget() is editor.new_name
    qtbot.keyClicks(editor.new_name, "bliss")
    press_undo(editor, qtbot)
    assert editor.new_name.text() == ""
    assert len(names(session)) == 4
    press_undo(editor, qtbot)
    assert names(session) == ["anger", "fear", "joy"]
    assert [row.name.text() for row in editor.rows] == names(session)
    assert editor.new_name.text() == ""


def test_ctrl_z_in_the_name_of_a_label_undoes_once_it_is_kept(editor, session: Session, qtbot) -> None:
    line = editor.rows[0].name
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, "rage")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert names(session)[0] == "rage"
    press_undo(editor, qtbot)
    assert names(session)[0] == "anger"
    assert editor.rows[0].name.text() == "anger"
