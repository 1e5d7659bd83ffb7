import numpy as np
import pytest

from engine.evaluation.paired import paired_difference

NOBODY: list[str | None] = [None] * 200


def pairs(both: int, ours: int, theirs: int, neither: int) -> tuple[list[bool], list[bool]]:
    right = [True] * (both + ours) + [False] * (theirs + neither)
    reference = [True] * both + [False] * ours + [True] * theirs + [False] * neither
    return right, reference


@pytest.mark.parametrize(
    ("table", "low", "high"),  # of the examples in Newcombe 1998, method 10
    [
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((20, 12, 2, 16), 0.0562, 0.3290),
        ((0, 54, 0, 0), 0.9061, 1.0),
    ],
)
def test_the_interval_over_clips_is_newcombes(table: tuple[int, int, int, int], low: float, high: float) -> None:
    right, reference = pairs(*table)
    difference = paired_difference(right, reference, NOBODY[: len(right)])
    assert (difference.low, difference.high) == pytest.approx((low, high), abs=6e-4)


def test_methods_that_agree_are_not_told_to_be_the_same_for_sure() -> None:
    difference = paired_difference([True] * 10 + [False] * 4, [True] * 10 + [False] * 4, NOBODY[:14])
    assert difference.value == 0
    assert difference.low < -0.05 < 0.05 < difference.high
    assert not difference.is_sure


def test_a_difference_that_is_sure_has_its_sign() -> None:
    right, reference = pairs(10, 15, 1, 4)
    assert paired_difference(right, reference, NOBODY[:30]).is_sure
    ours, theirs = paired_difference(right, reference, NOBODY[:30]), paired_difference(reference, right, NOBODY[:30])
    assert (ours.low, ours.high) == pytest.approx((-theirs.high, -theirs.low))


def test_five_speakers_who_differ_widen_the_interval_and_four_do_not() -> None:
    right = [True] * 12 + [False] * 8
    reference = [False] * 12 + [True] * 4 + [False] * 4
    speakers: list[str | None] = [f"s{index // 4}" for index in range(20)]  # three gain all, one loses all
    clips = paired_difference(right, reference, NOBODY[:20])
    clustered = paired_difference(right, reference, speakers)
    assert clustered.low < clips.low
    assert clustered.high > clips.high
    assert clips.is_sure
    assert not clustered.is_sure
    few = [f"s{index // 5}" for index in range(20)]
    assert paired_difference(right, reference, few) == clips
    assert paired_difference(right, reference, [*speakers[:-1], None]) == clips


@pytest.mark.parametrize("spread", [0.0, 1.2])
def test_it_holds_the_truth_as_often_as_it_says(spread: float) -> None:
    """Two methods that are equally good, 5 speakers of 6 clips, to each of whom one or the other suits better."""
    random = np.random.default_rng(0)
    speakers = [f"s{index // 6}" for index in range(30)]
    held = 0
    for _ in range(400):
        suits = np.repeat(random.normal(0, spread, 5), 6)
        common = random.normal(0, 1, 30)
        right = (common + suits + random.normal(0, 0.7, 30)) > 0
        reference = (common + random.normal(0, 0.7, 30)) > 0
        difference = paired_difference(right.tolist(), reference.tolist(), speakers)
        held += difference.low <= 0 <= difference.high
    assert held / 400 > 0.92
