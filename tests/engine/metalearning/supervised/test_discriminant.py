import numpy as np
import pytest
from numpy.typing import NDArray

from engine.metalearning.supervised.discriminant import Discriminant, fit_discriminant

CLIPS, CHANNELS = 240, 10


def clips(seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Two corpora far apart; channel 0 tells the emotions, channel 1 is loud noise."""
    random = np.random.default_rng(seed)
    corpora = np.repeat([0, 1], CLIPS // 2)
    emotions = np.arange(CLIPS) % 3
    values = random.normal(0, 1, (CLIPS, CHANNELS))
    values[:, 0] += 3.0 * emotions
    values[:, 1] *= 20
    values += 50.0 * corpora[:, None]
    return values.astype(np.float32), corpora, corpora * 3 + emotions


def embed(fitted: Discriminant, values: NDArray[np.float32]) -> NDArray[np.float64]:
    embedded: NDArray[np.float64] = ((values - fitted.channel_mean) / fitted.channel_spread) @ fitted.directions
    return embedded


def test_the_first_direction_is_the_one_that_tells_emotions_apart() -> None:
    values, corpora, groups = clips()
    fitted = fit_discriminant(values, corpora, groups, 1, 0.1)
    strengths = np.abs(fitted.directions[:, 0])
    assert strengths.argmax() == 0
    assert strengths[0] > 5 * np.sort(strengths)[-2]


def test_it_is_fishers_analysis_when_the_scatter_is_not_shrunk() -> None:
    values, corpora, groups = clips()
    fitted = fit_discriminant(values, corpora, groups, 3, 1e-12)
    embedded = embed(fitted, values)
    for corpus in (0, 1):
        embedded[corpora == corpus] -= embedded[corpora == corpus].mean(0)
    within = embedded - np.stack([embedded[groups == group].mean(0) for group in range(6)])[groups]
    # Fisher's directions whiten the scatter within groups and diagonalise that between them
    np.testing.assert_allclose(within.T @ within / CLIPS, np.eye(3), atol=1e-4)


def test_the_distance_between_corpora_is_not_learnt() -> None:
    values, corpora, groups = clips()
    moved = values + 1000.0 * corpora[:, None].astype(np.float32)
    first = fit_discriminant(values, corpora, groups, 2, 0.7)
    second = fit_discriminant(moved, corpora, groups, 2, 0.7)
    ratio = second.directions[:, 0] / second.channel_spread / (first.directions[:, 0] / first.channel_spread)
    assert abs(ratio[0]) == pytest.approx(1.0, rel=0.4)  # the common channel is still the one that counts
    assert np.abs(second.directions[:, 0]).argmax() == 0


def test_no_more_directions_than_there_are_differences() -> None:
    values, corpora, groups = clips()
    assert fit_discriminant(values, corpora, groups, 24, 0.7).directions.shape[1] <= 4  # 2 x (3 - 1)
