import numpy as np
import pytest

from engine.audio.resample import StreamingResampler, to_model_rate
from tests.engine.conftest import voice


def in_blocks(samples: np.ndarray, rate_hz: int, sizes: list[int]) -> np.ndarray:
    resampler, start, turn, given = StreamingResampler(rate_hz), 0, 0, []
    while start < len(samples):
        size = sizes[turn % len(sizes)]
        given.append(resampler.feed(samples[start : start + size]))
        start, turn = start + size, turn + 1
    return np.concatenate([*given, resampler.flush()])


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("duration_s", [0.003, 0.4, 2.51])
def test_a_stream_equals_the_whole(rate_hz: int, duration_s: float) -> None:
    samples = np.random.default_rng(0).normal(0, 0.3, round(rate_hz * duration_s)).astype(np.float32)
    whole = to_model_rate(samples, rate_hz)
    np.testing.assert_allclose(in_blocks(samples, rate_hz, [777, 3]), whole, atol=2e-6)


def test_the_sizes_of_the_blocks_change_no_bit() -> None:
    samples = np.random.default_rng(1).normal(0, 0.3, 100_000).astype(np.float32)
    given = [in_blocks(samples, 44_100, sizes) for sizes in ([2_205], [101, 4_000], [1_000_000])]
    assert np.array_equal(given[0], given[1])
    assert np.array_equal(given[0], given[2])


def test_a_tone_keeps_its_pitch_and_level() -> None:
    time_s = np.arange(48_000) / 48_000
    resampled = to_model_rate(np.sin(2 * np.pi * 1_000 * time_s).astype(np.float32), 48_000)
    spectrum = np.abs(np.fft.rfft(resampled))
    assert spectrum.argmax() == 1_000
    assert abs(np.sqrt(np.mean(resampled**2)) - np.sqrt(0.5)) < 1e-3


def test_the_models_own_rate_is_left_alone() -> None:
    assert np.array_equal(to_model_rate(voice(0), 16_000), voice(0))
