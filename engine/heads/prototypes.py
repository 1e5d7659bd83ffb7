"""Cosine prototypes (Snell et al. 2017; main paper, section 3.3).

A prototype is the mean of its label's embeddings, taken before normalising. A query's logits are the scaled
cosines to the prototypes; the softmax of them are its scores.
"""

import torch
from torch import Tensor

from engine.heads.frame import Frame, class_means, fit_frame
from engine.heads.head import Head

PROTOTYPES = "prototypes"
COSINE_SCALE = 10.0  # the paper leaves it open; at 1 the 4-way loss cannot fall under 0.58


def prototype_head(vectors: Tensor, frame: Frame, scale: float = COSINE_SCALE) -> Head:
    """The head of prototype `vectors` (labels, embedding size); gradients flow through it."""
    return Head(PROTOTYPES, frame.points(vectors), torch.zeros_like(vectors[:, 0]), frame.centre, frame.spread, scale)


def fit_prototypes(
    embeddings: Tensor,
    labels: Tensor,
    label_count: int,
    *,
    standardised: bool,
    blocks: int = 1,
    scale: float = COSINE_SCALE,
) -> Head:
    """Prototypes of the labelled `embeddings` (clips, embedding size) with `labels` (clips,) in 0..label_count-1."""
    vectors = class_means(embeddings, labels, label_count)
    frame = fit_frame(embeddings, vectors, labels, standardised=standardised, centred=False, blocks=blocks)
    return prototype_head(vectors, frame, scale)
