"""The few-shot protocol: adapt to an episode's support, classify its query, many times over."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, adapt
from engine.adaptation.clips import MOST_WINDOWS_PER_CLIP, PreparedClip, embed_whole, prepare
from engine.audio.windows import Windows, read_windows
from engine.bases import Base
from engine.evaluation.episodes import Episode, EpisodeSampler
from engine.prototypes import Prototypes, fit_prototypes


@dataclass(frozen=True)
class EvaluationClip:
    """A labelled file of the collection."""

    path: Path
    label: str
    speaker: str | None


@dataclass(frozen=True)
class EpisodeResult:
    """Answers to one episode's query: label names, in the same order."""

    true: tuple[str, ...]
    answered: tuple[str, ...]
    seconds: float

    @property
    def accuracy(self) -> float:
        return sum(a == b for a, b in zip(self.true, self.answered, strict=True)) / len(self.true)


class FewShotEvaluation:
    """Runs episodes over `clips` from one base. Decoded clips and, where nothing is tuned, embeddings are kept."""

    def __init__(self, base: Base, clips: Sequence[EvaluationClip], settings: AdaptationSettings) -> None:
        self._base = base
        self._clips = clips
        self._settings = settings
        self._windows: dict[int, Windows] = {}
        self._embeddings: dict[int, torch.Tensor] = {}

    def run(self, sampler: EpisodeSampler, episodes: int) -> Iterator[EpisodeResult]:
        """One result an episode. Raises AudioError, LabellingError, ManifestError."""
        for index in range(episodes):
            episode = sampler.draw()
            started = time.perf_counter()
            answers = self._answer(episode, replace(self._settings, seed=self._settings.seed + index))
            seconds = time.perf_counter() - started
            true = tuple(name for name, members in zip(episode.labels, episode.query, strict=True) for _ in members)
            yield EpisodeResult(true, tuple(episode.labels[answer] for answer in answers), seconds)

    def _answer(self, episode: Episode, settings: AdaptationSettings) -> list[int]:
        asked = [position for members in episode.query for position in members]
        if settings.method == "prototypes" or settings.steps == 0:
            prototypes = self._untuned_prototypes(episode)
            embeddings = torch.stack([self._embed(position) for position in asked])
        else:
            adapted = self._adapt(episode, settings)
            prototypes = adapted.prototypes
            embeddings = embed_whole(adapted.encoder, [self._prepare(position) for position in asked])
        answers: list[int] = prototypes.logits(embeddings).argmax(-1).tolist()
        return answers

    def _adapt(self, episode: Episode, settings: AdaptationSettings) -> Adapted:
        clips = [
            LabelledClip(self._read(position), way)
            for way, members in enumerate(episode.support)
            for position in members
        ]
        *_, adapted = adapt(self._base, clips, episode.labels, settings)
        assert isinstance(adapted, Adapted)
        return adapted

    def _untuned_prototypes(self, episode: Episode) -> Prototypes:
        embeddings = torch.stack([self._embed(position) for members in episode.support for position in members])
        ways = [way for way, members in enumerate(episode.support) for _ in members]
        targets = torch.tensor(ways, device=embeddings.device)
        return fit_prototypes(embeddings, targets, len(episode.labels), standardised=self._base.standardised)

    def _read(self, position: int) -> Windows:
        if position not in self._windows:
            self._windows[position] = tuple(read_windows(self._clips[position].path, MOST_WINDOWS_PER_CLIP))
        return self._windows[position]

    def _prepare(self, position: int) -> PreparedClip:
        return prepare(self._base.encoder, [LabelledClip(self._read(position), 0)])[0]

    def _embed(self, position: int) -> torch.Tensor:
        if position not in self._embeddings:
            self._embeddings[position] = embed_whole(self._base.encoder, [self._prepare(position)])[0]
        return self._embeddings[position]
