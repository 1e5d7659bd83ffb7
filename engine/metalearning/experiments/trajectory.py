"""Accuracy along a fine-tuning: after each of several numbers of steps, in one run (main paper, Tables 8 to 10).

The rate is constant and a step knows nothing of how many follow, so the encoder after 5 of 25 steps is the one that
5 steps alone would give, and a table of 1 to 25 steps costs 25 of them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from engine.adaptation.adapt import draw_for
from engine.adaptation.clips import LabelledClip, PreparedClip, embed_whole, prepare
from engine.adaptation.fine_tuning import fine_tune
from engine.adaptation.settings import AdaptationSettings
from engine.adaptation.tuned_copy import copy_for_tuning
from engine.audio.decode import MOST_WINDOWS_PER_CLIP
from engine.audio.windows import read_windows
from engine.bases import Base
from engine.choices import HEADS
from engine.encoder import EmotionEncoder
from engine.evaluation.episodes import Episode, EpisodeSampler
from engine.heads import fit_head


class Trajectory:
    """Measures `base` (on its device) over the clips in `paths`, after each number of steps in `steps`.

    The head is the paper's, cosine prototypes, always made from the whole support set.
    """

    def __init__(self, base: Base, paths: Sequence[Path], settings: AdaptationSettings, steps: Sequence[int]) -> None:
        self._base = base
        self._paths = paths
        self._settings = settings
        self._steps = tuple(sorted(set(steps)))
        self._prepared: dict[int, PreparedClip] = {}
        self._embeddings: dict[int, Tensor] = {}

    def run(self, sampler: EpisodeSampler, episodes: int) -> Iterator[dict[int, float]]:
        """For each episode the share of queries answered rightly, by number of steps. Raises AudioError."""
        for index in range(episodes):
            episode = sampler.draw()
            accuracies: dict[int, float] = {}
            if 0 in self._steps:
                accuracies[0] = self._accuracy(
                    episode, *(self._untuned(side) for side in (episode.support, episode.query))
                )
            if self._steps[-1]:
                accuracies |= self._tuned(episode, self._settings.seed + index)
            yield accuracies

    def _tuned(self, episode: Episode, seed: int) -> dict[int, float]:
        settings = replace(self._settings, steps=self._steps[-1], seed=seed)
        tuned = copy_for_tuning(self._base.encoder, settings.trained, seed)
        support = [
            replace(self._prepare(position), label=way)
            for way, members in enumerate(episode.support)
            for position in members
        ]
        query = [self._prepare(position) for members in episode.query for position in members]
        accuracies = {}
        for taken in fine_tune(tuned, support, settings, draw_for(support, settings), self._base):
            if taken.step in self._steps:
                accuracies[taken.step] = self._accuracy(
                    episode, embed_whole(tuned.encoder, support), embed_whole(tuned.encoder, query)
                )
        return accuracies

    def _accuracy(self, episode: Episode, support: Tensor, query: Tensor) -> float:
        """support and query: embeddings (clips, embedding size) in the episode's order."""
        ways = _ways(episode.support).to(support.device)
        head = fit_head(
            HEADS[0],
            support,
            ways,
            len(episode.labels),
            standardised=self._base.standardised,
            blocks=self._base.encoder.extractor.blocks,
            calibrated=False,
        )
        return float((head.logits(query).argmax(-1).cpu() == _ways(episode.query)).float().mean())

    def _untuned(self, side: tuple[tuple[int, ...], ...]) -> Tensor:
        """Embeddings (clips, embedding size) by the base itself; they are kept."""
        positions = [position for members in side for position in members]
        new = [position for position in positions if position not in self._embeddings]
        if new:
            embedded = embed_whole(self._base.encoder, [self._prepare(position) for position in new])
            self._embeddings.update(zip(new, embedded, strict=True))
        return torch.stack([self._embeddings[position] for position in positions])

    def _prepare(self, position: int) -> PreparedClip:
        """The front end's output; kept where it will be needed again, which is where something is tuned."""
        if position in self._prepared:
            return self._prepared[position]
        windows = tuple(read_windows(self._paths[position], MOST_WINDOWS_PER_CLIP))
        prepared = prepare(self._base.encoder, [LabelledClip(windows, 0)])[0]
        if self._steps[-1]:
            self._prepared[position] = prepared
        return prepared


def _ways(side: tuple[tuple[int, ...], ...]) -> Tensor:
    return torch.tensor([way for way, members in enumerate(side) for _ in members])


def fingerprint(encoder: EmotionEncoder) -> str:
    """A digest of every weight: figures that were measured with the same one may be used again."""
    digest = hashlib.sha256()
    for name, tensor in sorted(encoder.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()
