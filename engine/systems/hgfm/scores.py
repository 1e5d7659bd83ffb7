"""WA, UA and macro-F1 (section IV) of answers, with an interval."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.evaluation.metrics import accuracy, confusion_matrix, macro_f1, unweighted_accuracy

MEASURES = ("WA", "UA", "F1")
_RESAMPLES = 1000


@dataclass(frozen=True)
class Answer:
    """The number of the true emotion, that of the answer, and whose voice it was."""

    true: int
    answered: int
    speaker: str


def scores(answers: Sequence[Answer], label_count: int) -> tuple[float, float, float]:
    """WA, UA and F1, 0 to 1."""
    confusion = confusion_matrix([each.true for each in answers], [each.answered for each in answers], label_count)
    return accuracy(confusion), unweighted_accuracy(confusion), macro_f1(confusion)


def intervals(answers: Sequence[Answer], label_count: int, seed: int = 0) -> tuple[float, float, float]:
    """Half widths of the 95 % intervals of the three, by bootstrap over speakers.

    Clips of one speaker are no independent witnesses, so whole speakers are drawn, with replacement.
    """
    voices: dict[str, list[Answer]] = defaultdict(list)
    for each in answers:
        voices[each.speaker].append(each)
    groups = [voices[name] for name in sorted(voices)]
    random = np.random.default_rng(seed)
    drawn = np.array(
        [
            scores(
                [each for number in random.integers(len(groups), size=len(groups)) for each in groups[number]],
                label_count,
            )
            for _ in range(_RESAMPLES)
        ]
    )
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    half = (high - low) / 2
    return float(half[0]), float(half[1]), float(half[2])
