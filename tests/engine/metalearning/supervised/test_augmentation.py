import numpy as np
import pytest

from engine.metalearning.supervised.augmentation import altered
from tests.engine.conftest import voice


@pytest.mark.parametrize("seed", range(12))
def test_copies_are_sound_of_about_the_same_length(seed: int) -> None:
    clip = voice(1, 1.0, 150.0)
    copy = altered(clip, np.random.default_rng(seed))
    assert copy.dtype == np.float32
    assert np.isfinite(copy).all()
    assert 0.85 * len(clip) < len(copy) < 1.18 * len(clip)
    assert np.abs(copy).max() == pytest.approx(0.7, rel=1e-3)


def test_copies_differ_from_the_clip_and_from_each_other_and_can_be_had_again() -> None:
    clip = voice(1, 1.0, 150.0)
    first, second, again = (altered(clip, np.random.default_rng(seed)) for seed in (0, 1, 0))
    np.testing.assert_array_equal(first, again)
    lengths = {len(clip), len(first), len(second)}
    assert len(lengths) == 3


def test_speed_moves_the_pitch() -> None:
    tone = np.sin(2 * np.pi * 200 * np.arange(16_000) / 16_000).astype(np.float32)
    peaks = []
    for seed in range(8):
        copy = altered(tone, np.random.default_rng(seed))
        spectrum = np.abs(np.fft.rfft(copy * np.hanning(len(copy))))
        peaks.append(spectrum.argmax() * 16_000 / len(copy))
    assert min(peaks) < 190 < 210 < max(peaks)
    assert all(200 * 0.84 < peak < 200 * 1.19 for peak in peaks)


def test_silence_stays_finite() -> None:
    assert np.isfinite(altered(np.zeros(8_000, np.float32), np.random.default_rng(3))).all()
