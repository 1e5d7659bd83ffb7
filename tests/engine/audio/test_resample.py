import math

import numpy as np
import pytest
import torch
from torchaudio import functional
from torchaudio.transforms import Resample

from engine.audio import resample as module
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


# --- odd rates ---------------------------------------------------------------------------------------

ORDINARY_HZ = [8_000, 11_025, 12_000, 22_050, 24_000, 32_000, 37_800, 44_100, 48_000, 88_200, 96_000, 192_000]
ODD_HZ = [8_013, 11_127, 15_992, 22_254, 22_255, 44_056, 191_900]


class RemadeEachTime:
    """torchaudio's function at the very rates, which makes its kernel anew at each call."""

    def __init__(self, rate_in: int, rate_out: int, dtype: torch.dtype) -> None:
        self._rates = rate_in, rate_out

    def __call__(self, samples: torch.Tensor) -> torch.Tensor:
        return functional.resample(samples, *self._rates)


@pytest.mark.parametrize("rate_hz", ORDINARY_HZ)
def test_ordinary_rates_are_themselves_to_the_bit(rate_hz: int, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.random.default_rng(2).normal(0, 0.3, rate_hz).astype(np.float32)
    whole, stream = to_model_rate(samples, rate_hz), in_blocks(samples, rate_hz, [4_321])
    assert np.array_equal(whole, functional.resample(torch.from_numpy(samples), rate_hz, 16_000).numpy())
    monkeypatch.setattr(module, "Resample", RemadeEachTime)
    assert np.array_equal(stream, in_blocks(samples, rate_hz, [4_321]))


@pytest.mark.parametrize("rate_hz", ODD_HZ)
def test_kernels_of_odd_rates_stay_small_and_are_made_once_a_stream(
    rate_hz: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, int]] = []

    class Counted(Resample):
        def __init__(self, rate_in: int, rate_out: int, dtype: torch.dtype) -> None:
            made.append((rate_in, rate_out))
            assert rate_in * rate_out < 1_001_000
            super().__init__(rate_in, rate_out, dtype=dtype)

    monkeypatch.setattr(module, "Resample", Counted)
    samples = np.random.default_rng(3).normal(0, 0.3, rate_hz).astype(np.float32)
    in_blocks(samples, rate_hz, [999])
    assert len(made) == (0 if rate_hz == 15_992 else 1), "that one is taken for 16,000"


@pytest.mark.parametrize("rate_hz", ODD_HZ)
def test_odd_rates_stream_as_whole_and_keep_pitch_and_length(rate_hz: int) -> None:
    time_s = np.arange(2 * rate_hz) / rate_hz
    samples = np.sin(2 * np.pi * 1_000 * time_s).astype(np.float32)
    whole = to_model_rate(samples, rate_hz)
    np.testing.assert_allclose(in_blocks(samples, rate_hz, [777, 3]), whole, atol=2e-6)
    assert len(whole) == pytest.approx(32_000, rel=0.00051)
    spectrum = np.abs(np.fft.rfft(whole * np.hanning(len(whole)), 32_000))
    assert spectrum.argmax() == pytest.approx(2_000, rel=0.00051)
    assert np.sqrt(np.mean(whole**2)) == pytest.approx(np.sqrt(0.5), abs=1e-3)


@pytest.mark.parametrize("rate_hz", [1, 7, 62, 63, 15_991, 15_992, 16_001, 767_999])
def test_any_rate_has_a_ratio_and_a_tenth_of_a_second_stays_one(rate_hz: int) -> None:
    samples = np.zeros(math.ceil(rate_hz / 10), dtype=np.float32)
    assert len(to_model_rate(samples, rate_hz)) >= 1_600
