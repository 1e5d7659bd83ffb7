"""How long an adaptation will take on this machine: measured, and what takes long to measure is kept."""

import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from engine.adaptation.adapt import adapt
from engine.adaptation.clips import LabelledClip
from engine.adaptation.settings import AdaptationSettings, StepTaken
from engine.adaptation.tuned_copy import copy_for_tuning
from engine.audio.decode import MODEL_RATE_HZ
from engine.bases import Base
from engine.choices import TUNING_METHODS
from engine.measurements import Others, can_keep, keep_measurement, measurement_file, read_measurement

_CLIPS_TIMED = 4
_NO_MATTER = ("steps", "learning_rate", "seed")  # to how long one step takes
TYPICAL_CLIPS = 20
TYPICAL_CLIP_S = 3.0


def step_seconds(base: Base, settings: AdaptationSettings) -> float:
    """Seconds a step of tuning with 20 clips of 3 s, as measured once on this machine; it takes about a second.

    A method that tunes nothing is timed as the first that does, with what else the settings say.
    """
    known_s = known_step_seconds(base, settings)
    if known_s is not None:
        return known_s
    others = Others()
    step_s = time_step_s(base, settings)
    file = _file(base, settings)
    if others.are_calm and can_keep(file):
        keep_measurement(file, {"step_s": step_s})
    return step_s


def known_step_seconds(base: Base, settings: AdaptationSettings) -> float | None:
    """What `step_seconds` measured earlier, if it did; takes no time."""
    step_s = (read_measurement(_file(base, settings)) or {}).get("step_s")
    return step_s if isinstance(step_s, float) and step_s > 0 else None


def time_step_s(base: Base, settings: AdaptationSettings) -> float:
    """Measure `step_seconds`: the mean step of all, where what lower layers make of a clip is kept (`views`)."""
    settings = _tuning(settings)
    step_s = _second_step_s(base, settings)
    if copy_for_tuning(base.encoder, settings.trained, settings.seed).depth:
        kept_s = _second_step_s(base, replace(settings, views=1))  # all of it was made in the first step
        step_s = kept_s + min(1.0, settings.views / max(1, settings.steps)) * max(0.0, step_s - kept_s)
    return step_s * TYPICAL_CLIPS / _CLIPS_TIMED


def _second_step_s(base: Base, settings: AdaptationSettings) -> float:
    """Of two steps on 4 clips, the second is the warm one."""
    step_started = step_s = 0.0
    for event in adapt(base, _noise(), ("a", "b"), replace(settings, steps=2)):
        if isinstance(event, StepTaken):
            step_s, step_started = time.perf_counter() - step_started, time.perf_counter()
    return step_s


def _tuning(settings: AdaptationSettings) -> AdaptationSettings:
    return settings if settings.method in TUNING_METHODS else replace(settings, method=TUNING_METHODS[0])


def _file(base: Base, settings: AdaptationSettings) -> Path:
    """Where it is kept: by architecture and by what is tuned; neither weights nor the number of steps matter."""
    how = {name: value for name, value in asdict(_tuning(settings)).items() if name not in _NO_MATTER}
    return measurement_file("step", base.encoder.device, base.encoder.specification(), how)


def estimate_adaptation_s(base: Base, settings: AdaptationSettings) -> float:
    """Seconds for 20 clips of 3 s. Without steps of tuning it is one look at each clip."""
    if settings.tunes:
        return step_seconds(base, settings) * settings.steps
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
