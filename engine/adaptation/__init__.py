"""From a base and a handful of labelled clips to a model of that language: one method a module."""

from engine.adaptation.adapt import adapt
from engine.adaptation.adapted import Adapted
from engine.adaptation.clips import LabelledClip
from engine.adaptation.settings import AdaptationSettings, Remark, StepTaken, resolve_settings

__all__ = ["AdaptationSettings", "Adapted", "LabelledClip", "Remark", "StepTaken", "adapt", "resolve_settings"]
