"""Classifying files: the streaming path, fed from a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.audio.decode import iter_audio, probe_audio
from engine.audio.resample import StreamingResampler
from engine.model_folder import AdaptedModel
from engine.streaming import ClipScores, WholeClip


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


def classify_in_blocks(model: AdaptedModel, path: Path) -> Iterator[float | Classification]:
    """Classify a file of any length in bounded memory.

    Yields the seconds read after every block, and the Classification at the end. Raises AudioError.
    """
    rate_hz = probe_audio(path).rate_hz
    resampler, whole = StreamingResampler(rate_hz), WholeClip(model)
    read_samples = 0
    for block in iter_audio(path):
        whole.feed(resampler.feed(block))
        read_samples += len(block)
        yield read_samples / rate_hz
    whole.feed(resampler.flush())
    yield name_scores(model, whole.finish())


def classify_file(model: AdaptedModel, path: Path | str) -> Classification:
    """Classify one file. Raises AudioError."""
    for event in classify_in_blocks(model, Path(path)):
        if isinstance(event, Classification):
            return event
    raise AssertionError("classify_in_blocks ends with a Classification")
