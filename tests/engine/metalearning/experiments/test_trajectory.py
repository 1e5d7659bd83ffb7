"""Accuracy along a fine-tuning is what separate fine-tunings of those lengths give."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.adaptation.settings import AdaptationSettings
from engine.bases import Base
from engine.choices import Protocol
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape
from engine.evaluation.few_shot import EvaluationClip, FewShotEvaluation
from engine.metalearning.corpora import CorpusClip, read_corpus
from engine.metalearning.experiments.trajectory import Trajectory, fingerprint
from tests.engine.conftest import tiny_base

__all__ = ["tiny_base"]  # a fixture


@pytest.fixture
def clips(corpora_root: Path) -> tuple[CorpusClip, ...]:
    return read_corpus("emodb", corpora_root / "emodb").clips


def sampler(clips: tuple[CorpusClip, ...]) -> EpisodeSampler:
    labels = [clip.label or "" for clip in clips]
    return EpisodeSampler(labels, [clip.speaker for clip in clips], EpisodeShape(3, 2, 3), Protocol.RANDOM, 4)


@pytest.mark.parametrize("method", ["disjoint", "pmf"])
def test_each_length_is_as_if_it_were_tuned_alone(method: str, tiny_base: Base, clips: tuple[CorpusClip, ...]) -> None:
    settings = AdaptationSettings(method=method, learning_rate=3e-2, seed=5, inner_support_share=0.5)
    before = fingerprint(tiny_base.encoder)
    paths = [clip.path for clip in clips]

    along = list(Trajectory(tiny_base, paths, settings, [0, 1, 4]).run(sampler(clips), 3))

    labelled = [EvaluationClip(clip.path, clip.label or "", clip.speaker) for clip in clips]
    for steps in (0, 1, 4):
        alone = FewShotEvaluation(tiny_base, labelled, replace(settings, steps=steps)).run(sampler(clips), 3)
        assert [each[steps] for each in along] == pytest.approx([result.accuracy for result in alone])
    assert any(each[4] != each[0] for each in along)  # at this rate something does happen
    assert fingerprint(tiny_base.encoder) == before


def test_without_steps_nothing_is_kept_but_embeddings(tiny_base: Base, clips: tuple[CorpusClip, ...]) -> None:
    trajectory = Trajectory(tiny_base, [clip.path for clip in clips], AdaptationSettings(), [0])

    assert [list(each) for each in trajectory.run(sampler(clips), 2)] == [[0], [0]]
    assert not trajectory._prepared


def test_a_fingerprint_changes_with_any_weight(tiny_base: Base) -> None:
    before = fingerprint(tiny_base.encoder)
    with torch.no_grad():
        next(tiny_base.encoder.parameters()).view(-1)[0] += 1e-3

    assert fingerprint(tiny_base.encoder) != before
