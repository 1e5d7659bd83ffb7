"""Labelled clips as the encoder takes them."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.audio.windows import Windows
from engine.encoder import EmotionEncoder
from engine.errors import LabellingError


@dataclass(frozen=True)
class LabelledClip:
    """`windows`: 16 kHz mono float32, one of (n,) unless the clip is longer than 9.375 s (`read_windows`).

    `label` is an index into the labels; `speaker` is a name that other clips of the same voice have too.
    """

    windows: Windows
    label: int
    speaker: str | None = None


@dataclass(frozen=True)
class PreparedClip:
    """Front-end outputs of a clip's windows (one, unless it is longer than 9.375 s), and their durations."""

    windows: tuple[Tensor, ...]
    durations: tuple[int, ...]
    label: int


def sorted_by_content(clips: Sequence[LabelledClip]) -> list[LabelledClip]:
    """By a digest of the sound, so that sums are taken in the same order however clips and labels come."""
    return sorted(clips, key=lambda clip: (_digest(clip), clip.label))


def _digest(clip: LabelledClip) -> bytes:
    seen = hashlib.sha256()
    for window in clip.windows:
        seen.update(np.ascontiguousarray(window).tobytes())
    return seen.digest()


def prepare(encoder: EmotionEncoder, clips: Sequence[LabelledClip]) -> list[PreparedClip]:
    """Run the fixed front end once over every clip."""
    return [
        PreparedClip(
            tuple(encoder.front_end(window) for window in clip.windows),
            tuple(len(window) for window in clip.windows),
            clip.label,
        )
        for clip in clips
    ]


@torch.no_grad()
def embed_whole(encoder: EmotionEncoder, clips: Sequence[PreparedClip]) -> Tensor:
    """Embeddings (clips, embedding size), un-augmented; a long clip's is the mean of its windows by duration."""
    embeddings = encoder.embed([window for clip in clips for window in clip.windows])
    return mean_by_duration(embeddings, [clip.durations for clip in clips])


def mean_by_duration(windows: Tensor, durations: Sequence[Sequence[int]]) -> Tensor:
    """Embeddings of the windows of one clip after the other, (windows, size), to those of the clips, (clips, size).

    `durations`: of the windows of each clip, one or more; the unit does not matter.
    """
    weights = torch.tensor([float(n) for of_clip in durations for n in of_clip], device=windows.device)
    owner = torch.tensor([i for i, of_clip in enumerate(durations) for _ in of_clip], device=windows.device)
    summed = torch.zeros(len(durations), windows.shape[1], device=windows.device)
    summed.index_add_(0, owner, windows * weights[:, None])
    total = torch.zeros(len(durations), device=windows.device).index_add_(0, owner, weights)
    return summed / total[:, None]


def embed_each(encoder: EmotionEncoder, clips: Sequence[LabelledClip]) -> Iterator[Tensor]:
    """The embedding (embedding size,) of one clip after the other, so that progress can be told."""
    for clip in clips:
        yield embed_whole(encoder, prepare(encoder, [clip]))[0]


def check_labels(labels: Sequence[int], names: Sequence[str]) -> None:
    """LabellingError unless there are two labels or more and every one of them has a clip."""
    counts = Counter(labels)
    if len(names) < 2:
        have = f"only '{names[0]}' has clips" if names else "no clip is labelled"
        raise LabellingError(f"Two labels or more are needed, and {have}.", "Label a few clips of another emotion.")
    empty = [name for index, name in enumerate(names) if not counts[index]]
    if empty:
        raise LabellingError(f"No clip is labelled {', '.join(empty)}.", "Label at least one, or remove the label.")
