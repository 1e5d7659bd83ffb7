"""The few-shot protocol: adapt to an episode's support, classify its query, many times over."""

import copy
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, adapt
from engine.adaptation.clips import MOST_WINDOWS_PER_CLIP, PreparedClip, embed_whole, prepare
from engine.audio.windows import Windows, read_windows
from engine.bases import Base
from engine.evaluation.episodes import Episode, EpisodeSampler
from engine.heads import Head, fit_head
from engine.heads.speakers import SpeakerOffsets, fit_speaker_offsets, neutral_label, shrunk_offset


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
    """Runs episodes over `clips` from one base. Decoded clips and, where nothing is tuned, embeddings are kept.

    With `settings.speaker_mean` the queries lose their voices too. That is transductive: each query speaker's
    mean is taken over his own queries of the episode, which are unlabelled but answered together; and whether
    he passes the gate (two labels or more) is read from the labels, as a user knows of his recordings whether
    they are of one mood. Figures with it are for batches of clips by known speakers, not for single clips.
    """

    def __init__(self, base: Base, clips: Sequence[EvaluationClip], settings: AdaptationSettings) -> None:
        self._base = base
        self._clips = clips
        self._settings = settings
        self._windows: dict[int, Windows] = {}
        self._embeddings: dict[int, torch.Tensor] = {}

    def with_settings(self, settings: AdaptationSettings, base: Base | None = None) -> "FewShotEvaluation":
        """The same clips under other settings, and from another base: what is decoded for one serves both.

        What is embedded does too, where the base is the same.
        """
        other = copy.copy(self)
        other._settings = settings
        if base is not None and base is not self._base:
            other._base, other._embeddings = base, {}
        return other

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
        if settings.tunes:
            adapted = self._adapt(episode, settings)
            head, voices = adapted.head, adapted.speakers
            queries = [LabelledClip(self._read(position), 0) for position in asked]
            embeddings = embed_whole(adapted.encoder, prepare(adapted.encoder, queries))
        else:
            head, voices = self._fit_untuned(episode, settings)
            embeddings = torch.stack([self._embed(position) for position in asked])
        if voices is not None:
            embeddings = self._without_voices(embeddings, asked, voices.overall)
        answers: list[int] = head.logits(embeddings).argmax(-1).tolist()
        return answers

    def _adapt(self, episode: Episode, settings: AdaptationSettings) -> Adapted:
        clips = [
            LabelledClip(self._read(position), way, self._clips[position].speaker)
            for way, members in enumerate(episode.support)
            for position in members
        ]
        *_, adapted = adapt(self._base, clips, episode.labels, settings)
        assert isinstance(adapted, Adapted)
        return adapted

    def _fit_untuned(self, episode: Episode, settings: AdaptationSettings) -> tuple[Head, SpeakerOffsets | None]:
        """What `adapt` fits where nothing is tuned, from embeddings that are kept; no scores are asked for."""
        support = [position for members in episode.support for position in members]
        embeddings = torch.stack([self._embed(position) for position in support])
        ways = [way for way, members in enumerate(episode.support) for _ in members]
        targets = torch.tensor(ways, device=embeddings.device)
        count, voices = len(episode.labels), None
        if settings.speaker_mean:
            names = [self._clips[position].speaker for position in support]
            voices = fit_speaker_offsets(embeddings, targets, names, count, neutral_label(episode.labels))
            embeddings = voices.subtract(embeddings, names)
        head = fit_head(
            settings.head_kind,
            embeddings,
            targets,
            count,
            standardised=self._base.standardised,
            blocks=self._base.encoder.extractor.blocks,
            calibrated=False,
        )
        return head, voices

    def _without_voices(self, embeddings: torch.Tensor, asked: Sequence[int], overall: torch.Tensor) -> torch.Tensor:
        """Query embeddings (clips, embedding size), each less the shrunk mean of its speaker's queries."""
        clips: dict[str, list[int]] = defaultdict(list)
        for row, position in enumerate(asked):
            speaker = self._clips[position].speaker
            if speaker:
                clips[speaker].append(row)
        moved = embeddings.clone()
        for rows in clips.values():
            if len({self._clips[asked[row]].label for row in rows}) > 1:
                moved[rows] -= shrunk_offset(embeddings[rows], overall)
        return moved

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
