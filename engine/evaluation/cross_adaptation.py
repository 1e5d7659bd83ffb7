"""What accuracy to expect of a method that tunes: it is adapted anew in every fold, whatever it is.

Two or three folds, of whole speakers where they are named (method notes): the least that asks every clip, for each
fold takes a whole adaptation. It learns from fewer clips than the user's own version did, so it promises too little
rather than too much.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, Remark, StepTaken, adapt
from engine.adaptation.clips import embed_each
from engine.base_folder import Base
from engine.evaluation.cross_validation import Checked
from engine.evaluation.folds import Folds, speaker_folds
from engine.evaluation.metrics import confusion_matrix

MOST_FOLDS = 3
_ASKING_SHARE = 0.1  # of a fold's time, as it is told: most goes into adapting


@dataclass(frozen=True)
class FoldProgress:
    """`fold` of `folds`, both from 1; `share`: of the whole, 0..1. `loss` only while it tunes.

    `remaining_s`: until the end of the last fold, None before anything was measured.
    """

    fold: int
    folds: int
    share: float
    loss: float | None = None
    remaining_s: float | None = None


@dataclass(frozen=True)
class CrossAdapted:
    """The answers to the clips that were held back, and the mean seconds that an adaptation took.

    `settings`: what was done in the last fold, which is not what was asked if there was a Remark.
    """

    checked: Checked
    adaptation_s: float
    settings: AdaptationSettings


def folds_for(clips: Sequence[LabelledClip], seed: int) -> Folds:
    """The folds of `cross_adapt`; the same for every method. Raises LabellingError."""
    return speaker_folds([clip.label for clip in clips], [clip.speaker for clip in clips], MOST_FOLDS, seed)


def cross_adapt(
    base: Base,
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    settings: AdaptationSettings,
    device: torch.device | None = None,
    folds: Folds | None = None,
) -> Iterator[FoldProgress | Remark | CrossAdapted]:
    """In each fold `adapt` a copy of `base` to the rest and classify what is held back; last comes `CrossAdapted`.

    folds: those of `folds_for` with the settings' seed unless given. A voice that the adaptation knows is taken away
    from clips that are asked too (`speaker_mean`), a new one is left alone. Raises what `adapt` raises.
    """
    folds = folds or folds_for(clips, settings.seed)
    answers: list[int] = []
    seconds: list[float] = []
    clock = _Clock(len(folds.held_out))
    adapted = None
    for held_out in folds.held_out:
        clock.start_fold()
        asked = set(held_out)
        rest = [clip for position, clip in enumerate(clips) if position not in asked]
        adapted = None  # the memory of the fold before
        yield clock.now(0.0)
        started = time.perf_counter()
        adapted = yield from _adapt(clock, adapt(base, rest, labels, settings, device))
        seconds.append(time.perf_counter() - started)
        answers += yield from _ask(clock, adapted, [clips[position] for position in held_out])
    assert adapted is not None
    true = [clips[position].label for position in folds.asked]
    confusion = confusion_matrix(true, answers, len(labels))
    checked = Checked(folds.scheme, len(folds.held_out), folds.asked, tuple(answers), confusion)
    yield CrossAdapted(checked, sum(seconds) / len(seconds), adapted.settings)


def _adapt(
    clock: "_Clock", adapting: Iterator[StepTaken | Remark | Adapted]
) -> Generator[FoldProgress | Remark, None, Adapted]:
    for event in adapting:
        match event:
            case StepTaken(step, steps, loss):
                yield clock.now((1 - _ASKING_SHARE) * step / steps, loss)
            case Remark():
                yield event
            case Adapted():
                return event
    raise AssertionError("adapt() ends with Adapted")


def _ask(
    clock: "_Clock", adapted: Adapted, clips: Sequence[LabelledClip]
) -> Generator[FoldProgress | Remark, None, list[int]]:
    """The label of each clip, as the adapted model hears it: alone, so that no clip depends on another."""
    answers = []
    for number, (clip, embedding) in enumerate(zip(clips, embed_each(adapted.encoder, clips), strict=True), start=1):
        if adapted.speakers is not None:
            embedding = embedding - adapted.speakers.of(clip.speaker)
        answers.append(int(adapted.head.logits(embedding[None]).argmax()))
        yield clock.now(1 - _ASKING_SHARE * (1 - number / len(clips)))
    return answers


class _Clock:
    """How far it is, and how long it will take at the pace so far."""

    def __init__(self, folds: int) -> None:
        self._folds = folds
        self._fold = 0
        self._started = time.perf_counter()

    def start_fold(self) -> None:
        self._fold += 1

    def now(self, share: float, loss: float | None = None) -> FoldProgress:
        """`share`: of this fold."""
        whole = (self._fold - 1 + share) / self._folds
        passed = time.perf_counter() - self._started
        remaining_s = passed * (1 - whole) / whole if whole > 0 else None
        return FoldProgress(self._fold, self._folds, whole, loss, remaining_s)
