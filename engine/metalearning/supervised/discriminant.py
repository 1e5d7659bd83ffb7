"""The closed-form part: discriminant analysis over (corpus, emotion) groups. Seconds of linear algebra.

A group is one emotion of one corpus, so that nothing is learnt of what tells corpora apart: clips are centred
within their corpus first, and no group is asked to lie near another corpus's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Discriminant:
    """Embedding = ((mean over time - channel_mean) / channel_spread) @ directions; directions: (D, dimensions)."""

    channel_mean: Floats
    channel_spread: Floats
    directions: Floats


def fit_discriminant(
    means: NDArray[np.float32], corpora: NDArray[np.int64], groups: NDArray[np.int64], dimensions: int, shrinkage: float
) -> Discriminant:
    """means: (clips, D) over time; corpora, groups: (clips,). The within-group scatter is shrunk to a sphere.

    Fewer directions than `dimensions` come out where there are fewer groups or channels.
    """
    values = means.astype(np.float64)
    channel_mean, channel_spread = values.mean(0), values.std(0) + 1e-6
    values = (values - channel_mean) / channel_spread
    values -= _means_of(values, corpora)[corpora]
    group_means = _means_of(values, groups)
    within = values - group_means[groups]
    scatter = within.T @ within / len(values)
    sphere = np.trace(scatter) / len(scatter) * np.eye(len(scatter))
    root = np.linalg.cholesky((1 - shrinkage) * scatter + shrinkage * sphere)
    between = group_means * np.sqrt(np.bincount(groups) / len(groups))[:, None]
    # in the space where the scatter is a sphere the best directions are the groups' own principal axes
    axes, strengths, _ = np.linalg.svd(np.linalg.solve(root, between.T), full_matrices=False)
    kept = min(dimensions, int((strengths > 1e-9 * strengths[0]).sum()))
    return Discriminant(channel_mean, channel_spread, np.linalg.solve(root.T, axes[:, :kept]))


def _means_of(values: Floats, owners: NDArray[np.int64]) -> Floats:
    sums = np.zeros((int(owners.max()) + 1, values.shape[1]))
    np.add.at(sums, owners, values)
    means: Floats = sums / np.bincount(owners)[:, None]
    return means
