"""Episodes of meta-training: drawn from several corpora (main paper, section 4.3). No torch.

Episode number i depends on the seed and on i alone, so that a run can be taken up anywhere, and several
processes can share the episodes out.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import CorpusError
from engine.metalearning.corpora import Corpus, CorpusClip, Task
from engine.metalearning.episodic_recipe import EpisodesSection, Sampling

_TRIES = 500


@dataclass(frozen=True)
class TrainingEpisode:
    """support[way][shot] and query[way][query]; `corpora[way]` is the position of the way's corpus."""

    labels: tuple[str, ...]
    corpora: tuple[int, ...]
    support: tuple[tuple[CorpusClip, ...], ...]
    query: tuple[tuple[CorpusClip, ...], ...]

    @property
    def clips(self) -> tuple[CorpusClip, ...]:
        """The support way by way, then the query way by way."""
        return tuple(clip for side in (self.support, self.query) for way in side for clip in way)


class _Pool:
    """One corpus: the clips of every class that has enough of them."""

    def __init__(self, corpus: Corpus, section: EpisodesSection) -> None:
        classes: dict[str, list[CorpusClip]] = defaultdict(list)
        for clip in corpus.clips:
            name = class_of(clip, section.task)
            if name is None or name in section.left_out_labels:
                continue
            if clip.speaker is not None or not section.new_speakers:
                classes[name].append(clip)
        self.classes = {name: clips for name, clips in sorted(classes.items()) if len(clips) >= section.fewest}
        self.names = list(self.classes)
        self.size = sum(len(clips) for clips in self.classes.values())
        self.speakers = sorted({clip.speaker for clips in self.classes.values() for clip in clips if clip.speaker})


def class_of(clip: CorpusClip, task: Task) -> str | None:
    """What a clip is an example of: emotion, speaker, or language-accent pair."""
    return {Task.EMOTION: clip.label, Task.SPEAKER: clip.speaker, Task.ACCENT: clip.accent}[task]


class TrainingSampler:
    """Draws episodes from `corpora`, the corpus with a probability proportional to the square root of its size.

    With `in_turn` the corpora take turns instead, one an episode (validation). `left_out` says which corpora
    cannot fill an episode, and why. Raises CorpusError if none can.
    """

    def __init__(
        self, corpora: Sequence[Corpus], section: EpisodesSection, seed: Sequence[int], *, in_turn: bool = False
    ) -> None:
        self._section = section
        self._seed = tuple(seed)
        self._in_turn = in_turn
        self._pools = [_Pool(corpus, section) for corpus in corpora]
        self.names = tuple(corpus.name for corpus in corpora)
        self._within = in_turn or section.sampling is Sampling.WITHIN
        trial = np.random.default_rng([*self._seed, 0])
        reasons = {position: self._unusable(position, trial) for position in range(len(corpora))}
        self.usable = tuple(position for position, reason in reasons.items() if not reason)
        self.left_out = tuple(f"{self.names[position]} ({why})" for position, why in reasons.items() if why)
        if not self.usable or (not self._within and self._class_count() < section.ways):
            told = "; ".join(self.left_out)
            raise CorpusError(
                f"No corpus can fill an episode of {section.ways} classes with {section.shots} + {section.queries} "
                f"clips: {told}.",
                "Use fewer ways, shots or queries, or other corpora.",
            )
        roots = np.sqrt([self._pools[position].size for position in self.usable])
        self._probabilities = roots / roots.sum()

    def draw(self, index: int, redrawn: int = 0) -> TrainingEpisode:
        """Episode number `index`, or the one that is drawn in its place after `redrawn` others could not be used."""
        random = np.random.default_rng([*self._seed, 1, index, *([redrawn] if redrawn else [])])
        chosen = self.usable[index % len(self.usable)] if self._in_turn else self._choose(random)
        for _ in range(_TRIES):
            ways = self._ways_within(chosen, random) if self._within else self._ways_anywhere(random)
            episode = self._fill(ways, random)
            if episode is not None:
                return episode
        raise CorpusError(
            f"No split of the speakers of {self.names[chosen]} fills an episode.", "Use fewer shots or queries."
        )

    def _unusable(self, position: int, random: np.random.Generator) -> str:
        """Why the corpus cannot fill episodes; empty if it can."""
        pool, section = self._pools[position], self._section
        fewest_ways = section.ways if self._within else 1
        if len(pool.names) < fewest_ways:
            return f"classes with {section.fewest} clips: {len(pool.names)}"
        if section.new_speakers:
            ways = [(position, name) for name in pool.names]
            tries = (self._fill(self._some(ways, fewest_ways, random), random) for _ in range(_TRIES))
            if not any(tries):
                return "no split of its speakers leaves enough clips on both sides"
        return ""

    def _class_count(self) -> int:
        classes = [(p, name) for p in self.usable for name in self._pools[p].names]
        return len({name for _, name in classes} if self._section.task is Task.EMOTION else set(classes))

    def _choose(self, random: np.random.Generator) -> int:
        return self.usable[int(random.choice(len(self.usable), p=self._probabilities))]

    def _ways_within(self, position: int, random: np.random.Generator) -> list[tuple[int, str]]:
        return self._some([(position, name) for name in self._pools[position].names], self._section.ways, random)

    @staticmethod
    def _some(ways: list[tuple[int, str]], count: int, random: np.random.Generator) -> list[tuple[int, str]]:
        return [ways[chosen] for chosen in random.choice(len(ways), count, replace=False).tolist()]

    def _ways_anywhere(self, random: np.random.Generator) -> list[tuple[int, str]]:
        """Classes of any corpora. An emotion is drawn once: to tell a corpus's anger from another's teaches nothing."""
        ways: list[tuple[int, str]] = []
        while len(ways) < self._section.ways:
            position = self._choose(random)
            names = self._pools[position].names
            name = names[int(random.integers(len(names)))]
            taken = {n for _, n in ways} if self._section.task is Task.EMOTION else set()
            if name not in taken and (position, name) not in ways:
                ways.append((position, name))
        return ways

    def _fill(self, ways: list[tuple[int, str]], random: np.random.Generator) -> TrainingEpisode | None:
        """Clips for each way; None where this split of the speakers leaves too few."""
        shots, queries = self._section.shots, self._section.queries
        familiar: dict[int, set[str]] = {}
        for position in sorted({position for position, _ in ways}) if self._section.new_speakers else ():
            speakers = self._pools[position].speakers
            half = random.permutation(len(speakers))[: len(speakers) // 2].tolist()
            familiar[position] = {speakers[chosen] for chosen in half}
        support, query = [], []
        for position, name in ways:
            members = self._pools[position].classes[name]
            drawn = [members[chosen] for chosen in random.permutation(len(members)).tolist()]
            if self._section.new_speakers:
                near = [clip for clip in drawn if clip.speaker in familiar[position]]
                far = [clip for clip in drawn if clip.speaker not in familiar[position]]
            else:
                near, far = drawn[:shots], drawn[shots:]
            if len(near) < shots or len(far) < queries:
                return None
            support.append(tuple(near[:shots]))
            query.append(tuple(far[:queries]))
        labels = tuple(name for _, name in ways)
        return TrainingEpisode(labels, tuple(position for position, _ in ways), tuple(support), tuple(query))
