"""The Labels dialog by keys and clicks: each change is kept at once and can be taken back."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QPushButton

from serstudio.gui.screens.label.label_editor import LabelEditor
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.workspace import Workspace
from serstudio.project import Project


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


# --- what is typed and not entered -----------------------------------------------------------------


def click(button: QPushButton, qtbot) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def retype(line: QLineEdit, text: str, qtbot) -> None:
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)


def bin_of(editor: LabelEditor, name: str) -> QPushButton:
    return next(each for each in editor.findChildren(QPushButton) if each.accessibleName() == f"Remove {name}")


def test_done_adds_the_label_that_was_typed(editor: LabelEditor, session: Session, qtbot) -> None:
    qtbot.keyClicks(editor.new_name, "awe")
    click(editor.done_button, qtbot)
    assert names(session) == ["anger", "fear", "joy", "awe"]
    assert editor.result() == LabelEditor.DialogCode.Accepted


def test_done_stays_where_a_name_is_refused(editor: LabelEditor, session: Session, workspace, qtbot) -> None:
    qtbot.keyClicks(editor.new_name, "Joy")
    click(editor.done_button, qtbot)
    assert editor.isVisible()
    assert editor.banner.message.text() == "There is a label 'joy' already."
    assert editor.new_name.text() == "Joy"
    editor.new_name.setText("")
    retype(editor.rows[0].name, "fear", qtbot)
    click(editor.done_button, qtbot)
    assert editor.isVisible()
    assert editor.banner.message.text() == "There is a label 'fear' already."
    click(editor.done_button, qtbot)
    assert editor.isHidden()
    assert names(session) == ["anger", "fear", "joy"]
    assert workspace.banner.isHidden()


def test_a_label_goes_with_what_was_typed_in_its_name(editor, session: Session, workspace, qtbot) -> None:
    retype(editor.rows[0].name, "rage", qtbot)
    click(bin_of(editor, "anger"), qtbot)
    qtbot.wait(50)
    assert names(session) == ["fear", "joy"]
    assert editor.banner.isHidden()
    assert workspace.banner.isHidden()
    session.undo()
    assert names(session) == ["anger", "fear", "joy"]


def test_what_was_typed_in_another_name_is_kept_before_a_label_goes(editor, session: Session, workspace, qtbot) -> None:
    retype(editor.rows[0].name, "rage", qtbot)
    click(bin_of(editor, "joy"), qtbot)
    qtbot.wait(50)
    assert names(session) == ["rage", "fear"]
    assert [row.name.text() for row in editor.rows] == names(session)
    assert workspace.toast.message.text() == "Label joy removed"
    workspace.toast.on_action_clicked()
    assert names(session) == ["rage", "fear", "joy"]


# --- a label that another window removed meanwhile -------------------------------------------------


def remove_elsewhere(session: Session, name: str) -> None:
    with Project.open(session.project.folder) as elsewhere:
        label = elsewhere.find_label(name)
        assert label is not None
        elsewhere.remove_label(label.id)


def test_done_says_which_label_is_gone_keeps_the_rest_and_closes_then(editor, session, workspace, qtbot) -> None:
    remove_elsewhere(session, "anger")
    editor.rows[0].name.setText("rage")
    retype(editor.rows[2].name, "bliss", qtbot)
    click(editor.done_button, qtbot)
    assert editor.isVisible()
    assert editor.banner.message.text() == "That label is no longer in the project."
    assert not editor.banner.isHidden()
    assert names(session) == ["fear", "bliss"]
    assert [row.name.text() for row in editor.rows] == names(session)
    click(editor.done_button, qtbot)
    assert editor.result() == LabelEditor.DialogCode.Accepted
    assert workspace.banner.isHidden()


def test_the_row_of_a_label_that_is_gone_goes_and_what_is_typed_elsewhere_stays(editor, session, qtbot) -> None:
    remove_elsewhere(session, "anger")
    editor.rows[2].name.setText("bli")
    editor.new_name.setText("awe")
    editor.rows[0].on_colour_chosen("#aa4499")
    qtbot.wait(50)
    assert editor.banner.message.text() == "That label is no longer in the project."
    assert [row.name.text() for row in editor.rows] == ["fear", "bli"]
    assert editor.new_name.text() == "awe"
    click(editor.done_button, qtbot)
    assert editor.isHidden()
    assert names(session) == ["fear", "bli", "awe"]


def test_the_bin_of_a_label_that_is_gone_says_so(editor, session: Session, workspace, qtbot) -> None:
    remove_elsewhere(session, "anger")
    retype(editor.rows[1].name, "dread", qtbot)
    click(bin_of(editor, "anger"), qtbot)
    qtbot.wait(50)
    assert editor.banner.message.text() == "That label is no longer in the project."
    assert [row.name.text() for row in editor.rows] == names(session) == ["dread", "joy"]
    assert workspace.banner.isHidden()
    assert workspace.toast.isHidden()


# --- many labels -----------------------------------------------------------------------------------


def test_the_dialog_stays_on_the_screen_with_many_labels(editor, session: Session, workspace, qtbot) -> None:
    before = editor.height()
    qtbot.keyClicks(editor.new_name, "awe")
    qtbot.keyClick(editor.new_name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: editor.height() > before)
    assert editor.scroller.verticalScrollBar().maximum() == 0, "few labels are all in sight"
    editor.close()
    for number in range(15):
        session.project.add_label(f"label {number}")
    editor = LabelEditor(session, workspace.label)
    qtbot.addWidget(editor)
    editor.show()
    qtbot.waitUntil(lambda: editor.scroller.verticalScrollBar().maximum() > 0)
    room = editor.screen().availableGeometry()
    assert editor.height() <= room.height() * 0.9
    assert editor.done_button.geometry().bottom() < editor.height()
    qtbot.keyClicks(editor.new_name, "last")
    click(editor.add, qtbot)
    qtbot.waitUntil(lambda: not editor.rows[-1].visibleRegion().isEmpty())
    assert editor.rows[-1].name.text() == "last"
    assert room.contains(editor.geometry())
    editor.scroller.verticalScrollBar().setValue(100)
    click(bin_of(editor, "label 9"), qtbot)
    qtbot.wait(50)
    assert editor.scroller.verticalScrollBar().value() == 100, "the list stays where it was"
