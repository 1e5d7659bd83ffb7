"""What accuracy to expect on clips that the head has not seen, from the labelled clips alone.

Leave-one-speaker-out where the labels allow it: for a new speaker's clips it told the truth (43 for 42 on
EMOVO) where leaving out one clip at a time promised 55. Else folds over clips, which flatter, so the caller
must say so. It is a head on the un-tuned base that is checked: a tuned encoder has seen every clip.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from torch import Tensor

from engine.choices import HEADS
from engine.errors import LabellingError
from engine.evaluation.metrics import Confusion, confusion_matrix
from engine.heads import fit_head
from engine.heads.speakers import fit_speaker_offsets

MOST_FOLDS = 5


class Scheme(StrEnum):
    LEAVE_ONE_SPEAKER_OUT = "leave-one-speaker-out"
    FOLDS = "folds"


@dataclass(frozen=True)
class Checked:
    """`answers[i]` is the label given to `positions[i]` by a head that had not seen it."""

    scheme: Scheme
    fold_count: int
    positions: tuple[int, ...]
    answers: tuple[int, ...]
    confusion: Confusion


def speakers_allow(labels: Sequence[int], speakers: Sequence[str | None]) -> bool:
    """Whether every clip has a speaker and every label two of them, so that a whole speaker can be left out."""
    voices: dict[int, set[str | None]] = defaultdict(set)
    for label, speaker in zip(labels, speakers, strict=True):
        voices[label].add(speaker)
    return all(speakers) and all(len(heard) > 1 for heard in voices.values())


def cross_validate(
    embedded: Sequence[Tensor],
    labels: Sequence[int],
    speakers: Sequence[str | None],
    *,
    standardised: bool,
    blocks: int = 1,
    seed: int,
    head: str = HEADS[0],
    speaker_mean: bool = False,
    neutral: int | None = None,
) -> Checked:
    """Classify every clip by a `head` of the other folds' clips.

    embedded: one (embedding size,) a clip; `standardised`, `blocks`: see `engine.heads.frame`. A label's only clip
    is never asked, for nothing would be left to know it by. With `speaker_mean` the voices in the other folds are
    taken away (`fit_speaker_offsets`, also for `neutral`), from the clips that are asked too where their speaker is
    among them: a new speaker is not, and is left as he is. Raises LabellingError if no label has two clips.
    """
    if speakers_allow(labels, speakers):
        scheme, folds = Scheme.LEAVE_ONE_SPEAKER_OUT, _speaker_folds(speakers)
    else:
        scheme, folds = Scheme.FOLDS, _clip_folds(labels, seed)
    label_count = max(labels) + 1
    embeddings = torch.stack(list(embedded))
    targets = torch.tensor(list(labels), device=embeddings.device)
    positions: list[int] = []
    answers: list[int] = []
    for held_out in folds:
        rest = [position for position in range(len(labels)) if position not in set(held_out)]
        support, asked = embeddings[rest], embeddings[list(held_out)]
        if speaker_mean:
            names = [speakers[position] for position in rest]
            offsets = fit_speaker_offsets(support, targets[rest], names, label_count, neutral)
            support = offsets.subtract(support, names)
            asked = offsets.subtract(asked, [speakers[position] for position in held_out])
        fitted = fit_head(
            head, support, targets[rest], label_count, standardised=standardised, blocks=blocks, calibrated=False
        )
        answers += fitted.logits(asked).argmax(-1).tolist()
        positions += held_out
    confusion = confusion_matrix([labels[position] for position in positions], answers, label_count)
    return Checked(scheme, len(folds), tuple(positions), tuple(answers), confusion)


def _speaker_folds(speakers: Sequence[str | None]) -> list[tuple[int, ...]]:
    folds: dict[str | None, list[int]] = defaultdict(list)
    for position, speaker in enumerate(speakers):
        folds[speaker].append(position)
    return [tuple(members) for members in folds.values()]


def _clip_folds(labels: Sequence[int], seed: int) -> list[tuple[int, ...]]:
    """At most 5 folds in which each label is spread evenly, so that none is ever missing from the rest."""
    members: dict[int, list[int]] = defaultdict(list)
    for position, label in enumerate(labels):
        members[label].append(position)
    askable = [group for group in members.values() if len(group) > 1]
    if not askable:
        raise LabellingError("No label has two clips, so nothing can be checked.", "Label a second clip of each.")
    random = np.random.default_rng(seed)
    fold_count = min(MOST_FOLDS, max(len(group) for group in askable))
    folds: list[list[int]] = [[] for _ in range(fold_count)]
    for group in askable:
        for turn, position in enumerate(random.permutation(group).tolist()):
            folds[turn % fold_count].append(position)
    return [tuple(fold) for fold in folds if fold]
