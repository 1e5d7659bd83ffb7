"""States and next actions of the rail, from facts alone."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from serstudio.gui.steps import (
    Age,
    Facts,
    Step,
    StepState,
    adapt_reason,
    check_reason,
    label_progress,
    newest_is_stale,
    step_statuses,
    version_reason,
)
from serstudio.project import Label, ModelVersion

LABELS = tuple(Label(n, name, "#0077bb", "▲", str(n), n) for n, name in enumerate(("anger", "fear"), start=1))


def version(clip_count: int, labels: tuple[str, ...] = ("anger", "fear")) -> ModelVersion:
    return ModelVersion(
        1, "models/0001", datetime.now(UTC), "compact", "disjoint", 25, 1e-5, 0, labels, clip_count, 9.0, 0.1
    )


def facts(anger: int = 0, fear: int = 0, clips: int = 20, **more: object) -> Facts:
    values: dict[str, object] = {"clip_count": clips, "labels": LABELS, "counts": {1: anger, 2: fear}, "versions": ()}
    return Facts(**{**values, **more})


def test_label_says_how_many_of_each() -> None:
    assert step_statuses(facts(5, 2))[Step.LABEL].action == "anger 5/5, fear 2/5"
    assert step_statuses(facts(5, 2))[Step.LABEL].state is StepState.READY
    assert step_statuses(facts(7, 5))[Step.LABEL].state is StepState.DONE


def test_with_many_labels_those_that_lack_clips_come_first() -> None:
    many = [Label(n, f"l{n}", "#0077bb", "▲", "", n) for n in range(6)]
    words = label_progress(many, {0: 5, 1: 5, 2: 1}, limit=2)
    assert words == "l2 1/5, l3 0/5 and 4 more"


@pytest.mark.parametrize(
    ("known", "part"),
    [
        (facts(clips=0), "no clips yet"),
        (facts(labels=LABELS[:1]), "two labels"),
        (facts(4, 0), "at least two labels"),
    ],
)
def test_why_adapt_cannot_be_pressed(known: Facts, part: str) -> None:
    assert part in (adapt_reason(known) or "")
    assert step_statuses(known)[Step.ADAPT].state is StepState.NOT_YET


def test_one_clip_a_label_adapts_but_cannot_be_checked() -> None:
    assert adapt_reason(facts(1, 1)) is None
    assert "two clips" in (check_reason(facts(1, 1)) or "")


def test_live_and_share_wait_for_a_version() -> None:
    before, after = step_statuses(facts(2, 2)), step_statuses(facts(2, 2, versions=(version(4),)))
    for step in (Step.LIVE, Step.SHARE):
        assert before[step].state is StepState.NOT_YET
        assert after[step].state is StepState.READY
    assert version_reason(facts()) is not None


def test_live_and_share_name_the_version_that_their_screen_has() -> None:
    two = (version(4), replace(version(4), number=2))
    newest = step_statuses(facts(2, 2, versions=two))
    chosen = step_statuses(facts(2, 2, versions=two, chosen={Step.LIVE: 1, Step.SHARE: 1}, exported_version=1))
    assert (newest[Step.LIVE].action, chosen[Step.LIVE].action) == ("Listen with version 2", "Listen with version 1")
    assert (newest[Step.SHARE].action, chosen[Step.SHARE].action) == ("Export version 2", "Version 1 exported")
    assert chosen[Step.SHARE].state is StepState.DONE
    deleted = step_statuses(facts(2, 2, versions=two[1:], chosen={Step.LIVE: 1, Step.SHARE: 1}))
    assert deleted[Step.LIVE].action == "Listen with version 2"


def test_a_version_is_stale_when_labels_have_changed_since() -> None:
    assert not newest_is_stale(facts(2, 2, versions=(version(4),)))
    assert newest_is_stale(facts(3, 2, versions=(version(4),)))
    assert newest_is_stale(facts(2, 2, versions=(version(4, ("anger", "joy")),)))


def test_a_version_is_stale_when_other_clips_have_its_labels() -> None:
    """Counts and names may be what they were: anger and fear exchanged, or a mistake that Check found, mended."""
    made = replace(version(3), labelling="a")  # of four labelled clips one could not be read
    assert not newest_is_stale(facts(2, 2, versions=(made,), labelling="with speakers", labels_given="a"))
    assert not newest_is_stale(facts(2, 2, versions=(made,), labelling="a", labels_given="without speakers"))
    assert newest_is_stale(facts(2, 1, versions=(made,), labelling="with speakers", labels_given="b"))


def test_a_version_that_could_not_hear_all_clips_is_not_done() -> None:
    """Their recordings were lost when it was made; the labels are the same once these are restored."""
    made = replace(version(3), labelling="a")
    status = step_statuses(facts(2, 2, versions=(made,), labelling="a"))[Step.ADAPT]
    assert (status.state, status.action) == (StepState.READY, "Version 1 heard 3 of 4 clips")


def test_an_exported_version_and_a_check_are_done() -> None:
    statuses = step_statuses(facts(2, 2, versions=(version(4),), exported_version=1, accuracy=0.75))
    assert statuses[Step.SHARE].state is StepState.DONE
    assert statuses[Step.CHECK].action == "75% right"
    stale = step_statuses(facts(2, 2, accuracy=0.75, check_age=Age.CLIPS_CHANGED))
    assert stale[Step.CHECK].state is StepState.READY
    gone = step_statuses(facts(2, 2, accuracy=0.75, check_age=Age.VERSION_GONE))
    assert gone[Step.CHECK].action == "Version deleted: check again"
