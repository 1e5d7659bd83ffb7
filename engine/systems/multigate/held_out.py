"""What the tables measure: a part of each language that is not trained on, and the answers to it."""

import zlib

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import CorpusError
from engine.evaluation.metrics import Confusion, confusion_matrix
from engine.systems.multigate.languages import Language
from engine.systems.multigate.network import Encoded
from engine.systems.multigate.recipe import Split
from engine.systems.multigate.shapes import Steps, pad_steps
from engine.systems.multigate.training import Trained

_CLIPS_PER_BATCH = 16


def split_language(language: Language, split: Split, share: float, seed: int) -> tuple[Language, Language]:
    """What is trained on and what is held out: whole speakers, or (the paper's) clips of each label at random.

    The same for the same language and seed, whatever others there are. Raises CorpusError where a part would be empty.
    """
    random = np.random.default_rng([seed, zlib.crc32(language.name.encode())])
    groups = language.speakers if split is Split.SPEAKERS else np.arange(len(language.labels))
    held: list[int] = []
    pools = [groups] if split is Split.SPEAKERS else [groups[language.labels == k] for k in np.unique(language.labels)]
    for pool in pools:
        units = random.permutation(np.unique(pool))
        held += units[: max(1, round(share * len(units)))].tolist()
    mask = np.isin(groups, held)
    rest, tested = np.flatnonzero(~mask), np.flatnonzero(mask)
    if not len(rest) or not len(tested):
        raise CorpusError(f"{language.name} has one speaker only.", 'Use split = "random", or leave it out.')
    return language.of(rest), language.of(tested)


@torch.no_grad()
def answers(trained: Trained, held: Language) -> Confusion:
    """Counts of (true label, answer) over the held-out clips; a label of other languages is a wrong answer."""
    true, answered = [], []
    for clips in _batches(held.clips):
        found = trained.answer(_steps(held, clips), held).tolist()
        labels = held.labels[clips].tolist()
        # a wrong answer that is no label of this language counts as the next of its own
        answered += [
            (label + 1) % len(held.label_names) if one < 0 else one for one, label in zip(found, labels, strict=True)
        ]
        true += labels
    return confusion_matrix(true, answered, len(held.label_names))


@torch.no_grad()
def encoded(trained: Trained, held: Language) -> Encoded:
    """f_i and selector of every held-out clip, in eval mode."""
    parts = [trained.network.encode(_steps(held, clips)) for clips in _batches(held.clips)]
    return Encoded(torch.cat([each.features for each in parts]), torch.cat([each.selector for each in parts]))


@torch.no_grad()
def mean_gates(trained: Trained, held: Language) -> list[float] | None:
    """The mean weight of every stream over the held-out clips (figure 4); None without gates."""
    weights = trained.network.gate_weights(encoded(trained, held), held.name)
    return None if weights is None else [round(each, 4) for each in weights.mean(0).tolist()]


@torch.no_grad()
def representations(trained: Trained, held: Language) -> Tensor:
    """What the tower takes of every held-out clip (clips, size), of unit length (figure 3)."""
    found = trained.network.represent(encoded(trained, held), held.name)
    return torch.nn.functional.normalize(found, dim=-1)


def _batches(clips: NDArray[np.int64]) -> list[list[int]]:
    return [clips[start : start + _CLIPS_PER_BATCH].tolist() for start in range(0, len(clips), _CLIPS_PER_BATCH)]


def _steps(language: Language, clips: list[int]) -> list[Steps]:
    each = [language.steps(clip) for clip in clips]
    return [pad_steps([clip[number] for clip in each]) for number in range(len(language.streams))]
