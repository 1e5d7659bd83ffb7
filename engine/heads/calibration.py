"""How sure a head may be: one scale of its logits, so that their softmax can be read as probabilities.

A regression's or a discriminant's logits are in units of their own, far too flat or far too steep for a
softmax. The clips are left out in turn, the head is fitted to the rest, and the scale is the most probable one
for the logits of the clips left out: likelihood (every label weighs the same) times a log-normal prior, without
which a few clips that happen to be answered rightly would make it sure of everything. The method notes have
such a prior for cosines: median 6, sd 0.5 (calibration error .05-.23 -> .016-.039 at 5 clips a label). To have
it for every kind of head it is put on the sharpness: the scale times the root mean square of the left-out
logits about their clip's mean.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from engine.heads.head import Head
from engine.heads.linear import balanced_weights

PRIOR_SHARPNESS = 1.2  # found with it at 5 clips a label, compact base: 1.9 on EmoDB, 0.8 on EMOVO
_PRIOR_SD = 0.5  # of the logarithm
_MOST_FOLDS = 20  # up to 20 clips each is left out by itself
_REACH = 3.0  # of the search about the prior's median, in units of the logarithm

Refit = Callable[[Tensor], Head | None]


def calibrated_scale(head: Head, refit: Refit, embeddings: Tensor, labels: Tensor, label_count: int) -> float:
    """The scale for `head`, which was fitted to all `embeddings` (clips, embedding size) with `labels` (clips,).

    `refit` fits such a head to the clips at some positions, or returns None where these are too few. Where
    nothing can be left out the sharpness is the prior's, on the labelled clips themselves.
    """
    left_out = _left_out_logits(refit, embeddings, labels, label_count)
    if left_out is None:
        return _scale_for(PRIOR_SHARPNESS, head.logits(embeddings).cpu().double())
    logits, targets = left_out
    unit = _scale_for(1.0, logits)
    steps = torch.linspace(-_REACH, _REACH, 241, dtype=torch.float64)
    sharpness = PRIOR_SHARPNESS * steps.exp()
    logs = (sharpness[:, None, None] * unit * logits).log_softmax(-1)
    likelihood = (logs[:, torch.arange(len(targets)), targets] * balanced_weights(targets, label_count)).sum(1)
    posterior = likelihood - steps.square() / (2 * _PRIOR_SD**2)
    return float(sharpness[posterior.argmax()]) * unit


def _left_out_logits(
    refit: Refit, embeddings: Tensor, labels: Tensor, label_count: int
) -> tuple[Tensor, Tensor] | None:
    """Logits (clips, labels) of clips that the head had not seen, and their labels; None if there are none.

    `labels` are sorted, so every fold leaves something of each label.
    """
    counts = torch.bincount(labels, minlength=label_count)[labels]
    askable = torch.nonzero(counts > 1)[:, 0]
    logits, targets = [], []
    for fold in range(min(_MOST_FOLDS, len(askable))):
        held_out = askable[fold::_MOST_FOLDS]
        rest = torch.ones(len(labels), dtype=torch.bool, device=labels.device)
        rest[held_out] = False
        head = refit(torch.nonzero(rest)[:, 0])
        if head is not None:
            logits.append(head.logits(embeddings[held_out]).cpu().double())
            targets.append(labels[held_out].cpu())
    return (torch.cat(logits), torch.cat(targets)) if logits else None


def _scale_for(sharpness: float, logits: Tensor) -> float:
    """What brings `logits` (clips, labels) to this sharpness; 1 where they do not differ at all."""
    spread = float((logits - logits.mean(1, keepdim=True)).square().mean().sqrt())
    return sharpness / spread if math.isfinite(spread) and spread > 1e-12 else 1.0
