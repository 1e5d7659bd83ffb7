from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.audio.windows import MIN_WINDOW_SAMPLES, WINDOW_SAMPLES, Windower, read_windows


def windows_of(samples: np.ndarray, block: int) -> list[np.ndarray]:
    windower, windows = Windower(), []
    for start in range(0, len(samples), block):
        windows += windower.feed(samples[start : start + block])
    return windows + windower.flush()


@pytest.mark.parametrize("block", [1_000, 160_000, 10_000_000])
def test_nothing_is_lost_and_no_window_is_longer_than_the_papers(block: int) -> None:
    samples = np.arange(2 * WINDOW_SAMPLES + 50_000, dtype=np.float32)
    windows = windows_of(samples, block)
    assert [len(window) for window in windows] == [WINDOW_SAMPLES, WINDOW_SAMPLES, 50_000]
    assert np.array_equal(np.concatenate(windows), samples)


def test_exactly_one_window_stays_one() -> None:
    assert len(windows_of(np.ones(WINDOW_SAMPLES, dtype=np.float32), 4_096)) == 1


def test_a_rest_too_short_to_hear_is_left_out() -> None:
    windows = windows_of(np.ones(WINDOW_SAMPLES + MIN_WINDOW_SAMPLES - 1, dtype=np.float32), 4_096)
    assert len(windows) == 1


def test_a_long_file_gives_windows_spread_over_it(write_wav: Callable[..., Path]) -> None:
    ramp = np.linspace(0, 0.9, 16_000 * 100, dtype=np.float32)
    windows = read_windows(write_wav("long.wav", ramp), 3)
    assert len(windows) == 3
    assert windows[0][0] < 0.01
    assert 0.4 < windows[1][0] < 0.5
    assert windows[2][-1] > 0.89


def test_a_short_file_gives_itself(tone_clip: Callable[..., Path]) -> None:
    (window,) = read_windows(tone_clip("a.wav", duration_s=0.7), 12)
    assert len(window) == 11_200
