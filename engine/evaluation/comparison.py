"""Methods side by side on a user's own clips: the same folds for each, and what lies between them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from engine.adaptation import AdaptationSettings, LabelledClip, Remark
from engine.base_folder import Base
from engine.errors import LabellingError
from engine.evaluation.cross_adaptation import CrossAdapted, FoldProgress, cross_adapt
from engine.evaluation.folds import Folds
from engine.evaluation.paired import Difference, paired_difference


@dataclass(frozen=True)
class Contender:
    """`prepare` loads what it starts from, when its turn has come, and may fail. `name` is for the caller."""

    name: str
    prepare: Callable[[], tuple[Base, AdaptationSettings]]


@dataclass(frozen=True)
class Outcome:
    """Either `measured`, or the `error` that it ended with. `difference`: to the first contender.

    None of the first itself, and where the first has failed.
    """

    contender: Contender
    measured: CrossAdapted | None = None
    difference: Difference | None = None
    error: Exception | None = None


def compare(
    contenders: Sequence[Contender],
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    folds: Folds,
    device: torch.device | None = None,
) -> Iterator[FoldProgress | Remark | Outcome]:
    """`cross_adapt` of each contender in turn, with its `Outcome` at the end of each.

    All answer the same clips, having learnt from the same, in `folds`. One that fails does not end the others:
    hours may lie behind them. Raises LabellingError where there is no contender.
    """
    if not contenders:
        raise LabellingError("No method was chosen.", "Choose at least one.")
    reference: list[bool] | None = None
    base: Base | None = None
    for number, contender in enumerate(contenders):
        try:
            measured = base = None  # the last one's goes before the next is loaded
            base, settings = contender.prepare()
            for event in cross_adapt(base, clips, labels, settings, device, folds):
                if isinstance(event, CrossAdapted):
                    measured = event
                else:
                    yield event
            assert measured is not None
        except Exception as error:
            yield Outcome(contender, error=error)
            continue
        right = _right(measured, clips)
        if number == 0:
            reference = right
        difference = None
        if number > 0 and reference is not None:
            speakers = [clips[position].speaker for position in folds.asked]
            difference = paired_difference(right, reference, speakers)
        yield Outcome(contender, measured, difference)


def _right(measured: CrossAdapted, clips: Sequence[LabelledClip]) -> list[bool]:
    checked = measured.checked
    return [
        clips[position].label == answer for position, answer in zip(checked.positions, checked.answers, strict=True)
    ]
