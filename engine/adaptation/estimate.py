"""How long an adaptation will take on this machine, measured in half a second rather than looked up."""

import time

import numpy as np

from engine.adaptation.adapt import adapt
from engine.adaptation.clips import LabelledClip
from engine.adaptation.settings import AdaptationSettings, StepTaken
from engine.audio.decode import MODEL_RATE_HZ
from engine.bases import Base

_CLIPS_TIMED = 4
TYPICAL_CLIPS = 20
TYPICAL_CLIP_S = 3.0


def estimate_adaptation_s(base: Base, settings: AdaptationSettings | None = None) -> float:
    """Seconds for 20 clips of 3 s; times two steps on 4 clips of noise and takes the second, the warm one."""
    settings = settings or AdaptationSettings()
    random = np.random.default_rng(0)
    length = round(TYPICAL_CLIP_S * MODEL_RATE_HZ)
    clips = [
        LabelledClip((random.normal(0, 0.1, length).astype(np.float32),), index % 2) for index in range(_CLIPS_TIMED)
    ]
    step_started = step_s = 0.0
    for event in adapt(base, clips, ("a", "b"), AdaptationSettings(steps=2)):
        if isinstance(event, StepTaken):
            step_s, step_started = time.perf_counter() - step_started, time.perf_counter()
    return step_s * settings.steps * TYPICAL_CLIPS / _CLIPS_TIMED
