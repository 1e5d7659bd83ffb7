"""The exponential moving average of weights in training (Polyak and Juditsky 1992, in its exponential form)."""

from collections.abc import Iterable

import torch
from torch import Tensor


@torch.no_grad()
def draw_nearer(means: Iterable[Tensor], latest: Iterable[Tensor], kept: float) -> None:
    """Draw each mean, in place, towards the latest weight: `kept` of it stays. ValueError if there are not as many."""
    for mean, new in zip(means, latest, strict=True):
        mean.lerp_(new, 1 - kept)
