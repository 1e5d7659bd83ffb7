import numpy as np
import pytest

from engine.systems.fmaml.silence import quietest_stretch, room_tone
from tests.engine.conftest import voice


def recording(seed: int) -> np.ndarray:
    """Half a second of voice, half a second of quiet noise, half a second of voice."""
    noise = np.random.default_rng(seed).normal(0, 1e-3, 8000).astype(np.float32)
    return np.concatenate([voice(seed, 0.5), noise, voice(seed + 1, 0.5)])


def test_the_quietest_stretch_is_the_one_between_the_words() -> None:
    samples = recording(0)
    stretch = quietest_stretch(samples)
    assert len(stretch) == 4800
    assert np.abs(stretch).max() < 0.01
    short = samples[:1000]
    assert quietest_stretch(short) is short


@pytest.mark.parametrize("length", [1, 800, 4800, 48_000])
def test_room_tone_is_as_long_as_asked_and_has_no_speech_in_it(length: int) -> None:
    tone = room_tone([recording(0), recording(10)], length, np.random.default_rng(0))
    assert tone.shape == (length,)
    assert tone.dtype == np.float32
    assert np.abs(tone).max() < 0.02


def test_pieces_are_joined_without_a_click() -> None:
    steady = [np.full(16_000, level, dtype=np.float32) for level in (0.10, 0.11)]
    tone = room_tone(steady, 32_000, np.random.default_rng(1))
    assert np.abs(np.diff(tone)).max() < 1e-4
    assert tone.max() > 1.05 * tone.min()


def test_levels_and_pieces_differ_from_draw_to_draw() -> None:
    first, again, second = (
        room_tone([recording(0), recording(10)], 16_000, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
