import numpy as np
import torch
from transformers import WhisperFeatureExtractor

from engine.audio.log_mel import LogMel, level_dbfs
from tests.engine.conftest import voice


def test_it_is_whispers_own_on_a_padded_window() -> None:
    samples = np.pad(voice(1, 3.0), (0, 27 * 16_000))
    expected = WhisperFeatureExtractor(feature_size=80)(samples, sampling_rate=16_000)["input_features"][0]
    torch.testing.assert_close(LogMel(80)(torch.from_numpy(samples)).numpy(), expected, atol=2e-4, rtol=1e-3)


def test_a_hundred_frames_a_second() -> None:
    assert LogMel(80)(torch.from_numpy(voice(1, 1.5))).shape == (80, 150)


def test_level_of_full_scale_and_of_silence() -> None:
    assert abs(level_dbfs(np.ones(100, dtype=np.float32))) < 1e-6
    assert abs(level_dbfs(np.full(100, 0.1, dtype=np.float32)) + 20.0) < 1e-4
    assert level_dbfs(np.zeros(100, dtype=np.float32)) == -120.0
