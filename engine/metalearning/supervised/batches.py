"""Batches of one corpus, balanced over its labels and, within a label, over its speakers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.audio.vocal_tract import stretch_matrix
from engine.errors import CorpusError
from engine.metalearning.supervised.frame_cache import CachedCorpus


@dataclass(frozen=True)
class Batch:
    """inputs: a piece of each clip as the encoder is given it, (features, steps); labels, speakers: (clips,), the
    corpus's own numbers."""

    corpus: int
    inputs: list[Tensor]
    labels: Tensor
    speakers: Tensor


class BatchSampler:
    """Draws batches; a batch depends on its random numbers alone, never on what was drawn before."""

    def __init__(
        self, corpora: Sequence[CachedCorpus], size: int, lengths: tuple[int, int], stretched: float = 0.0
    ) -> None:
        """corpora: as `cache_inputs` keeps them. lengths: of a clip's piece, in steps. stretched: by how much the bands
        of a spectrogram are moved at most, up or down (`stretch_matrix`)."""
        self._corpora, self._size, self._lengths = corpora, size, lengths
        self._most = float(np.log1p(stretched))
        # the square root keeps a large corpus from drowning the small ones
        weights = np.sqrt([len(corpus.labels) for corpus in corpora])
        self._weights = weights / weights.sum()
        self._members = [_members(corpus) for corpus in corpora]

    def draw(self, random: np.random.Generator) -> Batch:
        """The batch of these random numbers."""
        number = int(random.choice(len(self._corpora), p=self._weights))
        corpus, members = self._corpora[number], self._members[number]
        steps = int(random.integers(self._lengths[0], self._lengths[1] + 1))
        clips, inputs = [], []
        for place in range(self._size):
            speakers = members[place % len(members)]
            voice = speakers[random.integers(len(speakers))]
            clips.append(int(voice[random.integers(len(voice))]))
            inputs.append(self._piece(corpus, clips[-1], steps, random))
        labels, voices = torch.from_numpy(corpus.labels[clips]), torch.from_numpy(corpus.speakers[clips])
        return Batch(number, inputs, labels, voices)

    def _piece(self, corpus: CachedCorpus, clip: int, steps: int, random: np.random.Generator) -> Tensor:
        """At most `steps` of one view of a clip, from another throat."""
        whole = corpus.views[random.integers(len(corpus.views))].frames(clip)
        start = int(random.integers(0, len(whole) - steps + 1)) if len(whole) > steps else 0
        piece = torch.from_numpy(whole[start : start + steps].astype(np.float32)).T
        if not self._most:
            return piece.contiguous()
        factor = float(np.exp(random.uniform(-self._most, self._most)))
        return stretch_matrix(len(piece), factor) @ piece


def _members(corpus: CachedCorpus) -> list[list[NDArray[np.int64]]]:
    """Clips by label and speaker. CorpusError if the corpus has one label only."""
    groups: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for clip, (label, speaker) in enumerate(zip(corpus.labels.tolist(), corpus.speakers.tolist(), strict=True)):
        groups[label][speaker].append(clip)
    if len(groups) < 2:
        raise CorpusError(f"{corpus.name} has clips of one emotion only.", "Take it out of the recipe.")
    return [[np.array(clips) for clips in groups[label].values()] for label in sorted(groups)]
