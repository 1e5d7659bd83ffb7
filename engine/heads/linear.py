"""The rivals of cosine prototypes, on points (clips, size) in double precision whose typical length is 1.

Each takes the points, their labels (clips,) and the number of labels, and returns a weight (labels, size) and
a bias (labels,). Labels with few clips weigh as much as labels with many.
"""

import torch
from torch import Tensor

from engine.heads.frame import class_means

INVERSE_PENALTY = 2.0  # C of logistic regression in scikit-learn's terms; its default, 1, hears too little (measured)
RIDGE_PENALTY = 1.0
LDA_SHRINKAGE = 0.7  # measured (method notes)
_GRADIENT_AT_END = 1e-9
_MOST_ITERATIONS = 10_000  # some 30 for 20 clips


def balanced_weights(labels: Tensor, label_count: int) -> Tensor:
    """(clips,) in double precision: every label has the same total, and all together weigh as many as the clips."""
    counts = torch.bincount(labels, minlength=label_count).double()
    return len(labels) / (label_count * counts[labels])


def fit_logistic(
    points: Tensor, labels: Tensor, label_count: int, start: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Multinomial logistic regression: 1/2 |weight - start|^2 + C sum_i a_i (-log p_i), the bias free of penalty.

    start: (labels, size), 0 if None; weights that were learnt elsewhere, from which these are to differ no more than
    the clips ask for (biased regularisation, Kuzborskij and Orabona 2013, Stability and hypothesis transfer learning).

    Newton's method with Boehning's bound in place of the Hessian (1992, Multinomial logistic regression
    algorithm): every step goes down, the one matrix is factorised once, and there is nothing to search.
    """
    weights = INVERSE_PENALTY * balanced_weights(labels, label_count)
    targets = torch.nn.functional.one_hot(labels, label_count).double()
    inputs = torch.cat([points, torch.ones(len(points), 1, dtype=torch.float64)], dim=1)  # the last one is the bias
    penalty = torch.ones(inputs.shape[1], 1, dtype=torch.float64)
    penalty[-1] = 0.0
    bound = torch.linalg.cholesky(0.5 * (inputs * weights[:, None]).T @ inputs + penalty.diagflat())
    start = torch.zeros_like(points[:1]).expand(label_count, -1) if start is None else start
    drawn_to = torch.cat([start.T, torch.zeros(1, label_count, dtype=torch.float64)])
    solution = drawn_to
    for _ in range(_MOST_ITERATIONS):
        residuals = weights[:, None] * ((inputs @ solution).softmax(1) - targets)
        gradient = inputs.T @ residuals + penalty * (solution - drawn_to)
        if float(gradient.abs().max()) < _GRADIENT_AT_END:
            break
        solution = solution - torch.cholesky_solve(gradient, bound)
    return solution[:-1].T, solution[-1]


def fit_ridge(points: Tensor, labels: Tensor, label_count: int) -> tuple[Tensor, Tensor]:
    """Ridge regression to one-hot targets: sum_i a_i |weight . x_i + bias - y_i|^2 + penalty |weight|^2."""
    weights = balanced_weights(labels, label_count)
    targets = torch.nn.functional.one_hot(labels, label_count).double()
    middle = (weights @ points) / weights.sum()
    target_middle = (weights @ targets) / weights.sum()
    centred = points - middle
    gram = (centred * weights[:, None]).T @ centred + RIDGE_PENALTY * torch.eye(points.shape[1], dtype=torch.float64)
    weight = torch.linalg.solve(gram, (centred * weights[:, None]).T @ (targets - target_middle)).T
    return weight, target_middle - weight @ middle


def fit_lda(points: Tensor, labels: Tensor, label_count: int, size: int) -> tuple[Tensor, Tensor]:
    """Linear discriminant analysis with one covariance, shrunk to its mean variance; all labels equally likely.

    The covariance is common to all labels, so each clip tells as much of it: only the prior is balanced.
    `size` is that of the embedding: the mean variance is over all of its directions, also those in which the
    labelled clips do not differ (`points` may be given in coordinates of the span of the clips).
    """
    means = class_means(points, labels, label_count)
    residuals = points - means[labels]
    covariance = residuals.T @ residuals / (len(points) - label_count)
    mean_variance = covariance.trace() / size
    identity = torch.eye(points.shape[1], dtype=torch.float64)
    shrunk = (1 - LDA_SHRINKAGE) * covariance + LDA_SHRINKAGE * mean_variance * identity
    weight = torch.linalg.solve(shrunk, means.T).T
    return weight, -0.5 * (weight * means).sum(1)
