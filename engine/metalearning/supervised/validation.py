"""What a base gives on corpora that it was not trained on: the few-shot protocol with every closed-form head."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.adaptation import AdaptationSettings
from engine.base_folder import Base
from engine.choices import HEADS, Protocol
from engine.errors import ManifestError
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape
from engine.evaluation.few_shot import EvaluationClip, FewShotEvaluation
from engine.evaluation.metrics import mean_ci95
from engine.metalearning.corpora import Corpus
from engine.metalearning.events import TrainingProgress, TrainingRemark

EPISODES = 200
SHAPE = EpisodeShape(ways=4, shots=5, queries=12)


@dataclass(frozen=True)
class Figures:
    """In words, by corpus and protocol."""

    figures: dict[str, str]


def validate(base: Base, corpora: Sequence[Corpus], seed: int) -> Iterator[TrainingProgress | TrainingRemark | Figures]:
    """Accuracy of 200 episodes, 4-way 5-shot, of every head, protocol and corpus; the last event is `Figures`."""
    figures: dict[str, str] = {}
    for corpus in corpora:
        yield TrainingProgress(0, 0, f"Validating on {corpus.name}")
        clips = [EvaluationClip(clip.path, clip.label, clip.speaker) for clip in corpus.clips if clip.label]
        evaluation = FewShotEvaluation(base, clips, AdaptationSettings(method=HEADS[0]))
        for protocol in Protocol:
            try:
                samplers = [_sampler(clips, protocol, seed) for _ in HEADS]
            except ManifestError as error:
                yield TrainingRemark(f"{corpus.name}, {protocol.value}: not validated. {error.message}")
                continue
            told = []
            for head, sampler in zip(HEADS, samplers, strict=True):
                answers = evaluation.with_settings(AdaptationSettings(method=head)).run(sampler, EPISODES)
                accuracies = [result.accuracy for result in answers]
                told.append(f"{head} {100 * np.mean(accuracies):.1f} ± {100 * mean_ci95(accuracies):.1f}")
            figures[f"{corpus.name}, {protocol.value}, 4-way 5-shot, {EPISODES} episodes, %"] = ", ".join(told)
    yield Figures(figures)


def _sampler(clips: Sequence[EvaluationClip], protocol: Protocol, seed: int) -> EpisodeSampler:
    return EpisodeSampler([clip.label for clip in clips], [clip.speaker for clip in clips], SHAPE, protocol, seed)
