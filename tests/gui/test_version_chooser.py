"""Which version Live and Share use, while versions come and go."""

from fake_engine import add_version

from serstudio.gui.session import Session
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
