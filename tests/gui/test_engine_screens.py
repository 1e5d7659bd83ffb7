"""Adapt, Check and Share over fake engine processes: reasons, progress, results."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fake_engine import ENDLESS, REFUSED, STUBBORN
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from engine.choices import HEADS, METHODS, SYSTEMS, TRAINED, TUNING_METHODS, Recommended
from serstudio.gui.main_window import MainWindow
from serstudio.gui.session import Session
from serstudio.gui.steps import Step, StepState
from serstudio.gui.workspace import Workspace
from serstudio.method_words import (
    HEAD_SENTENCES,
    HEAD_TITLES,
    LAST_LAYER,
    METHOD_SENTENCES,
    METHOD_SOURCES,
    METHOD_SUMMARIES,
    METHOD_TITLES,
    TRAINED_TITLES,
)
from serstudio.usecases.requests import MachineDescribed, ModelExported

# --- adapt -----------------------------------------------------------------------------------------


def adapt_now(workspace: Workspace, qtbot) -> None:
    workspace.show_step(Step.ADAPT)
    qtbot.mouseClick(workspace.adapt.button.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: workspace.session.running_job(Step.ADAPT) is None, timeout=20_000)


def test_adapt_says_why_it_cannot(workspace: Workspace, session: Session) -> None:
    button = workspace.adapt.button
    assert not button.button.isEnabled()
    assert "labelled clips" in button.reason()
    assert button.button.toolTip() == button.reason()
    assert button.reason_line.isVisibleTo(workspace.adapt)


def test_adapt_makes_a_version_and_says_so(workspace: Workspace, labelled: Session, qtbot) -> None:
    assert "6 labelled clips" in workspace.adapt.plan.text()
    adapt_now(workspace, qtbot)
    assert workspace.adapt.result_title.text() == "Version 1 is ready"
    assert workspace.adapt.notes.count() == 1, "the warning of the run is shown"
    qtbot.waitUntil(lambda: labelled.statuses()[Step.ADAPT].state is StepState.DONE)
    assert labelled.statuses()[Step.LIVE].state is StepState.READY


def test_progress_shows_step_loss_and_time_and_the_window_lives(workspace, labelled: Session, qtbot) -> None:
    screen = workspace.adapt
    screen.advanced.base.choose(ENDLESS)
    workspace.show_step(Step.ADAPT)
    screen.adapt()
    qtbot.waitUntil(lambda: bool(screen.progress.line.values()), timeout=20_000)
    assert "of 25" in screen.progress.words.text()
    assert "left" in screen.progress.left.text()
    assert labelled.statuses()[Step.ADAPT].state is StepState.BUSY
    labelled.project.set_label([labelled.project.clips()[7].id], labelled.project.labels()[2].id)
    qtbot.waitUntil(lambda: labelled.facts.labelled == 7, timeout=1_000)
    assert "Adapt is running" in (workspace.check.button.reason() or "")
    qtbot.mouseClick(screen.progress.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: labelled.running_job(Step.ADAPT) is None, timeout=1_500)
    assert not labelled.project.versions()
    assert screen.progress.isHidden()
    assert "Cancelled" in workspace.toast.message.text()


def test_a_refusal_is_shown_in_the_banner(workspace: Workspace, labelled: Session, qtbot) -> None:
    workspace.adapt.advanced.base.choose(REFUSED)
    adapt_now(workspace, qtbot)
    assert workspace.banner.message.text() == "Only one label has clips."
    assert workspace.banner.hint.text() == "Label clips of a second one."


def test_advanced_values_reach_the_request_and_bad_ones_are_refused(workspace, labelled: Session, tmp_path) -> None:
    advanced = workspace.adapt.advanced
    advanced.method.setCurrentIndex(advanced.method.findData("pmf"))
    advanced.steps.set_value(7)
    advanced.seed.set_value(3)
    advanced.trained.setCurrentIndex(advanced.trained.findData("norms"))
    advanced.head.setCurrentIndex(advanced.head.findData("lda"))
    request = advanced.request(tmp_path)
    assert (request.method, request.steps, request.seed, request.device) == ("pmf", 7, 3, "auto")
    assert (request.learning_rate, request.trained, request.head) == (1e-5, "norms", "lda")
    advanced.rate.setText("")
    assert "learning rate" in (workspace.adapt.button.reason() or "")
    advanced.set_defaults()
    assert workspace.adapt.button.reason() is None


def test_left_alone_everything_is_as_the_base_recommends(workspace, labelled: Session, tmp_path) -> None:
    advanced = workspace.adapt.advanced
    request = advanced.request(tmp_path)
    assert (request.method, request.steps, request.learning_rate) == (None, None, None)
    assert (request.head, request.trained, request.speaker_mean) == (None, None, None)
    assert not advanced.steps.isEnabled()
    assert "method that tunes" in advanced.steps.toolTip()
    recommended = Recommended("disjoint", 12, 3e-5, trained="norms")
    machine = MachineDescribed("A machine", ("cpu",), 30.0, 2.5, recommended=recommended)
    labelled.services.machine.on_described(machine)
    assert "tunes it in 12 steps" in workspace.adapt.plan.text()
    assert (advanced.steps.value(), advanced.rate.text()) == (12, "3e-05")
    advanced.base.choose("/somewhere/other")
    assert "in the way that it recommends" in workspace.adapt.plan.text()


def test_the_plan_tells_which_labels_are_known_by_their_names(workspace: Workspace, labelled: Session) -> None:
    adapt, recommended = workspace.adapt, Recommended("known-emotions")
    machine = MachineDescribed("A machine", ("cpu",), 3.0, 2.5, recommended=recommended, emotions=("anger", "fear"))
    labelled.services.machine.on_described(machine)
    assert "what other languages have taught it of anger and fear. The" in adapt.plan.text(), "joy has no clips yet"
    labelled.project.set_label([labelled.project.clips()[7].id], labelled.project.labels()[2].id)
    labelled.on_refresh()
    assert "taught it of anger and fear. Learnt from your clips alone: joy. The" in adapt.plan.text()
    adapt.advanced.method.setCurrentIndex(adapt.advanced.method.findData("logistic"))
    assert "other languages" not in adapt.plan.text()
    adapt.advanced.method.setCurrentIndex(0)
    adapt.advanced.base.choose("/somewhere/other")
    assert "other languages" not in adapt.plan.text(), "only that base knows"
    adapt.advanced.set_defaults()
    labelled.services.machine.on_described(replace(machine, emotions=("boredom", "calm")))
    assert "It knows none of these labels by name." in adapt.plan.text()


def test_a_method_that_tunes_nothing_leaves_the_fields_of_tuning_out(workspace, labelled, tmp_path) -> None:
    advanced = workspace.adapt.advanced
    advanced.rate.setText("")
    advanced.method.setCurrentIndex(advanced.method.findData("lda"))
    assert workspace.adapt.button.reason() is None
    request = advanced.request(tmp_path)
    assert (request.method, request.steps, request.learning_rate, request.head) == ("lda", None, None, None)
    assert "keeps it as it is" in workspace.adapt.plan.text()
    assert "takes about" not in workspace.adapt.plan.text()
    advanced.voices.setCurrentIndex(advanced.voices.count() - 1)
    assert advanced.request(tmp_path).speaker_mean is True


def test_every_method_has_words() -> None:
    assert set(METHOD_TITLES) == set(METHOD_SUMMARIES) == set(METHOD_SOURCES) == set(METHODS)
    assert set(HEAD_TITLES) == set(HEAD_SENTENCES) == {*HEADS, LAST_LAYER}
    assert {*TUNING_METHODS, *SYSTEMS} == set(METHOD_SENTENCES)
    assert set(TRAINED_TITLES) == set(TRAINED)


def test_a_version_is_deleted_only_on_the_second_press(workspace: Workspace, adapted: Session, qtbot) -> None:
    from serstudio.gui.screens.adapt.versions_card import VersionsCard

    card = workspace.adapt.findChild(VersionsCard)
    row = card.rows[0]
    row.delete.click()
    assert len(adapted.project.versions()) == 1
    row.delete.click()
    assert adapted.project.versions() == []


def test_a_version_that_is_deleted_is_no_longer_said_to_be_ready(workspace, adapted: Session, qtbot) -> None:
    screen = workspace.adapt
    adapt_now(workspace, qtbot)
    assert screen.result_title.text() == "Version 2 is ready"
    adapted.project.remove_version(1)
    assert not screen.result.isHidden()
    assert screen.notes.count() == 1
    adapted.project.remove_version(2)
    assert screen.result.isHidden()
    assert screen.notes.count() == 0, "its warnings go with it"


# --- check -----------------------------------------------------------------------------------------


def test_check_shows_number_matrix_warning_and_mistakes(workspace: Workspace, labelled: Session, qtbot) -> None:
    screen = workspace.check
    workspace.show_step(Step.CHECK)
    with qtbot.waitSignal(labelled.check_reported, timeout=20_000):
        screen.check()
    result = screen.result
    assert result.number.text() == "80%"
    assert "60%" in result.interval.text()
    assert "33%" in result.verdict.text()
    assert "5 parts" in result.scheme.text()
    assert result.warnings.count() == 1
    assert "anger was taken for anger 4" in result.matrix.accessibleDescription()
    result.matrix.grab()
    qtbot.waitUntil(lambda: labelled.statuses()[Step.CHECK].action == "80% right")
    result.mistake_rows[0].open.click()
    assert workspace.step is Step.LABEL
    assert workspace.label.list.current_id == labelled.project.clips()[0].id


def test_mistakes_in_clips_that_were_removed_meanwhile_are_mistakes(workspace, labelled: Session, qtbot) -> None:
    with qtbot.waitSignal(labelled.check_reported, timeout=20_000) as reported:
        workspace.check.check()
    result, report = workspace.check.result, reported.args[0]
    first, second, *_ = labelled.project.clips()
    labelled.project.remove_clips([first.id])
    result.show_report(report, [])
    words = [label.text() for label in result.findChildren(QLabel) if label.isVisibleTo(result)]
    assert result.mistakes_title.text() == "1 mistake"
    assert "No longer in the project: 1 clip" in words
    assert "Every held-back clip was recognised." not in words
    result.show_report(replace(report, mistakes=(*report.mistakes, (second.id, "fear", "anger"))), [])
    assert result.mistakes_title.text() == "1 clip to listen to again"
    result.show_report(replace(report, mistakes=()), [])
    assert result.mistakes_title.text() == "No mistakes"


def test_a_check_is_stale_after_a_label_changes(workspace: Workspace, labelled: Session, qtbot) -> None:
    with qtbot.waitSignal(labelled.check_reported, timeout=20_000):
        workspace.check.check()
    labelled.project.set_label([labelled.project.clips()[0].id], None)
    qtbot.waitUntil(lambda: not workspace.check.result.stale.isHidden())
    assert labelled.statuses()[Step.CHECK].action == "Labels changed: check again"


def test_a_change_while_a_check_runs_makes_it_stale(workspace: Workspace, labelled: Session, qtbot) -> None:
    with qtbot.waitSignal(labelled.check_reported, timeout=20_000):
        workspace.check.check()
        labelled.project.set_label([labelled.project.clips()[0].id], None)
    assert labelled.statuses()[Step.CHECK].action == "Labels changed: check again"


def test_a_check_is_of_the_version_that_was_the_newest(workspace: Workspace, labelled: Session, qtbot) -> None:
    with qtbot.waitSignal(labelled.check_reported, timeout=20_000):
        workspace.check.check()
    adapt_now(workspace, qtbot)
    qtbot.waitUntil(lambda: labelled.statuses()[Step.CHECK].action == "Version 1 is not checked")
    assert "not the one that this check is about" in workspace.check.result.stale.message.text()
    with qtbot.waitSignal(labelled.check_reported, timeout=20_000):
        workspace.check.check()
    assert labelled.statuses()[Step.CHECK].action == "80% right"
    assert workspace.check.result.stale.isHidden()


# --- share -----------------------------------------------------------------------------------------


def test_export_shows_what_was_verified_and_the_command(
    workspace: Workspace, adapted: Session, qtbot, tmp_path
) -> None:
    screen = workspace.share
    workspace.show_step(Step.SHARE)
    screen.use_parent_folder(tmp_path / "out")
    assert screen.target == tmp_path / "out" / "Test project model v1"
    qtbot.mouseClick(screen.export.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not screen.exported.isHidden(), timeout=20_000)
    assert "exactly the same answers on 7 sounds" in screen.exported.verified.text()
    assert "45 MB" in screen.exported.verified.text()
    assert screen.exported.command.full_text() == 'serstudio classify "Test project model v1" recording.wav'
    qtbot.waitUntil(lambda: adapted.statuses()[Step.SHARE].action == "Version 1 exported")
    assert screen.target.name == "Test project model v1 2", "the next export takes a new folder"


@pytest.mark.parametrize("way", ["cancel", "close the project", "quit"])
def test_an_export_that_has_to_be_killed_leaves_nothing(
    workspace: Workspace, adapted: Session, window: MainWindow, qtbot, tmp_path: Path, way: str
) -> None:
    adapted.project.rename(name=STUBBORN)
    screen = workspace.share
    screen.use_parent_folder(tmp_path / "out")
    screen.start_export()
    qtbot.waitUntil(lambda: bool(list((tmp_path / "out").glob(".*/half a model"))), timeout=20_000)
    if way == "cancel":
        qtbot.waitUntil(lambda: adapted.running_job(Step.SHARE).last_progress is not None)
        screen.on_cancel_clicked()
    elif way == "quit":
        window.close()
    else:
        window.close_project()
    qtbot.waitUntil(lambda: not list((tmp_path / "out").iterdir()), timeout=5_000)


def test_an_export_to_where_nothing_can_be_written_says_so(
    workspace: Workspace, adapted: Session, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    workspace.share.use_parent_folder(tmp_path / "file" / "out")
    workspace.share.start_export()
    assert "cannot be written" in workspace.banner.message.text()
    assert workspace.banner.hint.text().startswith("Choose a folder of yours")
    assert adapted.running_job(Step.SHARE) is None


def test_the_model_card_is_previewed_without_its_front_matter(workspace: Workspace, adapted: Session) -> None:
    assert "A model card" in workspace.share.card_text.toPlainText()
    assert "license" not in workspace.share.card_text.toPlainText()


def test_a_model_card_in_an_old_encoding_is_shown_as_far_as_it_can_be(
    workspace: Workspace, adapted: Session, window: MainWindow
) -> None:
    (workspace.share.version.folder() / "README.md").write_bytes("# Für alle".encode("latin-1"))
    window.close_project()
    assert window.open_project(adapted.project.folder), "the preview is read while the project is opened"
    assert window.workspace.share.card_text.toPlainText() == "F\ufffdr alle"


def test_a_model_card_that_cannot_be_read_says_so(workspace: Workspace, adapted: Session, monkeypatch) -> None:
    def refuse(folder: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("serstudio.gui.screens.share.screen.read_card", refuse)
    workspace.share.on_version_changed()
    assert "cannot be read (Permission denied)" in workspace.share.card_text.toPlainText()


def test_terms_that_go_with_the_model_are_said_before_it_is_sent(
    workspace: Workspace, adapted: Session, qtbot, tmp_path
) -> None:
    screen = workspace.share
    workspace.show_step(Step.SHARE)
    assert screen.terms.isVisible()
    assert screen.terms.message.text() == "Not for commercial use"
    assert "Nobody may sell the model" in screen.terms.hint.text()
    screen.use_parent_folder(tmp_path / "out")
    screen.start_export()
    qtbot.waitUntil(screen.exported.isVisible, timeout=20_000)
    assert screen.exported.terms.text().startswith("Tell them: not for commercial use.")


def test_a_model_that_must_stay_here_is_not_said_to_be_sent(
    workspace: Workspace, adapted: Session, qtbot, tmp_path
) -> None:
    screen = workspace.share
    config = '{"base_licence": "NTT\'s own licence: internal evaluation only, non-commercial, not to be passed on"}'
    folder = screen.version.folder()
    assert folder is not None
    (folder / "config.json").write_text(config, encoding="utf-8")
    workspace.show_step(Step.SHARE)
    screen.on_version_changed()
    assert screen.terms.message.text() == "It may not be passed on"
    assert "colleague" not in screen.subtitle.text()
    exported = ModelExported(tmp_path, 1, 7, 0.0, 45_000_000, licence=json.loads(config)["base_licence"])
    screen.exported.show_exported(exported)
    words = [label.text() for label in (*screen.findChildren(QLabel),) if label.isVisibleTo(screen)]
    assert not [text for text in words if "send it" in text or "colleague" in text or "Tell them" in text]
    assert screen.exported.steps.text().startswith("Keep this folder on your computer: part of the model may not be")
    screen.exported.show_exported(replace(exported, licence="CC BY-NC 4.0", needs="compact"))
    assert screen.exported.what_to_do.text() == "What your colleague does"
    assert "send it; it holds no recording. It works in every SER Studio" in screen.exported.steps.text()


def test_a_free_licence_makes_no_fuss(workspace: Workspace, adapted: Session) -> None:
    folder = workspace.share.version.folder()
    assert folder is not None
    (folder / "config.json").write_text('{"base_licence": "MIT"}', encoding="utf-8")
    workspace.show_step(Step.SHARE)
    workspace.share.on_version_changed()
    assert not workspace.share.terms.isVisible()


def test_nothing_to_share_leads_to_adapt(workspace: Workspace, session: Session) -> None:
    assert not workspace.share.empty.isHidden()
    assert "no adapted model" in (workspace.share.export.reason() or "")
