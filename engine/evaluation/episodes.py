"""Few-shot episodes over a labelled collection (main paper, sections 4.4 and 4.5)."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.choices import Protocol
from engine.errors import ManifestError

_TRIES = 2000


@dataclass(frozen=True)
class EpisodeShape:
    """N-way K-shot with `queries` query clips a label."""

    ways: int = 4
    shots: int = 5
    queries: int = 12

    def __post_init__(self) -> None:
        if self.ways < 2 or self.shots < 1 or self.queries < 1:
            raise ManifestError("An episode needs 2 ways, 1 shot and 1 query at least.", "Use larger numbers.")


@dataclass(frozen=True)
class Episode:
    """Positions in the collection, label by label: support[way][shot], query[way][query]."""

    labels: tuple[str, ...]
    support: tuple[tuple[int, ...], ...]
    query: tuple[tuple[int, ...], ...]


class EpisodeSampler:
    """Draws episodes; the same seed draws the same ones, whatever is measured on them.

    With `NEW_SPEAKERS` the speakers are first split in two random halves, and the support comes from one,
    the query from the other. `left_out` are the labels that can be in no episode, `short_of_speakers` those of
    them that have the clips for one, and only no two halves of the speakers to take them from. Raises ManifestError
    when the collection cannot fill such episodes.
    """

    def __init__(
        self,
        labels: Sequence[str],
        speakers: Sequence[str | None],
        shape: EpisodeShape,
        protocol: Protocol,
        seed: int,
    ) -> None:
        self._shape = shape
        self._protocol = protocol
        self._speakers = list(speakers)
        self._random = np.random.default_rng(seed)
        by_label: dict[str, list[int]] = defaultdict(list)
        for position, label in enumerate(labels):
            by_label[label].append(position)
        needed = shape.shots + shape.queries
        enough = {name: members for name, members in sorted(by_label.items()) if len(members) >= needed}
        self._by_label = enough
        if protocol is Protocol.NEW_SPEAKERS:
            self._named = sorted({speaker for speaker in speakers if speaker})
            if len(self._named) < 2:
                raise ManifestError("The manifest names fewer than two speakers.", "Use the random protocol.")
            self._by_label = {name: members for name, members in enough.items() if self._can_be_split(members)}
        self.left_out = tuple(sorted(set(by_label) - set(self._by_label)))
        self.short_of_speakers = tuple(name for name in enough if name not in self._by_label)
        if len(self._by_label) < shape.ways:
            raise ManifestError(*self._too_few_labels(needed))

    def _can_be_split(self, members: Sequence[int]) -> bool:
        """Whether there are two halves of the speakers of whom one has the shots of a label, the other the queries."""
        clips = Counter(self._speakers[member] for member in members)
        of_speaker = [clips[speaker] for speaker in self._named]
        return can_be_split(of_speaker, len(self._named) // 2, self._shape.shots, self._shape.queries)

    def _too_few_labels(self, needed: int) -> tuple[str, str]:
        if self.short_of_speakers:
            return (
                f"Only {len(self._by_label)} labels have {self._shape.shots} + {self._shape.queries} clips of "
                "different speakers, as an episode needs of each.",
                "Use fewer ways, shots or queries, or the random protocol.",
            )
        return (
            f"Only {len(self._by_label)} labels have the {needed} clips that an episode needs of each.",
            "Use fewer ways, shots or queries.",
        )

    def draw(self) -> Episode:
        """The next episode."""
        for _ in range(_TRIES):
            episode = self._try()
            if episode is not None:
                return episode
        raise ManifestError(
            f"No split of the speakers leaves {self._shape.shots} + {self._shape.queries} clips of "
            f"{self._shape.ways} labels.",
            "Use fewer shots or queries, or the random protocol.",
        )

    def _try(self) -> Episode | None:
        names = self._random.choice(list(self._by_label), self._shape.ways, replace=False).tolist()
        familiar: set[str] = set()
        if self._protocol is Protocol.NEW_SPEAKERS:
            shuffled = self._random.permutation(self._named).tolist()
            familiar = set(shuffled[: len(shuffled) // 2])
        support, query = [], []
        for name in names:
            members = self._random.permutation(self._by_label[name]).tolist()
            if self._protocol is Protocol.NEW_SPEAKERS:
                near = [member for member in members if self._speakers[member] in familiar]
                far = [
                    member for member in members if self._speakers[member] and self._speakers[member] not in familiar
                ]
            else:
                near, far = members[: self._shape.shots], members[self._shape.shots :]
            if len(near) < self._shape.shots or len(far) < self._shape.queries:
                return None
            support.append(tuple(near[: self._shape.shots]))
            query.append(tuple(far[: self._shape.queries]))
        return Episode(tuple(names), tuple(support), tuple(query))


def can_be_split(clips: Sequence[int], near: int, shots: int, queries: int) -> bool:
    """Whether `near` of the speakers can have `shots` clips together, and the others `queries`; `clips` of each."""
    # [speakers that are near, their clips, no more than are needed]: the most clips of the others, -1: not possible
    far = np.full((near + 1, shots + 1), -1, dtype=np.int64)
    far[0, 0] = 0
    for count in clips:
        grown = np.where(far >= 0, far + count, -1)
        for had in range(shots + 1):
            have = min(shots, had + count)
            grown[1:, have] = np.maximum(grown[1:, have], far[:-1, had])
        far = grown
    return bool(far[near, shots] >= queries)
