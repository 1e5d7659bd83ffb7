"""doctor and tour as commands; what they find is tested with their use-cases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from serstudio.usecases import doctor, tour
from serstudio.usecases.doctor import Finding, Verdict
from serstudio.usecases.events import Done, Progress, Warned
from serstudio.usecases.tour import Said, StepStarted, TourEnded, TourEvent
from tests.cli.conftest import Run


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.OK, 0), (Verdict.NOTE, 0), (Verdict.PROBLEM, 1)])
def test_doctor_exits_with_1_for_a_problem(
    run: Run, monkeypatch: pytest.MonkeyPatch, verdict: Verdict, code: int
) -> None:
    finding = Finding("Tea", verdict, "cold", "Make some more.")
    monkeypatch.setattr(doctor, "examine_machine", lambda: iter([finding]))
    ran = run("doctor")
    assert ran.code == code
    assert "Tea:" in ran.out
    assert "-> Make some more." in ran.out
    as_json = run("doctor", "--json")
    assert as_json.code == code
    assert as_json.json["works"] is (code == 0)
    assert as_json.json["findings"][0]["verdict"] == verdict.value


ENDED = TourEnded(
    folder=Path("kept"),
    synthetic=True,
    labelled_clips=20,
    unheard_clips=28,
    unheard_right=20,
    new_speaker_clips=12,
    new_speaker_right=8,
    check_accuracy=0.7,
    check_interval=(0.5, 0.8),
    adapt_s=12.0,
    live_decisions=100,
    live_agrees=True,
    export_difference=0.0,
    total_s=30.0,
)


def _short_tour(folder: Path | None = None) -> Iterator[TourEvent]:
    yield StepStarted(1, "A new project", "serstudio new p")
    yield Progress(1, 2, "working")
    yield Said("4 labels")
    yield Warned("Something", "to know")
    yield Done(ENDED)


def test_tour_is_printed_step_by_step(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tour, "take_tour", _short_tour)
    ran = run("tour")
    assert ran.code == 0
    assert "1. A new project\n   $ serstudio new p\n   4 labels\n   Note: Something to know\n" in ran.out
    assert "20 were recognised" in ran.out
    assert "SYNTHETIC" in ran.out
    as_json = run("tour", "--json")
    assert as_json.json["unheard_right"] == 20
    assert as_json.json["synthetic"] is True


def test_tour_refuses_a_used_folder(tmp_path: Path, fails: Run) -> None:
    (tmp_path / "sample-project").mkdir()
    assert "already" in fails("tour", "--folder", tmp_path).err
