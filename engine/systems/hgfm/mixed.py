"""The mixed data set of section III.A: the clips of several corpora that have one of the emotions in question."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.errors import CorpusError
from engine.metalearning.corpora import Corpus
from engine.metalearning.supervised.frame_cache import CachedCorpus

_CLEAN = 0


@dataclass(frozen=True)
class MixedClip:
    """corpus: its number; position: among the corpus's clips that have any label, where its frames are kept.

    label: number of its emotion among those in question; speaker: a name that no other corpus uses.
    """

    corpus: int
    position: int
    path: Path
    label: int
    speaker: str


def mix(corpora: Sequence[Corpus], labels: Sequence[str], *, partly: bool = False) -> list[MixedClip]:
    """The clips of `corpora` that have one of `labels`. CorpusError if one of these has no clip, unless `partly`."""
    mixed = []
    for number, corpus in enumerate(corpora):
        with_label = [clip for clip in corpus.clips if clip.label is not None]
        mixed += [
            MixedClip(
                number, position, clip.path, labels.index(clip.label), f"{corpus.name}/{clip.speaker or clip.path}"
            )
            for position, clip in enumerate(with_label)
            if clip.label in labels
        ]
    absent = sorted(set(labels) - {labels[clip.label] for clip in mixed})
    if absent and not partly:
        names = ", ".join(corpus.name for corpus in corpora)
        raise CorpusError(f"No clip of {names} is of {', '.join(absent)}.", "Change labels in the recipe.")
    return mixed


class KeptFrames:
    """Frames of a frozen upstream, two by two, of the clips of a mixed data set."""

    def __init__(self, corpora: Sequence[CachedCorpus]) -> None:
        self._corpora = corpora

    def views(self, clip: MixedClip) -> int:
        return len(self._corpora[clip.corpus].views)

    def steps(self, clip: MixedClip) -> int:
        return len(self._corpora[clip.corpus].views[_CLEAN].frames(clip.position))

    def batch(
        self,
        clips: Sequence[MixedClip],
        longest: int | None = None,
        random: np.random.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Frames (clips, steps, channels) and mask (clips, steps).

        longest: of a clip longer than so many steps a piece is taken. random: which view and piece; None: the clean
        one, and the middle.
        """
        pieces = []
        for clip in clips:
            view = int(random.integers(self.views(clip))) if random is not None else _CLEAN
            frames = self._corpora[clip.corpus].views[view].frames(clip.position)
            spare = max(0, len(frames) - longest) if longest is not None else 0
            start = int(random.integers(spare + 1)) if random is not None else spare // 2
            pieces.append(torch.from_numpy(frames[start : start + len(frames) - spare].astype(np.float32)))
        hidden = torch.nn.utils.rnn.pad_sequence(pieces, batch_first=True)
        lengths = torch.tensor([len(piece) for piece in pieces])
        return hidden, torch.arange(hidden.shape[1])[None, :] < lengths[:, None]
