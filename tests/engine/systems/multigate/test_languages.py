"""What is known of the streams' channels before a training."""

import numpy as np

from engine.metalearning.supervised.frame_cache import CachedCorpus, CachedView
from engine.systems.multigate.languages import Language, channel_statistics


def test_statistics_are_of_whole_clips_and_not_of_their_onsets() -> None:
    """100 clips of 30 steps: silence (0) in the first, 1 and 3 by turns after it."""
    clip = np.array([0.0] + [1.0, 3.0] * 15, dtype=np.float16)[:30, None]
    frames = np.concatenate([clip] * 100)
    view = CachedView((frames,), (np.arange(0, 3001, 30),))
    zeros = np.zeros(100, dtype=np.int64)
    language = Language("any", (CachedCorpus("any", zeros, ("joy",), zeros, (view,)),), np.arange(100))
    ((mean, spread),) = channel_statistics([language])
    assert abs(float(mean) - clip.mean()) < 0.2
    assert abs(float(spread) - clip.std()) < 0.2
