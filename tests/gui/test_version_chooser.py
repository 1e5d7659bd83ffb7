"""Which version Live and Share use, while versions come and go."""

from dataclasses import replace

from serstudio.gui.session import Session
from serstudio.gui.workspace import Workspace


def add_version(session: Session) -> int:
    """Another version like the first one, in its folder; returns its number."""
    number = session.project.next_version_number()
    session.project.add_version(replace(session.project.versions()[0], number=number))
    return number


def test_a_choice_stays_when_another_version_is_deleted(workspace: Workspace, adapted: Session) -> None:
    for number in (2, 3):
        assert add_version(adapted) == number
        assert workspace.share.version.number() == number, "a new version becomes the choice"
    chooser = workspace.share.version
    chooser.setCurrentIndex(chooser.findData(2))
    adapted.project.remove_version(1)
    assert chooser.number() == 2
    assert "model v2" in workspace.share.target.name
    adapted.project.remove_version(2)
    assert chooser.number() == 3, "what is chosen has gone: the newest"
    assert add_version(adapted) == 4
    assert chooser.number() == 4
