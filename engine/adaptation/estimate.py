"""How long an adaptation will take on this machine, measured in half a second rather than looked up."""

import time
from dataclasses import replace

import numpy as np

from engine.adaptation.adapt import adapt
from engine.adaptation.clips import LabelledClip
from engine.adaptation.settings import AdaptationSettings, StepTaken
from engine.audio.decode import MODEL_RATE_HZ
from engine.bases import Base
from engine.choices import TUNING_METHODS

_CLIPS_TIMED = 4
TYPICAL_CLIPS = 20
TYPICAL_CLIP_S = 3.0


def time_step_s(base: Base, settings: AdaptationSettings) -> float:
    """Seconds a step of tuning with 20 clips of 3 s; times two steps on 4 and takes the second, the warm one.

    A method that tunes nothing is timed as the first that does, with what else the settings say.
    """
    method = settings.method if settings.method in TUNING_METHODS else TUNING_METHODS[0]
    settings = replace(settings, method=method, steps=2)
    step_started = step_s = 0.0
    for event in adapt(base, _noise(), ("a", "b"), settings):
        if isinstance(event, StepTaken):
            step_s, step_started = time.perf_counter() - step_started, time.perf_counter()
    return step_s * TYPICAL_CLIPS / _CLIPS_TIMED


def estimate_adaptation_s(base: Base, settings: AdaptationSettings, step_s: float) -> float:
    """Seconds for 20 clips of 3 s, where a step of tuning takes `step_s`. Without steps it is one look at each clip."""
    if settings.tunes:
        return step_s * settings.steps
    started = time.perf_counter()
    for _ in adapt(base, _noise(), ("a", "b"), settings):
        pass
    return (time.perf_counter() - started) * TYPICAL_CLIPS / _CLIPS_TIMED


def _noise() -> list[LabelledClip]:
    random = np.random.default_rng(0)
    length = round(TYPICAL_CLIP_S * MODEL_RATE_HZ)
    return [
        LabelledClip((random.normal(0, 0.1, length).astype(np.float32),), index % 2) for index in range(_CLIPS_TIMED)
    ]
