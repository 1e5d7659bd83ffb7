"""What accuracy to expect on clips that the head has not seen, from the labelled clips alone.

It is a head on the un-tuned base that is checked, which takes no time: every clip is embedded once. A method that
tunes has seen every clip that it was tuned on, and has to be repeated (`cross_adaptation`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.choices import HEADS
from engine.evaluation.folds import Scheme, leave_one_speaker_out
from engine.evaluation.metrics import Confusion, confusion_matrix, speaker_interval, wilson_interval
from engine.heads import fit_head
from engine.heads.speakers import fit_speaker_offsets

__all__ = ["MOST_FOLDS", "Checked", "Scheme", "cross_validate"]

MOST_FOLDS = 5


@dataclass(frozen=True)
class Checked:
    """`answers[i]` is the label given to `positions[i]` by a head that had not seen it."""

    scheme: Scheme
    fold_count: int
    positions: tuple[int, ...]
    answers: tuple[int, ...]
    confusion: Confusion

    def interval(self, labels: Sequence[int], speakers: Sequence[str | None]) -> tuple[float, float]:
        """95 % interval of the accuracy, from the labels and speakers of all clips: of new speakers where whole
        speakers were held back, else of new clips by the same voices."""
        right = [labels[position] == answer for position, answer in zip(self.positions, self.answers, strict=True)]
        if self.scheme is Scheme.FOLDS:
            return wilson_interval(sum(right), len(right))
        return speaker_interval(right, [speakers[position] for position in self.positions])


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
    known: Tensor | None = None,
) -> Checked:
    """Classify every clip by a `head` of the other folds' clips.

    embedded: one (embedding size,) a clip; `standardised`, `blocks`: see `engine.heads.frame`; `known`: see `fit_head`.
    A label's only clip is never asked, for nothing would be left to know it by. With `speaker_mean` the voices in the
    other folds are taken away (`fit_speaker_offsets`, also for `neutral`), from the clips that are asked too where
    their speaker is among them: a new speaker is not, and is left as he is. Raises LabellingError if no label has two
    clips.
    """
    folds = leave_one_speaker_out(labels, speakers, MOST_FOLDS, seed)
    label_count = max(labels) + 1
    embeddings = torch.stack(list(embedded))
    targets = torch.tensor(list(labels), device=embeddings.device)
    positions: list[int] = []
    answers: list[int] = []
    for held_out in folds.held_out:
        rest = [position for position in range(len(labels)) if position not in set(held_out)]
        support, asked = embeddings[rest], embeddings[list(held_out)]
        if speaker_mean:
            names = [speakers[position] for position in rest]
            offsets = fit_speaker_offsets(support, targets[rest], names, label_count, neutral)
            support = offsets.subtract(support, names)
            asked = offsets.subtract(asked, [speakers[position] for position in held_out])
        fitted = fit_head(
            head,
            support,
            targets[rest],
            label_count,
            standardised=standardised,
            blocks=blocks,
            calibrated=False,
            known=known,
        )
        answers += fitted.logits(asked).argmax(-1).tolist()
        positions += held_out
    confusion = confusion_matrix([labels[position] for position in positions], answers, label_count)
    return Checked(folds.scheme, len(folds.held_out), tuple(positions), tuple(answers), confusion)
