"""Which version Live and Share use, while versions come and go."""

from fake_engine import add_version

from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.workspace import Workspace


def test_a_choice_stays_when_another_version_is_deleted(workspace: Workspace, adapted: Session) -> None:
    for number in (2, 3):
        assert add_version(adapted.project) == number
        assert workspace.share.version.number() == number, "a new version becomes the choice"
    chooser = workspace.share.version
    chooser.setCurrentIndex(chooser.findData(2))
    adapted.project.remove_version(1)
    assert chooser.number() == 2
    assert "model v2" in workspace.share.target.name
    adapted.project.remove_version(2)
    assert chooser.number() == 3, "what is chosen has gone: the newest"
    assert add_version(adapted.project) == 4
    assert chooser.number() == 4


def test_the_rail_names_the_version_that_is_chosen(workspace: Workspace, adapted: Session, qtbot) -> None:
    add_version(adapted.project)
    for screen, step, words in ((workspace.live, Step.LIVE, "Listen with"), (workspace.share, Step.SHARE, "Export")):
        item = workspace.rail.items[step]
        qtbot.waitUntil(lambda item=item, words=words: item.status.action == f"{words} version 2")
        screen.version.setCurrentIndex(screen.version.findData(1))
        qtbot.waitUntil(lambda item=item, words=words: item.status.action == f"{words} version 1")
