"""What training sees of a corpus: every stream of every clip, kept on the disk, and balanced batches of them."""

from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import CorpusError
from engine.metalearning.corpora import Corpus
from engine.metalearning.supervised.frame_cache import CachedCorpus, ClipsCached, cache_corpus
from engine.systems.multigate.shapes import STEPS_PER_S, Reading, Steps, StreamShape, pad_steps
from engine.systems.multigate.streams import StreamsBackbone

_COARSEST = STEPS_PER_S[Reading.PAIRS]  # steps a second of the slowest streams: pieces are cut between them
_MOST_TIME_MASKS = 2
_TIME_MASK_STEPS = (2, 7)  # of 40 ms
_CHANNEL_BLOCKS = 16
_CHANNEL_SHARE = 0.2  # of the blocks, in each clip
_STATISTICS_FROM = 25  # every so many steps of a clip is enough for a mean and a spread


@dataclass(frozen=True)
class Language:
    """A corpus: `streams` hold what each stream makes of its clips; `clips` are the numbers of those that are used."""

    name: str
    streams: tuple[CachedCorpus, ...]
    clips: NDArray[np.int64]

    @property
    def labels(self) -> NDArray[np.int64]:
        """(all clips of the corpus,)"""
        return self.streams[0].labels

    @property
    def label_names(self) -> tuple[str, ...]:
        return self.streams[0].label_names

    @property
    def speakers(self) -> NDArray[np.int64]:
        """(all clips of the corpus,)"""
        return self.streams[0].speakers

    @property
    def views(self) -> int:
        return len(self.streams[0].views)

    def of(self, clips: NDArray[np.int64]) -> "Language":
        """The same with other clips."""
        return replace(self, clips=clips)

    def steps(self, clip: int, view: int = 0) -> list[Tensor]:
        """What each stream makes of a clip: (steps, channels)."""
        return [torch.from_numpy(stream.views[view].frames(clip).astype(np.float32)) for stream in self.streams]


def cache_language(
    corpus: Corpus, backbone: StreamsBackbone, folder: Path, augmented: int, seed: int
) -> Generator[ClipsCached, None, Language]:
    """Compute what is missing, stream by stream; each file is named by all that it depends on."""
    streams = []
    for stream in backbone.members:
        for event in cache_corpus(corpus, stream.alone().eval(), folder, augmented, seed, stream.read):
            if isinstance(event, ClipsCached):
                yield event
            else:
                streams.append(event)
    return Language(corpus.name, tuple(streams), np.arange(len(streams[0].labels)))


def channel_statistics(languages: Sequence[Language]) -> list[tuple[Tensor, Tensor]]:
    """Mean and spread of every stream's channels over the clean view of the clips that are used."""
    found = []
    for number in range(len(languages[0].streams)):
        views = [(language.streams[number].views[0], language.clips) for language in languages]
        one = np.concatenate([_some(view.frames(clip), int(clip)) for view, clips in views for clip in clips])
        values = one.astype(np.float32)
        found.append((torch.from_numpy(values.mean(0)), torch.from_numpy(values.std(0) + 1e-4)))
    return found


def _some(steps: NDArray[np.float16], clip: int) -> NDArray[np.float16]:
    """A few steps of a clip, the first of them another from clip to clip: all begin with silence."""
    return steps[clip % min(len(steps), _STATISTICS_FROM) :: _STATISTICS_FROM]


@dataclass(frozen=True)
class Batch:
    """language: its number; labels: (clips,), the corpus's own numbers."""

    language: int
    streams: list[Steps]
    labels: Tensor


class BatchSampler:
    """Batches of one language, balanced over its labels; each depends on its random numbers alone."""

    def __init__(
        self, languages: Sequence[Language], shapes: Sequence[StreamShape], fills: Sequence[Tensor], size: int
    ) -> None:
        """fills: (channels,) of every stream, what is masked is set to."""
        self._languages, self._shapes, self._fills, self._size = languages, shapes, fills, size
        weights = np.sqrt([len(language.clips) for language in languages])  # no language drowns the others
        self._weights = weights / weights.sum()
        self._members = [_members(language) for language in languages]

    def draw(self, random: np.random.Generator, lengths: tuple[int, int]) -> Batch:
        """The batch of these random numbers; lengths: of a clip's piece, in steps of 40 ms."""
        number = int(random.choice(len(self._languages), p=self._weights))
        language, members = self._languages[number], self._members[number]
        length = int(random.integers(lengths[0], lengths[1] + 1))
        clips, pieces = [], []
        for place in range(self._size):
            voices = members[place % len(members)]
            voice = voices[random.integers(len(voices))]
            clips.append(int(voice[random.integers(len(voice))]))
            steps = language.steps(clips[-1], int(random.integers(language.views)))
            pieces.append(self._hidden(self._piece(steps, length, random), random))
        streams = [pad_steps([piece[stream] for piece in pieces]) for stream in range(len(self._shapes))]
        return Batch(number, streams, torch.from_numpy(language.labels[clips]))

    def _piece(self, streams: list[Tensor], length: int, random: np.random.Generator) -> list[Tensor]:
        """The same part, at most `length` steps of 40 ms, of all streams that are sequences."""
        rates = [
            STEPS_PER_S[shape.reading] // _COARSEST if shape.reading in STEPS_PER_S else 0 for shape in self._shapes
        ]
        whole = max((len(steps) // rate for steps, rate in zip(streams, rates, strict=True) if rate), default=0)
        start = int(random.integers(0, whole - length + 1)) if whole > length else 0
        return [
            steps[start * rate : (start + length) * rate] if rate else steps
            for steps, rate in zip(streams, rates, strict=True)
        ]

    def _hidden(self, streams: list[Tensor], random: np.random.Generator) -> list[Tensor]:
        """SpecAugment: spans of time, the same in all streams, and blocks of channels are set to the mean."""
        spans = [
            (random.random(), int(random.integers(*_TIME_MASK_STEPS)))
            for _ in range(int(random.integers(0, _MOST_TIME_MASKS + 1)))
        ]
        for steps, shape, fill in zip(streams, self._shapes, self._fills, strict=True):
            rate = STEPS_PER_S.get(shape.reading, 0) // _COARSEST
            if not rate:
                continue
            for where, span in spans:
                start = int(where * max(1, len(steps) // rate - span)) * rate
                steps[start : start + span * rate] = fill
            width = -(-len(fill) // _CHANNEL_BLOCKS)
            for block in np.flatnonzero(random.random(_CHANNEL_BLOCKS) < _CHANNEL_SHARE).tolist():
                channels = slice(block * width, (block + 1) * width)
                steps[:, channels] = fill[channels]
        return streams


def _members(language: Language) -> list[list[NDArray[np.int64]]]:
    """Clips by label and speaker. CorpusError if the language has one label only."""
    groups: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for clip in language.clips.tolist():
        groups[int(language.labels[clip])][int(language.speakers[clip])].append(clip)
    if len(groups) < 2:
        raise CorpusError(f"{language.name} has clips of one emotion only.", "Take it out of the recipe.")
    return [[np.array(clips) for clips in groups[label].values()] for label in sorted(groups)]
