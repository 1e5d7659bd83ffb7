import numpy as np
import pytest
import torch

from engine.audio.log_mel import LogMel
from engine.audio.vocal_tract import stretch_matrix


def spectrogram(hz: float) -> torch.Tensor:
    """Of a second of a tone."""
    time_s = np.arange(16_000) / 16_000
    return LogMel()(torch.from_numpy(np.sin(2 * np.pi * hz * time_s).astype(np.float32)))


def peak(mel: torch.Tensor) -> int:
    return int(mel.mean(1).argmax())


def test_a_factor_of_one_changes_nothing() -> None:
    mel = spectrogram(440.0)
    torch.testing.assert_close(stretch_matrix(80, 1.0) @ mel, mel, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("hz", [400.0, 900.0, 1500.0, 3000.0])
@pytest.mark.parametrize("factor", [0.88, 1.12])
def test_a_tone_comes_to_lie_where_the_moved_tone_would(hz: float, factor: float) -> None:
    moved = stretch_matrix(80, factor) @ spectrogram(hz)
    assert abs(peak(moved) - peak(spectrogram(hz / factor))) <= 1
    assert peak(moved) != peak(spectrogram(hz))


@pytest.mark.parametrize("factor", [0.85, 1.15])
def test_every_band_is_a_mean_of_two_neighbours_and_the_ends_stay_within(factor: float) -> None:
    matrix = stretch_matrix(80, factor)
    torch.testing.assert_close(matrix.sum(1), torch.ones(80))
    assert bool((matrix >= 0).all())
    assert int((matrix > 0).sum(1).max()) <= 2
    sources = (matrix * torch.arange(80)).sum(1)
    assert bool((sources.diff() >= 0).all())
    assert float(sources[-1]) == pytest.approx(79.0, abs=1.5)
