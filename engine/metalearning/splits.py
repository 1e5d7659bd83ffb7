"""Disjoint shares of one corpus for training, validation and testing (main paper, section 4.5). No torch."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from engine.metalearning.corpora import Corpus, CorpusClip
from engine.metalearning.episodic_recipe import FEWEST_ACCENT_CLIPS, SplitBy, SplitSection


@dataclass(frozen=True)
class Shares:
    """Three parts of a corpus that share no clip."""

    train: Corpus
    validation: Corpus
    test: Corpus


def split_corpus(corpus: Corpus, split: SplitSection, seed: int) -> Shares:
    """The same shares for the same clips and seed, whatever other corpora there are.

    By clips, each label is cut in the same proportions; by speakers, whole speakers are held out, and clips
    without a speaker are trained on; by rare accents, what is too rare to be trained on is for validation.
    """
    if split.by is SplitBy.RARE_ACCENTS:
        return _without_rare_accents(corpus)
    random = np.random.default_rng([seed, zlib.crc32(corpus.name.encode())])
    groups: dict[Hashable, list[list[CorpusClip]]]  # what is cut in proportion: lists of clips that stay together
    if split.by is SplitBy.SPEAKERS:
        voices: dict[str | None, list[CorpusClip]] = defaultdict(list)
        for clip in corpus.clips:
            voices[clip.speaker].append(clip)
        unnamed = voices.pop(None, [])
        groups = {"speakers": list(voices.values())}
    else:
        unnamed = []
        groups = defaultdict(list)
        for clip in corpus.clips:
            groups[clip.label].append([clip])
    held_out: tuple[list[CorpusClip], list[CorpusClip], list[CorpusClip]] = (list(unnamed), [], [])
    for units in groups.values():
        order = random.permutation(len(units)).tolist()
        tested = round(split.test * len(units))
        validated = round(split.validation * len(units))
        for turn, unit in enumerate(order):
            part = 2 if turn < tested else 1 if turn < tested + validated else 0
            held_out[part].extend(units[unit])
    train, validation, test = (
        replace(corpus, clips=tuple(sorted(clips, key=lambda clip: clip.path))) for clips in held_out
    )
    return Shares(train, validation, test)


def _without_rare_accents(corpus: Corpus) -> Shares:
    counts = Counter(clip.accent for clip in corpus.clips)
    common = tuple(clip for clip in corpus.clips if counts[clip.accent] >= FEWEST_ACCENT_CLIPS)
    rare = tuple(clip for clip in corpus.clips if counts[clip.accent] < FEWEST_ACCENT_CLIPS)
    return Shares(replace(corpus, clips=common), replace(corpus, clips=rare), replace(corpus, clips=()))
