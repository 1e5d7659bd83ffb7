import numpy as np
import pytest

from engine.evaluation.metrics import (
    accuracy,
    confusion_matrix,
    macro_f1,
    mean_ci95,
    mean_in_percent,
    reach_over_speakers,
    speaker_interval,
    unweighted_accuracy,
    wilson_interval,
)

CONFUSION = np.array([[8, 2, 0], [1, 1, 0], [0, 0, 0]])


def test_confusion_counts_true_by_answer() -> None:
    assert confusion_matrix([0, 0, 1], [0, 1, 1], 2).tolist() == [[1, 1], [0, 1]]


def test_weighted_and_unweighted_accuracy_differ_on_uneven_counts() -> None:
    assert accuracy(CONFUSION) == pytest.approx(9 / 12)
    assert unweighted_accuracy(CONFUSION) == pytest.approx((0.8 + 0.5) / 2)


def test_macro_f1_by_hand() -> None:
    first = 2 * 8 / (10 + 9)
    second = 2 * 1 / (2 + 3)
    assert macro_f1(CONFUSION) == pytest.approx((first + second) / 2)


def test_the_interval_of_a_mean() -> None:
    """By Student's t: 12.706 with one degree of freedom."""
    assert mean_ci95([0.5, 0.7]) == pytest.approx(12.706 * np.std([0.5, 0.7], ddof=1) / np.sqrt(2), rel=1e-4)
    assert mean_in_percent([0.5, 0.7]) == "60.0 ± 127.1"


def test_a_single_value_has_no_interval() -> None:
    assert mean_ci95([0.5]) is None
    assert mean_in_percent([0.5]) == "50.0"


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"), [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (15, 20, 0.5313, 0.8881)]
)
def test_wilsons_interval(hits: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(hits, total) == pytest.approx((low, high), abs=2e-4)


def test_the_interval_over_speakers_by_hand() -> None:
    """Of 20 clips each, three speakers have 14, 16 and 18 right; Student's t with 2 degrees of freedom is 4.3027."""
    right = [number < hits for hits in (14, 16, 18) for number in range(20)]
    speakers = [name for name in "abc" for _ in range(20)]
    reach = 4.3027 * np.sqrt(3 / 2 * (4 + 0 + 4)) / 60
    assert reach_over_speakers(right, speakers) == pytest.approx(reach, rel=1e-4)
    assert speaker_interval(right, speakers) == pytest.approx((0.8 - reach, 1.0), rel=1e-4)


def test_speakers_who_are_alike_leave_the_interval_over_clips() -> None:
    right, speakers = [True, True, True, False] * 5, [name for name in "abcde" for _ in range(4)]
    assert speaker_interval(right, speakers) == wilson_interval(15, 20)
