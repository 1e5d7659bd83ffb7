"""A result is stale when what it was measured of has changed, and only then."""

from pathlib import Path

import pytest

from serstudio.gui.bridge.jobs import JobState
from serstudio.gui.screens.adapt.versions_card import VersionsCard
from serstudio.gui.session import Session
from serstudio.gui.steps import Age, Aside, Step, StepState
from serstudio.gui.workspace import Workspace


@pytest.fixture
def checked(workspace: Workspace, labelled: Session, qtbot) -> Session:
    """The project with six labelled clips, checked and compared."""
    with qtbot.waitSignal(labelled.check_reported, timeout=20_000):
        workspace.check.check()
    qtbot.waitUntil(lambda: labelled.running_job(Step.CHECK) is None, timeout=20_000)
    workspace.compare.compare()
    qtbot.waitUntil(lambda: labelled.running_job(Aside.COMPARE) is None, timeout=20_000)
    assert not is_stale(workspace)
    return labelled


def is_stale(workspace: Workspace) -> bool:
    """What both pages and the rail say; they agree."""
    workspace.session.on_refresh()
    told = {not workspace.check.result.stale.isHidden(), not workspace.compare.stale.isHidden()}
    told.add(workspace.session.statuses()[Step.CHECK].state is not StepState.DONE)
    assert len(told) == 1
    return told.pop()


def do_import(session: Session, path: Path, qtbot) -> None:
    with qtbot.waitSignal(session.import_reported, timeout=20_000):
        session.import_paths([path])


def test_a_manifest_that_labels_clips_that_were_there(workspace, checked: Session, clip_folder: Path, qtbot) -> None:
    manifest = clip_folder / "labels.csv"
    unlabelled = [clip.name for clip in checked.project.clips() if clip.label_id is None]
    manifest.write_text("file,label\n" + "".join(f"{name},anger\n" for name in unlabelled), encoding="utf-8")
    do_import(checked, manifest, qtbot)
    assert checked.facts.labelled == 8
    assert is_stale(workspace)
    assert checked.facts.check_age is Age.CLIPS_CHANGED


def test_a_manifest_that_names_speakers(workspace, checked: Session, clip_folder: Path, qtbot) -> None:
    manifest = clip_folder / "speakers.csv"
    name = next(clip.name for clip in checked.project.clips() if clip.label_id is not None)
    manifest.write_text(f"file,label,speaker\n{name},anger,ana\n", encoding="utf-8")
    do_import(checked, manifest, qtbot)
    assert is_stale(workspace)


def test_a_clip_without_a_label_changes_nothing(workspace, checked: Session, tone_clip, qtbot) -> None:
    do_import(checked, tone_clip("more/new.wav", duration_s=0.5, pitch_hz=333), qtbot)
    assert checked.facts.clip_count == 9
    assert not is_stale(workspace)


def test_what_is_undone_has_not_happened(workspace, checked: Session) -> None:
    checked.project.set_label([checked.project.clips()[7].id], checked.project.labels()[0].id)
    assert is_stale(workspace)
    checked.undo()
    assert not is_stale(workspace)
    checked.redo()
    assert is_stale(workspace)


def test_how_a_label_looks_is_not_measured_but_its_name_is(workspace, checked: Session) -> None:
    label = checked.project.labels()[0]
    checked.project.edit_label(label.id, colour="#123456")
    assert not is_stale(workspace)
    checked.project.edit_label(label.id, name="neutral")
    assert is_stale(workspace)


def test_a_labelled_clip_that_is_removed_or_spoken_by_another(workspace, checked: Session) -> None:
    clips = checked.project.clips()
    checked.project.remove_clips([clips[7].id])
    assert not is_stale(workspace), "it had no label"
    checked.project.set_speaker([clips[0].id], "ana")
    assert is_stale(workspace)
    checked.undo()
    checked.project.remove_clips([clips[0].id])
    assert is_stale(workspace)


def test_a_check_whose_version_is_deleted(workspace: Workspace, adapted: Session, qtbot) -> None:
    with qtbot.waitSignal(adapted.check_reported, timeout=20_000):
        workspace.check.check()
    row = workspace.adapt.findChild(VersionsCard).rows[0]
    row.delete.click()
    row.delete.click()
    adapted.on_refresh()
    assert adapted.statuses()[Step.CHECK].action == "Version deleted: check again"
    assert workspace.check.result.stale.message.text() == "The version that this check is about is deleted."
    with qtbot.waitSignal(adapted.check_reported, timeout=20_000):
        workspace.check.check()
    assert adapted.statuses()[Step.CHECK].action == "80% right"
    assert workspace.check.result.stale.isHidden()


@pytest.mark.parametrize("step", [Step.ADAPT, Step.CHECK, Step.SHARE, Aside.COMPARE])
@pytest.mark.parametrize("way", ["window", "project"])
def test_closing_while_a_job_runs_raises_nothing(workspace, adapted: Session, window, qtbot, step, way: str) -> None:
    starts = {
        Step.ADAPT: workspace.adapt.adapt,
        Step.CHECK: workspace.check.check,
        Step.SHARE: workspace.share.start_export,
        Aside.COMPARE: workspace.compare.compare,
    }
    engine = adapted.services.engine
    qtbot.waitUntil(lambda: not engine.busy, timeout=20_000)
    starts[step]()
    job = adapted.running_job(step)
    engine._start_next()  # not by its timer, which might hear of its end at once
    assert job.state is JobState.RUNNING
    adapted.project.set_label([adapted.project.clips()[7].id], adapted.project.labels()[0].id)
    (window.close if way == "window" else window.close_project)()
    qtbot.waitUntil(lambda: not engine.busy, timeout=20_000)
    qtbot.wait(50)
    assert job.state is JobState.ENDED
