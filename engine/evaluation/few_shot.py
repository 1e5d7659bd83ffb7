"""The few-shot protocol: adapt to an episode's support, classify its query, many times over."""

import copy
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, Remark, adapt
from engine.adaptation.clips import embed_whole, prepare
from engine.adaptation.possible import possible_settings
from engine.audio.decode import MOST_WINDOWS_PER_CLIP
from engine.audio.windows import Windows, read_windows
from engine.bases import Base
from engine.encoder import EmotionEncoder
from engine.evaluation.episodes import Episode, EpisodeSampler
from engine.evaluation.shared_states import SharedStates
from engine.evaluation.stopwatch import Stopwatch
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
    """Answers to one episode's query: label names, in the same order.

    `used`: what was done, which is not what was asked where `remarks`, those of its adaptation, say so. `seconds`: how
    long the method took, without `shared_seconds`, those of what is kept for other episodes and methods.
    """

    true: tuple[str, ...]
    answered: tuple[str, ...]
    seconds: float
    shared_seconds: float
    used: AdaptationSettings
    remarks: tuple[Remark, ...] = ()

    @property
    def accuracy(self) -> float:
        return sum(a == b for a, b in zip(self.true, self.answered, strict=True)) / len(self.true)


@dataclass(frozen=True)
class _Fitted:
    """What an episode's support has given; `encoder` None: that of the base, untuned."""

    head: Head
    voices: SpeakerOffsets | None
    encoder: EmotionEncoder | None
    used: AdaptationSettings
    remarks: tuple[Remark, ...]


class FewShotEvaluation:
    """Runs episodes over `clips` from one base.

    Kept for all episodes: decoded clips; where nothing is tuned, embeddings; else what the part of the base that is
    left alone makes of the queries (`SharedStates`).

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
        self._stopwatch = Stopwatch()
        self._states = SharedStates(base.encoder, self._stopwatch)

    def with_settings(self, settings: AdaptationSettings, base: Base | None = None) -> "FewShotEvaluation":
        """The same clips under other settings, and from another base: what is decoded for one serves both.

        What is embedded does too, where the base is the same.
        """
        other = copy.copy(self)
        other._settings = settings
        if base is not None and base is not self._base:
            other._base, other._embeddings, other._states = base, {}, SharedStates(base.encoder, self._stopwatch)
        return other

    def run(self, sampler: EpisodeSampler, episodes: int) -> Iterator[EpisodeResult]:
        """One result an episode. Raises AudioError, LabellingError, ManifestError."""
        for index in range(episodes):
            episode = sampler.draw()
            started, shared_before = time.perf_counter(), self._stopwatch.seconds
            fitted = self._fit(episode, replace(self._settings, seed=self._settings.seed + index))
            answers = self._answer(episode, fitted)
            shared = self._stopwatch.seconds - shared_before
            seconds = time.perf_counter() - started - shared
            true = tuple(name for name, members in zip(episode.labels, episode.query, strict=True) for _ in members)
            answered = tuple(episode.labels[answer] for answer in answers)
            yield EpisodeResult(true, answered, seconds, shared, fitted.used, fitted.remarks)

    def _answer(self, episode: Episode, fitted: _Fitted) -> list[int]:
        asked = [position for members in episode.query for position in members]
        if fitted.encoder is None:
            embeddings = self._embed(asked)
        else:
            embeddings = self._states.embed(fitted.encoder, {position: self._read(position) for position in asked})
        if fitted.voices is not None:
            embeddings = self._without_voices(embeddings, asked, fitted.voices.overall)
        answers: list[int] = fitted.head.logits(embeddings).argmax(-1).tolist()
        return answers

    def _fit(self, episode: Episode, settings: AdaptationSettings) -> _Fitted:
        clips = [
            LabelledClip(self._read(position), way, self._clips[position].speaker)
            for way, members in enumerate(episode.support)
            for position in members
        ]
        if not settings.tunes:
            return self._fit_untuned(episode, clips, settings)
        *events, adapted = adapt(self._base, clips, episode.labels, settings)
        assert isinstance(adapted, Adapted)
        remarks = tuple(event for event in events if isinstance(event, Remark))
        return _Fitted(adapted.head, adapted.speakers, adapted.encoder, adapted.settings, remarks)

    def _fit_untuned(self, episode: Episode, clips: Sequence[LabelledClip], settings: AdaptationSettings) -> _Fitted:
        """What `adapt` fits where nothing is tuned, from embeddings that are kept; no scores are asked for."""
        settings, remarks = possible_settings(self._base, clips, episode.labels, settings)
        embeddings = self._embed([position for members in episode.support for position in members])
        targets = torch.tensor([clip.label for clip in clips], device=embeddings.device)
        count, voices = len(episode.labels), None
        if settings.speaker_mean:
            names = [clip.speaker for clip in clips]
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
            known=self._base.known_by_name(episode.labels),
        )
        return _Fitted(head, voices, None, settings, tuple(remarks))

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
            with self._stopwatch.running(self._base.encoder.device):
                self._windows[position] = tuple(read_windows(self._clips[position].path, MOST_WINDOWS_PER_CLIP))
        return self._windows[position]

    def _embed(self, positions: Sequence[int]) -> torch.Tensor:
        """Embeddings (clips, embedding size) by the base itself."""
        missing = [position for position in dict.fromkeys(positions) if position not in self._embeddings]
        if missing:
            clips = [LabelledClip(self._read(position), 0) for position in missing]
            with self._stopwatch.running(self._base.encoder.device):
                embedded = embed_whole(self._base.encoder, prepare(self._base.encoder, clips))
            self._embeddings.update(zip(missing, embedded, strict=True))
        return torch.stack([self._embeddings[position] for position in positions])
