"""Which clips are held back together, so that whoever is asked about them has not heard them.

Whole speakers where the labels allow it: for a new speaker's clips that tells the truth (43 for 42 on EMOVO) where
leaving out one clip at a time promised 55. Else parts of the clips, which flatter, so the caller must say so.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from engine.errors import LabellingError

_TRIES = 100  # random ways to share speakers out, of which the evenest is taken


class Scheme(StrEnum):
    LEAVE_ONE_SPEAKER_OUT = "leave-one-speaker-out"
    SPEAKER_FOLDS = "speaker-folds"  # several whole speakers in a fold
    FOLDS = "folds"  # the same voices are on both sides


@dataclass(frozen=True)
class Folds:
    """`held_out`: positions of the clips of each fold, none in two. A clip in no fold is never asked."""

    scheme: Scheme
    held_out: tuple[tuple[int, ...], ...]

    @property
    def asked(self) -> tuple[int, ...]:
        """Every position that is asked, fold by fold."""
        return tuple(position for members in self.held_out for position in members)


def speakers_allow(labels: Sequence[int], speakers: Sequence[str | None]) -> bool:
    """Whether every clip has a speaker and every label two of them, so that a whole speaker can be left out."""
    voices: dict[int, set[str | None]] = defaultdict(set)
    for label, speaker in zip(labels, speakers, strict=True):
        voices[label].add(speaker)
    return all(speakers) and all(len(heard) > 1 for heard in voices.values())


def leave_one_speaker_out(labels: Sequence[int], speakers: Sequence[str | None], most: int, seed: int) -> Folds:
    """A fold a speaker; where the labels do not allow that, `most` folds of clips. Raises LabellingError."""
    if speakers_allow(labels, speakers):
        return Folds(Scheme.LEAVE_ONE_SPEAKER_OUT, tuple(map(tuple, _by_speaker(speakers).values())))
    return Folds(Scheme.FOLDS, _clip_folds(labels, most, seed))


def speaker_folds(labels: Sequence[int], speakers: Sequence[str | None], most: int, seed: int) -> Folds:
    """At most `most` folds of whole speakers, for what is too slow to repeat for each; else of clips.

    Every label keeps a clip outside of each fold: where no sharing out into `most` folds was found that grants it,
    there are more of them. Raises LabellingError if no label has two clips.
    """
    if not speakers_allow(labels, speakers):
        return Folds(Scheme.FOLDS, _clip_folds(labels, most, seed))
    clips = _by_speaker(speakers)
    if len(clips) <= most:
        return Folds(Scheme.LEAVE_ONE_SPEAKER_OUT, tuple(map(tuple, clips.values())))
    random = np.random.default_rng(seed)
    for count in range(most, len(clips)):
        tried = [_shared_out(random.permutation(sorted(map(str, clips))).tolist(), clips, count) for _ in range(_TRIES)]
        fit = [folds for folds in tried if _leaves_every_label(folds, labels)]
        if fit:
            return Folds(Scheme.SPEAKER_FOLDS, min(fit, key=lambda folds: _unevenness(folds, labels)))
    return Folds(Scheme.LEAVE_ONE_SPEAKER_OUT, tuple(map(tuple, clips.values())))


def _by_speaker(speakers: Sequence[str | None]) -> dict[str | None, list[int]]:
    clips: dict[str | None, list[int]] = defaultdict(list)
    for position, speaker in enumerate(speakers):
        clips[speaker].append(position)
    return clips


def _shared_out(
    order: Sequence[str], clips: Mapping[str | None, Sequence[int]], count: int
) -> tuple[tuple[int, ...], ...]:
    """Each speaker in turn to the fold that has the fewest clips."""
    folds: list[list[int]] = [[] for _ in range(count)]
    for speaker in order:
        min(folds, key=len).extend(clips[speaker])
    return tuple(tuple(sorted(fold)) for fold in folds)


def _leaves_every_label(folds: Sequence[Sequence[int]], labels: Sequence[int]) -> bool:
    for fold in folds:
        held_out = set(fold)
        if {label for position, label in enumerate(labels) if position not in held_out} != set(labels):
            return False
    return True


def _unevenness(folds: Sequence[Sequence[int]], labels: Sequence[int]) -> float:
    """How far the folds are from holding the same share of every label."""
    counts = np.zeros((len(folds), max(labels) + 1))
    for number, fold in enumerate(folds):
        np.add.at(counts[number], [labels[position] for position in fold], 1)
    return float(((counts - counts.mean(0)) ** 2).sum())


def _clip_folds(labels: Sequence[int], most: int, seed: int) -> tuple[tuple[int, ...], ...]:
    """At most `most` folds in which each label is spread evenly, so that none is ever missing from the rest."""
    members: dict[int, list[int]] = defaultdict(list)
    for position, label in enumerate(labels):
        members[label].append(position)
    askable = [group for group in members.values() if len(group) > 1]
    if not askable:
        raise LabellingError("No label has two clips, so nothing can be checked.", "Label a second clip of each.")
    random = np.random.default_rng(seed)
    fold_count = min(most, max(len(group) for group in askable))
    folds: list[list[int]] = [[] for _ in range(fold_count)]
    for group in askable:
        for turn, position in enumerate(random.permutation(group).tolist()):
            folds[turn % fold_count].append(position)
    return tuple(tuple(fold) for fold in folds if fold)
