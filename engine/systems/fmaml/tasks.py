"""N+F-way K-shot tasks of one language each (section 3.2)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.backbones.protocol import Frames
from engine.errors import CorpusError
from engine.systems.fmaml.maml import Batch, Task
from engine.systems.fmaml.mfcc_cache import CachedCorpus
from engine.systems.fmaml.network import FIXED

_FRAMES_PER_S = 100


@dataclass(frozen=True)
class TaskShape:
    """ways: emotions at most; shots, queries: clips of a label on either side; crop_s: of longer clips (0: none).

    fixed: silence and neutral keep the last outputs, and are in the query alone. Else they are labels like the others,
    as plain MAML has them: in the support too, at outputs dealt out anew in each task. fewest_queries: a corpus with
    fewer than `queries` clips left of some label has as many queries of each, down to this number.
    """

    ways: int = 5
    shots: int = 5
    queries: int = 5
    crop_s: float = 3.0
    fixed: bool = True
    fewest_queries: int | None = None

    @property
    def outputs(self) -> int:
        """Of the layer that these tasks are for, without those that are fixed."""
        return self.ways if self.fixed else self.ways + len(FIXED)


@dataclass(frozen=True)
class DrawnTask:
    """Which clips of which corpus. labels[output]; support and query: (clip, output, first frame) each."""

    corpus: int
    labels: dict[int, str]
    support: tuple[tuple[int, int, int], ...]
    query: tuple[tuple[int, int, int], ...]


class TaskSampler:
    """Draws tasks from `corpora`: task `number` follows from the seed and the number.

    Each task is of one corpus, so of one language; the corpus is drawn with a probability proportional to the square
    root of its size. Its emotions are drawn, and which output each has; a corpus with fewer than `ways` fills the
    first outputs. A fixed label is in the query of every task whose corpus has it, and its output is there in any
    case. Raises CorpusError where no corpus has two emotions with enough clips.
    """

    def __init__(self, corpora: Sequence[CachedCorpus], shape: TaskShape, seed: int) -> None:
        self._corpora, self._shape, self._seed = corpora, shape, seed
        self._clips = [self._by_label(corpus) for corpus in corpora]
        self.emotions = [[label for label in clips if label not in FIXED] for clips in self._clips]
        usable = [number for number, emotions in enumerate(self.emotions) if len(emotions) > 1]
        self.left_out = tuple(corpus.name for number, corpus in enumerate(corpora) if number not in usable)
        if not usable:
            least = shape.shots + (shape.fewest_queries or shape.queries)
            raise CorpusError(
                f"No corpus has two emotions with {least} clips each.", "Use fewer shots or queries, or other corpora."
            )
        roots = np.sqrt([len(corpora[number].labels) for number in usable])
        self._usable, self._probabilities = usable, roots / roots.sum()

    def _by_label(self, corpus: CachedCorpus) -> dict[str, list[int]]:
        """The clips of every label that has enough of them."""
        clips: dict[str, list[int]] = defaultdict(list)
        for number, label in enumerate(corpus.labels):
            clips[label].append(number)
        queries = self._shape.fewest_queries or self._shape.queries
        return {label: clips[label] for label in sorted(clips) if len(clips[label]) >= self._shots(label) + queries}

    def _shots(self, label: str) -> int:
        """Clips of a label in the support."""
        return 0 if self._shape.fixed and label in FIXED else self._shape.shots

    def draw(self, number: int) -> DrawnTask:
        """Task `number`."""
        random = np.random.default_rng([self._seed, number])
        corpus = self._usable[int(random.choice(len(self._usable), p=self._probabilities))]
        emotions, shape = self.emotions[corpus], self._shape
        count = min(shape.ways, len(emotions))
        names = [emotions[chosen] for chosen in random.permutation(len(emotions))[:count].tolist()]
        if shape.fixed:
            labels = dict(enumerate(names)) | {shape.ways + place: label for place, label in enumerate(FIXED)}
        else:
            names += [label for label in FIXED if label in self._clips[corpus]]
            labels = dict(enumerate(names[place] for place in random.permutation(len(names)).tolist()))
        support: list[tuple[int, int, int]] = []
        query: list[tuple[int, int, int]] = []
        queries = self._queries(corpus, labels.values())
        for output, label in labels.items():
            clips = self._clips[corpus].get(label, [])
            order = [clips[place] for place in random.permutation(len(clips)).tolist()]
            shots = self._shots(label)
            support += [(clip, output, self._first(corpus, clip, random)) for clip in order[:shots]]
            query += [(clip, output, self._first(corpus, clip, random)) for clip in order[shots : shots + queries]]
        return DrawnTask(corpus, labels, tuple(support), tuple(query))

    def most_queries(self, corpus: int) -> int:
        """Queries a label that a task of `corpus` has at least, whichever emotions are drawn."""
        return self._queries(corpus, self._clips[corpus])

    def _queries(self, corpus: int, labels: Iterable[str]) -> int:
        """Clips of each label in the query: as many as the rarest of them leaves."""
        clips = self._clips[corpus]
        left = [len(clips[label]) - self._shots(label) for label in labels if label in clips]
        return min(self._shape.queries, *left)

    def _first(self, corpus: int, clip: int, random: np.random.Generator) -> int:
        frames = len(self._corpora[corpus].clip(clip))
        crop = round(self._shape.crop_s * _FRAMES_PER_S)
        place = random.random()  # drawn for every clip, so that no clip's length changes the others' draws
        return int(place * (frames - crop + 1)) if 0 < crop < frames else 0

    def task(self, drawn: DrawnTask, device: torch.device) -> Task:
        """The clips of `drawn` as the network takes them, on `device`."""
        support, query = (self._batch(drawn.corpus, side).to(device) for side in (drawn.support, drawn.query))
        return Task(support, query, torch.tensor(sorted(drawn.labels), device=device))

    def _batch(self, corpus: int, clips: Sequence[tuple[int, int, int]]) -> Batch:
        crop = round(self._shape.crop_s * _FRAMES_PER_S) or None
        pieces = [
            torch.from_numpy(self._corpora[corpus].clip(clip)[first:][:crop].astype(np.float32))
            for clip, _, first in clips
        ]
        return Batch(padded(pieces), torch.tensor([output for _, output, _ in clips]))


def padded(clips: Sequence[Tensor]) -> Frames:
    """Clips (frames, coefficients) of any lengths as one batch."""
    values = torch.nn.utils.rnn.pad_sequence(list(clips), batch_first=True)
    return Frames(values[None], torch.tensor([len(clip) for clip in clips], device=values.device))
