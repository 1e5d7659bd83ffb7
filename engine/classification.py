"""Classifying: a model made ready for it, and the streaming path, fed from a file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.audio.decode import MAX_CLIP_S, MODEL_RATE_HZ, iter_audio, probe_audio
from engine.audio.resample import StreamingResampler
from engine.device import is_lacking, resolve_device
from engine.errors import DeviceError
from engine.model_folder import AdaptedModel, load_model
from engine.out_of_memory import give_back, ran_out_of_memory
from engine.precision import prepare_for_classifying
from engine.streaming import ClipScores, WholeClip, score_windows

_TOO_LITTLE = "The GPU has too little free memory for this model"


@dataclass(frozen=True)
class ReadyModel:
    """A model that is only to classify: its layers may be of lower precision. `note`: what the user should know."""

    model: AdaptedModel
    note: str = ""


def load_to_classify(folder: Path | str, device: str = "auto", precision: str = "auto") -> ReadyModel:
    """The model in `folder` on `device`, in `precision` (one of `engine.choices.PRECISIONS`).

    Both ways to classify, files and live, begin here, so that they give the same answers, but for the rounding of
    sums where files go in batches: in bf16 a clip between two labels may fall the other way. A GPU that lacks what
    the model needs makes way for the processor, unless it was asked for by name. Raises
    ModelFolderError, DeviceError.
    """
    model = load_model(folder, device)
    note = ""
    if model.encoder.device.type == "cpu":
        if device == "auto" and resolve_device().type != "cpu":
            note = f"{_TOO_LITTLE}, so the processor classifies."
    elif missing := _what_fails(model):
        if device != "auto":
            raise DeviceError(f"{missing}.", "Use --device cpu.")
        model = model.to(torch.device("cpu"))
        give_back()
        note = f"{missing}, so the processor classifies."
    prepare_for_classifying(model.encoder, precision)
    return ReadyModel(model, note)


def _what_fails(model: AdaptedModel) -> str:
    """Why this model's GPU cannot classify two windows of silence, the longest that there are; empty if it can."""
    longest = round(MAX_CLIP_S * MODEL_RATE_HZ)
    silence = [np.zeros(samples, dtype=np.float32) for samples in (longest, round(0.9 * longest))]  # one is padded
    try:
        score_windows(model, silence)
    except (RuntimeError, MemoryError, TypeError) as error:
        if ran_out_of_memory(error):
            return _TOO_LITTLE
        if not is_lacking(model.encoder.device, error):
            raise
        return f"The Apple GPU cannot do all that this model needs ({str(error).split('.')[0]})"
    return ""


@dataclass(frozen=True)
class Classification:
    """The answer for one clip; `scores` sum to 1, in the order of the model's labels."""

    label: str
    scores: dict[str, float]
    duration_s: float
    window_count: int


def name_scores(model: AdaptedModel, clip: ClipScores) -> Classification:
    """Scores by label name, and the best label."""
    scores = {label.name: score for label, score in zip(model.labels, clip.scores, strict=True)}
    return Classification(max(scores, key=scores.__getitem__), scores, clip.duration_s, clip.window_count)


def classify_file(model: AdaptedModel, path: Path | str) -> Classification:
    """Classify one file of any length in bounded memory. Raises AudioError. Of many: `batch_classification`."""
    path = Path(path)
    resampler, whole = StreamingResampler(probe_audio(path).rate_hz), WholeClip(model)
    for block in iter_audio(path):
        whole.feed(resampler.feed(block))
    whole.feed(resampler.flush())
    return name_scores(model, whole.finish())
