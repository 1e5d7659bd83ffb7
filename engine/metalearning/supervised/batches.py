"""Batches of one corpus, balanced over its labels and, within a label, over its speakers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.errors import CorpusError
from engine.metalearning.supervised.frame_cache import CachedCorpus

_MOST_TIME_MASKS = 2
_TIME_MASK_STEPS = (2, 7)  # of 40 ms
_CHANNEL_BLOCKS = 16
_CHANNEL_SHARE = 0.24  # of the blocks, in each clip


@dataclass(frozen=True)
class Batch:
    """hidden: (clips, steps, channels) pooled frames; mask: (clips, steps); labels, speakers: (clips,), the corpus's
    own numbers."""

    corpus: int
    hidden: Tensor
    mask: Tensor
    labels: Tensor
    speakers: Tensor


class BatchSampler:
    """Draws batches; a batch depends on its random numbers alone, never on what was drawn before."""

    def __init__(self, corpora: Sequence[CachedCorpus], size: int, lengths: tuple[int, int], fill: Tensor) -> None:
        """lengths: of a clip's piece, in steps; fill: (channels,), what masked steps and channels are set to."""
        self._corpora, self._size, self._lengths, self._fill = corpora, size, lengths, fill
        # the square root keeps a large corpus from drowning the small ones
        weights = np.sqrt([len(corpus.labels) for corpus in corpora])
        self._weights = weights / weights.sum()
        self._members = [_members(corpus) for corpus in corpora]

    def draw(self, random: np.random.Generator) -> Batch:
        """The batch of these random numbers."""
        number = int(random.choice(len(self._corpora), p=self._weights))
        corpus, members = self._corpora[number], self._members[number]
        steps = int(random.integers(self._lengths[0], self._lengths[1] + 1))
        hidden = torch.zeros(self._size, steps, len(self._fill))
        mask = torch.zeros(self._size, steps, dtype=torch.bool)
        clips = []
        for place in range(self._size):
            speakers = members[place % len(members)]
            voice = speakers[random.integers(len(speakers))]
            clip = int(voice[random.integers(len(voice))])
            view = corpus.views[random.integers(len(corpus.views))]
            frames = view.frames(clip)
            start = int(random.integers(0, len(frames) - steps + 1)) if len(frames) > steps else 0
            piece = torch.from_numpy(frames[start : start + steps].astype(np.float32))
            hidden[place, : len(piece)] = piece
            mask[place, : len(piece)] = True
            clips.append(clip)
        self._hide(hidden, mask, random)
        labels, voices = torch.from_numpy(corpus.labels[clips]), torch.from_numpy(corpus.speakers[clips])
        return Batch(number, hidden, mask, labels, voices)

    def _hide(self, hidden: Tensor, mask: Tensor, random: np.random.Generator) -> None:
        """SpecAugment on the frames: spans of time and blocks of channels to the mean frame."""
        width = -(-hidden.shape[2] // _CHANNEL_BLOCKS)
        for clip in range(len(hidden)):
            for _ in range(int(random.integers(0, _MOST_TIME_MASKS + 1))):
                span = int(random.integers(_TIME_MASK_STEPS[0], _TIME_MASK_STEPS[1] + 1))
                start = int(random.integers(0, max(1, hidden.shape[1] - span)))
                hidden[clip, start : start + span] = self._fill
            for block in np.flatnonzero(random.random(_CHANNEL_BLOCKS) < _CHANNEL_SHARE).tolist():
                channels = slice(block * width, (block + 1) * width)
                hidden[clip, :, channels] = self._fill[channels]
        hidden.mul_(mask[:, :, None])


def _members(corpus: CachedCorpus) -> list[list[np.ndarray[tuple[int], np.dtype[np.int64]]]]:
    """Clips by label and speaker. CorpusError if the corpus has one label only."""
    groups: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for clip, (label, speaker) in enumerate(zip(corpus.labels.tolist(), corpus.speakers.tolist(), strict=True)):
        groups[label][speaker].append(clip)
    if len(groups) < 2:
        raise CorpusError(f"{corpus.name} has clips of one emotion only.", "Take it out of the recipe.")
    return [[np.array(clips) for clips in groups[label].values()] for label in sorted(groups)]
