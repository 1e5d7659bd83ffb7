"""Accuracy, unweighted accuracy and macro-F1 from a confusion matrix, and their intervals."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Confusion = NDArray[np.int64]  # [true label, answer]


def confusion_matrix(true: Sequence[int], answered: Sequence[int], label_count: int) -> Confusion:
    """Counts of (true label, answer)."""
    matrix = np.zeros((label_count, label_count), dtype=np.int64)
    np.add.at(matrix, (list(true), list(answered)), 1)
    return matrix


def accuracy(confusion: Confusion) -> float:
    """Weighted accuracy (WA): the share of clips answered rightly."""
    return float(np.trace(confusion) / confusion.sum())


def unweighted_accuracy(confusion: Confusion) -> float:
    """Unweighted accuracy (UA): the mean recall of the labels that were asked."""
    asked = confusion.sum(1) > 0
    return float(np.mean(np.diag(confusion)[asked] / confusion.sum(1)[asked]))


def macro_f1(confusion: Confusion) -> float:
    """Mean F1 of the labels that were asked or answered; a label never answered rightly has 0."""
    involved = (confusion.sum(1) + confusion.sum(0)) > 0
    hits = np.diag(confusion)[involved]
    return float(np.mean(2 * hits / (confusion.sum(1) + confusion.sum(0))[involved]))


def mean_ci95(values: Sequence[float]) -> float:
    """Half width of the 95 % interval of a mean over episodes: 1.96 sd / sqrt(n); 0 for a single one."""
    if len(values) < 2:
        return 0.0
    return float(1.96 * np.std(values, ddof=1) / math.sqrt(len(values)))


def wilson_interval(hits: int, total: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927), which holds for few clips and near 0 and 1."""
    z = 1.96
    share = hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    reach = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, middle - reach), min(1.0, middle + reach)
