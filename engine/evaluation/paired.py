"""How far two methods are apart on the same clips, with an interval that holds for few of them.

Over clips it is the score interval for paired proportions (Newcombe 1998, Stat. Med. 17:2635, method 10): the
bootstrap of a dozen clips is too narrow, and of two methods that agree it has no width at all. Clips of one speaker
go right or wrong together, so that with 5 speakers or more the interval over whole speakers is computed too
(`metrics.reach_over_speakers`), and the wider of the two is taken: a variance of 5 numbers may come out small by luck.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.evaluation.metrics import reach_over_speakers, wilson_interval

FEWEST_SPEAKERS = 5  # with fewer, their differences say next to nothing about other speakers


@dataclass(frozen=True)
class Difference:
    """Accuracy less that of the method it is compared with, a fraction, and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


def paired_difference(right: Sequence[bool], reference: Sequence[bool], speakers: Sequence[str | None]) -> Difference:
    """right, reference: whether each clip was answered rightly by the one method and by the other; one speaker each.

    Speakers count where every clip has one and there are 5 or more.
    """
    low, high = _over_clips(right, reference)
    value = (sum(right) - sum(reference)) / len(right)
    if all(speakers) and len(set(speakers)) >= FEWEST_SPEAKERS:
        gains = [int(ours) - int(theirs) for ours, theirs in zip(right, reference, strict=True)]
        reach = reach_over_speakers(gains, speakers)
        low, high = min(low, value - reach), max(high, value + reach)
    return Difference(value, max(-1.0, low), min(1.0, high))


def _over_clips(right: Sequence[bool], reference: Sequence[bool]) -> tuple[float, float]:
    """Newcombe's method 10: the Wilson intervals of both, put together by how much they go together."""
    pairs = list(zip(right, reference, strict=True))
    both, ours, theirs, neither = (
        pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))
    )
    count = len(pairs)
    share, reference_share = (both + ours) / count, (both + theirs) / count
    low, high = wilson_interval(both + ours, count)
    reference_low, reference_high = wilson_interval(both + theirs, count)
    together = _correlation(both, ours, theirs, neither)
    down, reference_up = share - low, reference_high - reference_share
    up, reference_down = high - share, reference_share - reference_low
    below = math.sqrt(down**2 - 2 * together * down * reference_up + reference_up**2)
    above = math.sqrt(up**2 - 2 * together * up * reference_down + reference_down**2)
    value = share - reference_share
    return value - below, value + above


def _correlation(both: int, ours: int, theirs: int, neither: int) -> float:
    """Phi of the fourfold table, with the continuity correction that the method calls for."""
    margins = (both + ours) * (theirs + neither) * (both + theirs) * (ours + neither)
    if not margins:
        return 0.0
    product = float(both * neither - ours * theirs)
    if product > 0:
        product = max(product - (both + ours + theirs + neither) / 2, 0.0)
    return product / math.sqrt(margins)
