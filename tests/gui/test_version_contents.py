"""Sizes and heads of versions, and what Share offers to export, over fake engine processes."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QProgressBar

from serstudio.gui.screens.adapt.versions_card import VersionsCard
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.widgets.share_bars import ShareBars
from serstudio.gui.widgets.text import ElidedText
from serstudio.gui.workspace import Workspace

DELTA = {"base": "compact", "fingerprint": "a" * 64, "borrowed": "b" * 64, "whole_bytes": 50_000_000}


def describe(session: Session, **config: object) -> None:
    """Write the version's folder as the engine would, weights of 20 kB."""
    folder = session.project.folder / session.project.versions()[0].folder
    (folder / "config.json").write_text(json.dumps({"base_licence": "MIT", "head": {"kind": "lda"}} | config))
    (folder / "model.safetensors").write_bytes(bytes(20_000))


@pytest.fixture
def delta(adapted: Session, workspace: Workspace) -> Session:
    describe(adapted, delta=DELTA)
    workspace.share.on_version_changed()
    return adapted


def test_a_version_tells_its_size_and_its_head(workspace: Workspace, delta: Session) -> None:
    card = workspace.adapt.findChild(VersionsCard)
    card.refresh()
    title, facts = (text.full_text() for text in card.rows[0].findChildren(ElidedText))
    assert title == "Version 1  ·  Tune: disjoint split"
    assert facts.startswith("2 steps, head Linear discriminant, base Compact")
    assert "20 kB" in [label.text() for label in card.rows[0].findChildren(QLabel)]


def test_a_version_whose_folder_is_gone_is_still_listed(workspace: Workspace, adapted: Session) -> None:
    folder = adapted.project.folder / adapted.project.versions()[0].folder
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    card = workspace.adapt.findChild(VersionsCard)
    card.refresh()
    assert "base Compact" in card.rows[0].findChildren(ElidedText)[1].full_text()


def test_whole_is_what_is_exported_unless_the_user_says_otherwise(
    workspace: Workspace, delta: Session, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = workspace.share
    workspace.show_step(Step.SHARE)
    assert [screen.contents.chooser.itemText(index) for index in range(2)] == [
        "The whole model, about 50 MB",
        "Without its base, 20 kB",
    ]
    screen.use_parent_folder(tmp_path / "out")
    asked = []
    start = delta.start

    def starting(step: Step, request):
        asked.append(request)
        return start(step, request)

    monkeypatch.setattr(delta, "start", starting)
    for choice, whole in ((0, True), (1, False)):
        screen.contents.chooser.setCurrentIndex(choice)
        assert ("same bundled base as yours" in screen.contents.words.text()) is not whole
        qtbot.mouseClick(screen.export.button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: delta.running_job(Step.SHARE) is None, timeout=20_000)
        assert asked[-1].whole is whole


def test_where_small_is_not_possible_the_screen_says_why(workspace: Workspace, delta: Session) -> None:
    workspace.show_step(Step.SHARE)
    contents = workspace.share.contents
    assert contents.chooser.isEnabled()
    assert contents.reason_line.isHidden()
    describe(delta, delta=DELTA | {"base": "hf:/home/ana/model"})
    workspace.share.on_version_changed()
    assert not contents.chooser.isEnabled()
    assert contents.is_whole()
    assert "hf:/home/ana/model, is not among the models here" in contents.reason_line.text()
    describe(delta)
    workspace.share.on_version_changed()
    assert "stored whole" in contents.reason_line.text()


def test_what_a_small_export_needs_is_told(workspace: Workspace, delta: Session) -> None:
    from serstudio.usecases.requests import ModelExported

    card = workspace.share.exported
    for needs, words in (("", "it holds everything"), ("xls-r-300m", "only where the model xls-r-300m has been added")):
        card.show_exported(ModelExported(Path("/x/m"), 1, 7, 0.0, 20_000, "MIT", needs))
        assert words in card.steps.text()
    assert "It takes 20 kB." in card.verified.text()


def test_what_a_version_tells_of_itself_is_shown_as_bars(workspace: Workspace, adapted: Session) -> None:
    card = workspace.adapt.findChild(VersionsCard)
    assert card.rows[0].findChild(ShareBars) is None
    describe(adapted, origin={"explanation": {"title": "What it hears", "shares": [["Voice", 0.75], ["Noise", 0.25]]}})
    card.refresh()
    bars = card.rows[0].findChild(ShareBars)
    assert bars.accessibleName() == "What it hears"
    assert bars.accessibleDescription() == "Voice 75%, Noise 25%"
    assert [bar.value() for bar in bars.findChildren(QProgressBar)] == [750, 250]


def test_a_system_is_listed_by_its_name_without_a_head(workspace: Workspace, adapted: Session) -> None:
    version = replace(adapted.project.versions()[0], number=2, method="hgfm", base="hgfm")
    adapted.project.add_version(version)
    describe(adapted, head={"kind": "linear"})
    card = workspace.adapt.findChild(VersionsCard)
    card.refresh()
    title, facts = (text.full_text() for text in card.rows[0].findChildren(ElidedText))
    assert title == "Version 2  ·  XLSR-HGFM"
    assert facts.startswith("2 steps, base its own")


def test_versions_call_their_base_as_every_other_page_does(workspace: Workspace, labelled: Session, qtbot) -> None:
    for base in ("compact", "xls-r-300m", "/runs/a/base"):
        workspace.adapt.advanced.base.choose(base)
        number = labelled.project.next_version_number()
        workspace.adapt.adapt()
        qtbot.waitUntil(lambda n=number: workspace.adapt.result_title.text() == f"Version {n} is ready", timeout=20_000)
        qtbot.waitUntil(lambda: labelled.running_job(Step.ADAPT) is None, timeout=20_000)
    rows = workspace.adapt.findChild(VersionsCard).rows
    facts = [row.findChildren(ElidedText)[1] for row in rows]
    named = [text.full_text().split("  ·  ")[0] for text in facts]
    assert named == ["25 steps, base base", "25 steps, base XLS-R 300M", "25 steps, base Compact"]
    assert facts[0].toolTip().endswith("Base: /runs/a/base")
    assert "Base:" not in facts[2].toolTip()
