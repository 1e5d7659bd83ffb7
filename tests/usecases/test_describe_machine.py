from dataclasses import replace
from pathlib import Path

import pytest

from engine.adaptation import AdaptationSettings, estimate
from engine.bases import Base, load_base
from engine.choices import PRECISIONS
from engine.extractors import MeanFC
from engine.measurements import Others
from serstudio.usecases.describe_machine import _rounded
from serstudio.usecases.requests import DescribeMachine, MachineDescribed
from tests.engine.conftest import tiny_encoder
from tests.usecases.conftest import events_of


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERSTUDIO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tiny_base() -> Base:
    return Base("tiny", tiny_encoder(), standardised=True, licence="none")


def _describe(*, tuning: bool = False) -> MachineDescribed:
    _, machine = events_of(DescribeMachine(tuning))
    assert isinstance(machine, MachineDescribed)
    return machine


def test_the_machine_in_one_line_with_a_measured_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "time_step_s", _must_not_be_called)
    machine = _describe()
    assert ": adapting takes a" in machine.text
    assert machine.adaptation_s > 0.01, "20 clips on any machine of today"
    assert machine.step_s is None, "the bundled base is not tuned, so that nothing is timed at each start"
    assert machine.precision in PRECISIONS
    assert machine.recommended == load_base().recommended
    assert {"anger", "fear", "happiness", "neutral", "sadness"} <= set(machine.emotions)
    assert machine.devices[-1] == "cpu"


def test_a_step_of_tuning_is_timed_when_asked_for_and_then_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Others, "share", 0.0)
    timed = _describe(tuning=True)
    assert timed.step_s is not None
    assert timed.step_s > 0.01
    monkeypatch.setattr(estimate, "time_step_s", _must_not_be_called)
    assert _describe(tuning=True).step_s == timed.step_s
    assert _describe().step_s == timed.step_s


def test_a_step_that_was_timed_on_a_busy_machine_is_not_kept(monkeypatch: pytest.MonkeyPatch, tiny_base: Base) -> None:
    monkeypatch.setattr(Others, "share", 0.9)
    settings = AdaptationSettings()
    assert estimate.step_seconds(tiny_base, settings) > 0
    assert estimate.known_step_seconds(tiny_base, settings) is None
    monkeypatch.setattr(Others, "share", 0.0)
    step_s = estimate.step_seconds(tiny_base, settings)
    assert estimate.known_step_seconds(tiny_base, replace(settings, steps=3, seed=9)) == step_s
    assert estimate.known_step_seconds(tiny_base, replace(settings, trained="norms")) is None


def test_where_states_are_kept_a_step_is_the_mean_of_all(monkeypatch: pytest.MonkeyPatch, tiny_base: Base) -> None:
    """A second step takes 8 s where clips are under a new mask in each, 1 s where there is but one."""
    asked: list[AdaptationSettings] = []

    def second_step_s(base: Base, settings: AdaptationSettings) -> float:
        asked.append(settings)
        return float(settings.views)

    monkeypatch.setattr(estimate, "_second_step_s", second_step_s)
    base = replace(tiny_base, encoder=tiny_encoder(MeanFC))
    settings = AdaptationSettings(steps=32)
    assert estimate.time_step_s(base, replace(settings, trained="projection")) == (1 + 0.25 * 7) * 5
    assert estimate.time_step_s(base, replace(settings, trained="projection", steps=4)) == 8 * 5
    assert [each.views for each in asked] == [8, 1, 8, 1]
    assert estimate.time_step_s(base, settings) == 8 * 5, "all layers are tuned: nothing is kept"
    assert len(asked) == 5


def test_a_base_that_is_tuned_is_estimated_by_its_steps(monkeypatch: pytest.MonkeyPatch, tiny_base: Base) -> None:
    monkeypatch.setattr(estimate, "time_step_s", lambda base, settings: 2.0)
    assert estimate.estimate_adaptation_s(tiny_base, AdaptationSettings(steps=7)) == 14.0


def _must_not_be_called(base: Base, settings: AdaptationSettings) -> float:
    raise AssertionError("a step of tuning was timed")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3.0, "a few seconds"), (42.0, "about 40 s"), (98.0, "about 100 s"), (170.0, "about 3 minutes")],
)
def test_an_estimate_does_not_look_exact(seconds: float, words: str) -> None:
    assert _rounded(seconds) == words
