"""Fitting a head of any kind to labelled clips."""

from dataclasses import replace

import torch
from torch import Tensor

from engine.choices import HEADS, KNOWN_EMOTIONS
from engine.errors import LabellingError
from engine.heads.calibration import calibrated_scale
from engine.heads.frame import class_means, fit_frame
from engine.heads.head import Head
from engine.heads.known import trusted_weights
from engine.heads.linear import fit_lda, fit_logistic, fit_ridge
from engine.heads.prototypes import COSINE_SCALE, PROTOTYPES, fit_prototypes

LDA, LOGISTIC = "lda", "logistic"


def fit_head(
    kind: str,
    embeddings: Tensor,
    labels: Tensor,
    label_count: int,
    *,
    standardised: bool,
    blocks: int = 1,
    cosine_scale: float = COSINE_SCALE,
    calibrated: bool = True,
    known: Tensor | None = None,
    projection: Tensor | None = None,
) -> Head:
    """A head of `kind` for `embeddings` (clips, embedding size) with `labels` (clips,) in 0..label_count-1.

    The result depends on the clips, not on their order, and is in the type and on the device of the
    embeddings. With one clip a label every head is one of prototypes, as its `kind` says: LDA has no spread
    to learn from, and the others were 3 points worse there (1-shot on EmoDB: 73 and 76). `standardised` and
    `blocks`: see `frame.fit_frame`. `cosine_scale` is that of prototypes; the others find theirs (`calibration`),
    which `calibrated=False` leaves out where only the best label counts. known: (labels, embedding size), what the base
    knows of the labels by their names (`KnownEmotions.of_labels`), for the head that is drawn to it; without it that
    head is one of logistic regression, as its `kind` says. projection: (embedding size, embedding size), what was
    tuned after the encoder; the head is of the projected embeddings, and projects by itself. Raises LabellingError on
    an unknown kind, and where embeddings are not finite.
    """
    if kind not in HEADS:
        raise LabellingError(f"There is no head called '{kind}'.", f"Use one of {', '.join(HEADS)}.")
    if projection is not None:
        embeddings = embeddings @ projection
        known = None if known is None else project_known(known, projection)
    _check_finite(embeddings)
    order = _order(embeddings, labels)
    embeddings, labels = embeddings.detach()[order], labels[order]
    if kind == KNOWN_EMOTIONS and known is None:
        kind = LOGISTIC
    alone = kind != KNOWN_EMOTIONS and int(torch.bincount(labels, minlength=label_count).max()) == 1
    if kind == PROTOTYPES or alone or (kind == LDA and not _vary_within_labels(embeddings, labels, label_count)):
        head = fit_prototypes(
            embeddings, labels, label_count, standardised=standardised, blocks=blocks, scale=cosine_scale
        )
        return replace(head, projection=projection)

    def fit(few: Tensor, names: Tensor) -> Head:
        return _fit(kind, few, names, label_count, standardised=standardised, blocks=blocks, known=known)

    def refit(positions: Tensor) -> Head | None:
        few, names = embeddings[positions], labels[positions]
        varies = kind != LDA or _vary_within_labels(few, names, label_count)
        return fit(few, names) if varies else None

    head = fit(embeddings, labels)
    if calibrated:
        head = replace(head, scale=calibrated_scale(head, refit, embeddings, labels, label_count))
    return replace(head, projection=projection)


def project_known(known: Tensor, projection: Tensor) -> Tensor:
    """What the base knows, which lies in the processor's memory, projected where the projection is."""
    return known.to(projection) @ projection


def degenerates(kind: str, clips_per_label: list[int]) -> bool:
    """Whether a head of `kind` can only be one of prototypes, for want of a label with two clips."""
    return kind not in (PROTOTYPES, KNOWN_EMOTIONS) and max(clips_per_label) == 1


def _check_finite(embeddings: Tensor) -> None:
    """Raises LabellingError: what solvers make of NaN is an error in words of their own, or a head of NaN."""
    if not bool(embeddings.isfinite().all()):
        raise LabellingError(
            "For some of the labelled clips the encoder gives values that are not numbers.",
            "Leave out clips whose samples are not between -1 and 1, or use another base.",
        )


def _order(embeddings: Tensor, labels: Tensor) -> list[int]:
    """Positions sorted by content, so that sums are taken in the same order however the clips come."""
    rows, names = embeddings.tolist(), labels.tolist()
    return sorted(range(len(rows)), key=lambda position: (names[position], rows[position]))


def _fit(
    kind: str,
    embeddings: Tensor,
    labels: Tensor,
    label_count: int,
    *,
    standardised: bool,
    blocks: int,
    known: Tensor | None,
) -> Head:
    """One of the rivals of prototypes."""
    exact, targets = embeddings.cpu().double(), labels.cpu()
    means = class_means(exact, targets, label_count)
    frame = fit_frame(exact, means, targets, standardised=standardised, centred=True, blocks=blocks)
    # The solution lies in the span of the points, which has far fewer dimensions than the embedding.
    points, start = frame.points(exact), None
    if kind == KNOWN_EMOTIONS and known is not None:
        start = trusted_weights(known.cpu().double(), points, targets)
    basis = torch.linalg.svd(points if start is None else torch.cat([points, start]), full_matrices=False).Vh
    points = points @ basis.T
    if kind == LDA:
        weight, bias = fit_lda(points, targets, label_count, exact.shape[1])
    elif kind == "ridge":
        weight, bias = fit_ridge(points, targets, label_count)
    else:
        weight, bias = fit_logistic(points, targets, label_count, None if start is None else start @ basis.T)
    weight, bias, centre, spread = (part.to(embeddings) for part in (weight @ basis, bias, frame.centre, frame.spread))
    return Head(kind, weight, bias, centre, spread, plain=not frame.on_sphere)


def _vary_within_labels(embeddings: Tensor, labels: Tensor, label_count: int) -> bool:
    means = class_means(embeddings, labels, label_count)
    return bool((embeddings - means[labels]).abs().max() > 1e-6 * means.abs().max())
