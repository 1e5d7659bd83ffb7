"""Which clips a table is trained on and which it is tested on."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import CorpusError
from engine.metalearning.corpora import CORPORA, Corpus
from engine.systems.hgfm.mixed import MixedClip
from engine.systems.hgfm.recipe import Split, TableDataSection


@dataclass(frozen=True)
class Share:
    """One training and the clips that test it, which it has not heard. `block`: of the table, where its answers go."""

    name: str
    block: str
    train: tuple[MixedClip, ...]
    test: tuple[MixedClip, ...]


def shares(clips: Sequence[MixedClip], corpora: Sequence[Corpus], plan: TableDataSection, seed: int) -> list[Share]:
    """The trainings of a table, from the clips of all its corpora. CorpusError where one has no clip to be tested."""
    clips = _fewer(clips, plan.most_clips, seed)
    asked = {plan.labels.index(label) for label in plan.asked or plan.labels}
    found = list(
        _by_target(clips, corpora, plan.targets, asked) if plan.targets else _by_part(clips, plan, asked, seed)
    )
    if not found or not all(share.test for share in found):
        raise CorpusError("A part of the table has no clip to be tested on.", "Change targets, parts or most_clips.")
    return found


def _by_part(clips: Sequence[MixedClip], plan: TableDataSection, asked: set[int], seed: int) -> Iterator[Share]:
    part_of = _parts(clips, plan, seed)
    for part in range(plan.tested):
        yield Share(
            f"part{part}",
            "",
            tuple(clip for clip, own in zip(clips, part_of, strict=True) if own != part),
            tuple(clip for clip, own in zip(clips, part_of, strict=True) if own == part and clip.label in asked),
        )


def _by_target(
    clips: Sequence[MixedClip], corpora: Sequence[Corpus], targets: Sequence[str], asked: set[int]
) -> Iterator[Share]:
    for number, corpus in enumerate(corpora):
        if corpus.name in targets:
            train = tuple(clip for clip in clips if clip.corpus != number)
            test = tuple(clip for clip in clips if clip.corpus == number and clip.label in asked)
            yield Share(corpus.name, CORPORA[corpus.name].title, train, test)


def _parts(clips: Sequence[MixedClip], plan: TableDataSection, seed: int) -> list[int]:
    """The part of each clip. By speakers, whole speakers of every corpus; else of every corpus and emotion alike."""
    groups: dict[Hashable, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, clip in enumerate(clips):
        if plan.split is Split.SPEAKERS:
            groups[clip.corpus][clip.speaker].append(number)
        else:
            groups[clip.corpus, clip.label][str(clip.path)].append(number)
    random = np.random.default_rng([seed, 4])
    part_of = [0] * len(clips)
    for units in groups.values():
        names = sorted(units)
        for turn, place in enumerate(random.permutation(len(names)).tolist()):
            for number in units[names[place]]:
                part_of[number] = turn % plan.parts
    return part_of


def _fewer(clips: Sequence[MixedClip], most: int, seed: int) -> list[MixedClip]:
    """At most so many clips of every corpus."""
    if not most:
        return list(clips)
    by_corpus: dict[int, list[MixedClip]] = defaultdict(list)
    for clip in clips:
        by_corpus[clip.corpus].append(clip)
    kept = []
    for corpus, members in by_corpus.items():
        drawn = np.random.default_rng([seed, 5, corpus]).permutation(len(members))[:most]
        kept += [members[number] for number in sorted(drawn.tolist())]
    return kept
