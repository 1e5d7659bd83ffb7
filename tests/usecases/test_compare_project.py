"""Compare: the same clips for every method, from the first to the last event."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.base_folder import Base
from engine.bases import load_base
from engine.choices import Recommended
from engine.errors import BaseError, LabellingError
from serstudio.project import Project
from serstudio.usecases import compare_project, version_base
from serstudio.usecases.comparison_requests import (
    USUAL_METHODS,
    ComparedMethod,
    CompareProject,
    ProjectCompared,
)
from serstudio.usecases.events import Event, Known, Progress, Warned
from tests.engine.evaluation.fake_system import use_fake_systems
from tests.usecases.conftest import NAMES, events_of

HEADS = ("prototypes", "ridge")


def compared(request: CompareProject) -> tuple[list[Event], ProjectCompared]:
    events, result = events_of(request)
    assert isinstance(result, ProjectCompared)
    return events, result


@pytest.fixture
def asked_bases(tiny_base_folder: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every bundled base is the tiny one, recommending ridge regression; what was asked for."""
    asked: list[str] = []

    def load(name: str) -> Base:
        asked.append(name)
        recommended = Recommended(method="ridge", steps=1) if name == "compact" else Recommended(name, head="linear")
        return replace(load_base(tiny_base_folder), name=name, recommended=recommended)

    for module in (compare_project, version_base):
        monkeypatch.setattr(module, "load_base", load)
    return asked


def test_the_usual_methods_with_the_recommended_one_first(
    labelled_project: Path, asked_bases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_systems(monkeypatch)
    events, result = compared(CompareProject(labelled_project))
    assert [each.method for each in result.methods] == ["ridge", *USUAL_METHODS]
    assert [each.is_recommended for each in result.methods] == [True] + [False] * len(USUAL_METHODS)
    assert asked_bases == ["compact", "hgfm", "multigate", "fmaml"], "compact is loaded once"
    assert [each.base for each in result.methods][-3:] == ["hgfm", "multigate", "fmaml"]
    assert (result.scheme, result.fold_count, result.clip_count) == ("speaker-folds", 3, 24)
    assert (result.labels, result.speaker_count, result.chance) == (NAMES, 4, pytest.approx(1 / 3))
    for each in result.methods:
        assert each.figures is not None, each.error
        assert sum(map(sum, each.figures.confusion)) == 24
        assert (each.figures.difference is None) == (each.method == "ridge")
    assert tuple(event.part for event in events if isinstance(event, Known)) == result.methods


def test_progress_names_the_method_the_part_and_the_time(labelled_project: Path, tiny_base_folder: str) -> None:
    request = CompareProject(labelled_project, ("prototypes", "disjoint"), base=tiny_base_folder)
    events, _ = compared(request)
    told = [event for event in events if isinstance(event, Progress) and event.unit == "%"]
    assert [event.step for event in told] == sorted(event.step for event in told)
    assert told[-1].step == 100
    assert told[0].message == "Method 1 of 2, Prototypes, no tuning, part 1 of 3"
    assert any("Method 2 of 2, Tune: disjoint split, part 2 of 3, about " in event.message for event in told)


def test_a_seed_repeats_a_comparison(labelled_project: Path, tiny_base_folder: str) -> None:
    request = CompareProject(labelled_project, HEADS, base=tiny_base_folder)
    first, again = compared(request)[1], compared(request)[1]
    for one, other in zip(first.methods, again.methods, strict=True):
        assert one.figures is not None
        assert other.figures is not None
        assert replace(one.figures, adaptation_s=0) == replace(other.figures, adaptation_s=0)


def failing(error: Exception, load: Callable[[str], Base]) -> Callable[[str], Base]:
    def fail(name: str) -> Base:
        if name == "multigate":
            raise error
        return load(name)

    return fail


def test_a_base_that_is_missing_costs_that_method_alone(
    labelled_project: Path, asked_bases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_systems(monkeypatch, broken="fmaml")
    missing = BaseError("The bundled base multigate is missing or damaged.", "Install SER Studio again.")
    monkeypatch.setattr(compare_project, "load_base", failing(missing, compare_project.load_base))
    _, result = compared(CompareProject(labelled_project, ("ridge", "multigate", "fmaml", "hgfm")))
    ridge, multigate, fmaml, hgfm = result.methods
    assert ridge.figures is not None
    assert hgfm.figures is not None
    assert multigate == ComparedMethod(
        "multigate", "multigate", is_recommended=False, error=missing.message, hint=missing.hint
    )
    assert fmaml.figures is None
    assert "A mistake of ours: ModuleNotFoundError" in fmaml.error


def test_a_mistake_of_ours_names_no_folder(
    labelled_project: Path, asked_bases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = KeyError("/home/ana/participants/maria.wav")
    monkeypatch.setattr(compare_project, "load_base", failing(wrong, compare_project.load_base))
    _, result = compared(CompareProject(labelled_project, ("ridge", "multigate")))
    assert "KeyError" in result.methods[1].error
    assert "maria" not in result.methods[1].error


def test_a_system_keeps_to_its_own_base_unless_it_takes_any(
    labelled_project: Path, tiny_base_folder: str, asked_bases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_systems(monkeypatch)
    request = CompareProject(labelled_project, ("prototypes", "hgfm", "fmaml"), base=tiny_base_folder)
    _, result = compared(request)
    assert [each.base for each in result.methods] == [tiny_base_folder, tiny_base_folder, "fmaml"]


def test_a_systems_own_base_can_be_one_that_was_trained_here(
    labelled_project: Path, tiny_base_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_systems(monkeypatch)
    own = replace(load_base(tiny_base_folder), recommended=Recommended("fmaml", steps=1, head="linear"))
    for module in (compare_project, version_base):
        monkeypatch.setattr(module, "load_base", lambda name: own)
    _, result = compared(CompareProject(labelled_project, ("fmaml",), base="runs/mine/base"))
    assert result.methods[0].base == "runs/mine/base"
    assert result.methods[0].is_recommended


def test_remarks_are_told_once_with_the_method_and_folds_of_clips_are_warned_of(
    labelled_project: Path, asked_bases: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_systems(monkeypatch)
    with Project.open(labelled_project) as project:
        project.set_speaker([clip.id for clip in project.clips()], None)
    events, result = compared(CompareProject(labelled_project, ("ridge", "fmaml")))
    assert result.scheme == "folds"
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert sum("new speaker" in message for message in warnings) == 1
    assert [message for message in warnings if "real system" in message] == ["F-MAML: This is no real system."]


def test_what_cannot_be_compared_is_refused(labelled_project: Path, tiny_base_folder: str) -> None:
    with pytest.raises(LabellingError, match="no method called 'magic'"):
        compared(CompareProject(labelled_project, ("magic",)))
    with Project.open(labelled_project) as project:
        kept = {clip.label_id: clip.id for clip in project.clips()}
        project.set_label([clip.id for clip in project.clips() if clip.id not in kept.values()], None)
    with pytest.raises(LabellingError, match="No label has two clips"):
        compared(CompareProject(labelled_project, HEADS, base=tiny_base_folder))
