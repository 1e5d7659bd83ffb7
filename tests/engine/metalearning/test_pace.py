"""The time that is left of a training."""

import pytest

from engine.metalearning.pace import Pace


def test_before_the_first_step_nothing_is_known() -> None:
    pace = Pace()
    assert pace.seconds is None
    assert pace.left_s(10) == 0.0


def test_the_first_step_is_taken_as_it_is_and_others_move_it_a_little() -> None:
    pace = Pace()
    pace.took(2.0)
    assert pace.left_s(10) == pytest.approx(20.0)
    pace.took(4.0)
    assert pace.seconds == pytest.approx(2.1)
    for _ in range(200):
        pace.took(4.0)
    assert pace.seconds == pytest.approx(4.0, abs=0.01)
