import pytest

from engine.bases import load_base
from serstudio.usecases.describe_machine import _rounded
from serstudio.usecases.requests import DescribeMachine, MachineDescribed
from tests.usecases.conftest import events_of


def test_the_machine_in_one_line_with_a_measured_time() -> None:
    _, machine = events_of(DescribeMachine())
    assert isinstance(machine, MachineDescribed)
    assert ": adapting takes about " in machine.text
    assert machine.adaptation_s > 0.01, "20 clips on any machine of today"
    assert machine.step_s > 0.01
    assert machine.recommended == load_base().recommended
    assert machine.devices[-1] == "cpu"


@pytest.mark.parametrize(
    ("seconds", "words"), [(3.0, "a few seconds"), (42.0, "40 s"), (98.0, "100 s"), (170.0, "3 minutes")]
)
def test_an_estimate_does_not_look_exact(seconds: float, words: str) -> None:
    assert _rounded(seconds) == words
