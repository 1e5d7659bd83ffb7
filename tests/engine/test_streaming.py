import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.audio.decode import iter_audio
from engine.audio.resample import to_model_rate
from engine.bases import Base
from engine.classification import classify_file, name_scores
from engine.decision import Decision
from engine.errors import AudioError
from engine.model_folder import AdaptedModel
from engine.streaming import FIRST_DECISION_S, LIVE_HOP_S, LIVE_WINDOW_S, LiveStream, score_window
from tests.engine.conftest import voice
from tests.engine.test_model_folder import model_of

RATE = 16_000


@pytest.fixture
def model(tiny_base: Base) -> AdaptedModel:
    return model_of(tiny_base)


def listen(model: AdaptedModel, samples: np.ndarray, rate_hz: int, block: int) -> tuple[list[Decision], LiveStream]:
    stream, decisions = LiveStream(model, rate_hz), []
    for start in range(0, len(samples), block):
        decisions += stream.feed(samples[start : start + block])
    return decisions, stream


def test_live_decides_five_times_a_second(model: AdaptedModel) -> None:
    decisions, _ = listen(model, voice(0, 4.0), RATE, 800)
    ends = [decision.end_s for decision in decisions]
    assert ends[0] == pytest.approx(FIRST_DECISION_S)
    assert np.allclose(np.diff(ends), LIVE_HOP_S)
    assert LIVE_HOP_S <= 0.25, "the user is promised four a second"


def test_a_live_decision_is_what_the_same_two_seconds_score_offline(model: AdaptedModel) -> None:
    samples = voice(0, 5.0)
    decisions, _ = listen(model, samples, RATE, 333)
    for decision in decisions:
        window = samples[round(decision.start_s * RATE) : round(decision.end_s * RATE)]
        assert decision.scores == score_window(model, window)
        assert sum(decision.scores) == pytest.approx(1.0)
    assert decisions[-1].end_s - decisions[-1].start_s == pytest.approx(LIVE_WINDOW_S)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("duration_s", [0.5, 3.0, 21.0])
def test_live_and_offline_agree_to_the_bit(
    model: AdaptedModel, write_wav: Callable[..., Path], rate_hz: int, duration_s: float
) -> None:
    random = np.random.default_rng(0)
    path = write_wav("a.wav", random.normal(0, 0.1, round(rate_hz * duration_s)).astype(np.float32), rate_hz)
    offline = classify_file(model, path)
    heard = np.concatenate(list(iter_audio(path)))
    _, stream = listen(model, heard, rate_hz, 1_234)
    assert name_scores(model, stream.finish()) == offline
    assert offline.window_count == (3 if duration_s > 18.75 else 1)
    assert sum(offline.scores.values()) == pytest.approx(1.0)


def test_a_short_clip_is_scored_whole(model: AdaptedModel, write_wav: Callable[..., Path]) -> None:
    samples = voice(3, 2.0)
    path = write_wav("a.wav", samples, 48_000, subtype="FLOAT")
    expected = score_window(model, to_model_rate(samples, 48_000))
    assert list(classify_file(model, path).scores.values()) == pytest.approx(list(expected), abs=1e-5)


def test_a_slow_machine_gets_the_newest_decision_only(model: AdaptedModel) -> None:
    stream = LiveStream(model, RATE)
    (decision,) = stream.feed(voice(0, 4.05))
    assert decision.end_s == pytest.approx(3.9)
    assert decision.scores == score_window(model, voice(0, 4.05)[round(1.9 * RATE) : round(3.9 * RATE)])
    assert stream.feed(voice(1, 0.1))[0].end_s == pytest.approx(4.1)


def test_silence_is_called_quiet(model: AdaptedModel) -> None:
    silent, _ = listen(model, np.zeros(2 * RATE, dtype=np.float32), RATE, 800)
    loud, _ = listen(model, voice(0, 2.0), RATE, 800)
    assert all(decision.quiet for decision in silent)
    assert not any(decision.quiet for decision in loud)


def test_too_little_sound_is_refused_in_words(model: AdaptedModel) -> None:
    stream = LiveStream(model, RATE)
    stream.feed(np.zeros(100, dtype=np.float32))
    with pytest.raises(AudioError, match=r"less than 0\.1 s"):
        stream.finish()


def test_scores_that_are_no_numbers_are_told_not_given(model: AdaptedModel, write_wav: Callable[..., Path]) -> None:
    broken = dataclasses.replace(model, head=dataclasses.replace(model.head, bias=model.head.bias * float("nan")))
    with pytest.raises(AudioError, match="not numbers"):
        classify_file(broken, write_wav("a.wav", voice(0)))
    with pytest.raises(AudioError, match="not numbers"):
        listen(broken, voice(0, 2.0), RATE, 800)
