from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.errors import RecipeError
from engine.extractors import AttentiveStatistics
from engine.metalearning.supervised.frame_cache import CachedCorpus
from engine.metalearning.supervised.mixing import closed_form_part, mix
from engine.metalearning.supervised.network import StepDone, channel_statistics, one_cycle, train_network
from engine.metalearning.supervised.recipe import DiscriminantSection, NetworksSection, SupervisedTraining
from tests.engine.metalearning.supervised.conftest import HIDDEN, LAYERS

SHAPE = NetworksSection(width=16, embedding_size=8, dropout=0.2)
PLAN = SupervisedTraining(
    steps=6, batch=12, shortest_s=1.0, longest_s=1.2, checkpoint_steps=2, learning_rate=5e-3, averaging=0.5
)


def train(
    caches: list[CachedCorpus], path: Path, plan: SupervisedTraining = PLAN, number: int = 0, most: int = 10**6
) -> tuple[list[StepDone], AttentiveStatistics | None]:
    """Train for at most `most` steps from where the checkpoint is."""
    done: list[StepDone] = []
    for event in train_network(
        caches, channel_statistics(caches), SHAPE, plan, HIDDEN, LAYERS, (5, number), "clips", path
    ):
        if isinstance(event, AttentiveStatistics):
            return done, event
        done.append(event)
        if len(done) == most:
            break
    return done, None


def test_killed_and_started_again_gives_the_same_network_to_the_bit(caches: list[CachedCorpus], tmp_path: Path) -> None:
    _, whole = train(caches, tmp_path / "whole")
    steps, nothing = train(caches, tmp_path / "killed", most=3)  # the third is lost: checkpoints are every second
    assert nothing is None
    later, resumed = train(caches, tmp_path / "killed")
    assert [step.step for step in later] == [3, 4, 5, 6]
    assert later[0].loss == steps[2].loss
    assert whole is not None
    assert resumed is not None
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    _, finished = train(caches, tmp_path / "killed")
    assert finished is not None
    assert torch.equal(finished.embed.weight, whole.embed.weight)


def test_networks_of_other_numbers_are_others(caches: list[CachedCorpus], tmp_path: Path) -> None:
    _, first = train(caches, tmp_path / "a")
    _, second = train(caches, tmp_path / "b", number=1)
    assert first is not None
    assert second is not None
    assert not torch.allclose(first.embed.weight, second.embed.weight)


def test_it_learns_the_emotion_and_not_the_voice(caches: list[CachedCorpus], tmp_path: Path) -> None:
    plan = replace(PLAN, steps=120, batch=24, averaging=0.9)
    _, network = train(caches, tmp_path / "c", plan)
    assert network is not None
    mixture = mix([network], [1.0], caches)
    frames = [torch.from_numpy(caches[0].views[0].frames(clip)).float() for clip in range(36)]
    with torch.no_grad():
        embeddings = torch.cat(
            [mixture.pool(each[None], torch.ones(1, len(each), dtype=torch.bool)) for each in frames]
        )
    likeness = torch.nn.functional.normalize(embeddings - embeddings.mean(0), dim=1)
    likeness = likeness @ likeness.T
    labels, voices = (torch.from_numpy(each) for each in (caches[0].labels, caches[0].speakers))
    same_label, same_voice = labels[:, None] == labels[None], voices[:, None] == voices[None]
    assert likeness[same_label & ~same_voice].mean() > likeness[~same_label & same_voice].mean() + 0.5


def test_other_clips_than_the_checkpoints_are_refused(caches: list[CachedCorpus], tmp_path: Path) -> None:
    train(caches, tmp_path / "d", most=2)
    with pytest.raises(RecipeError, match="not those that this run began with"):
        list(
            train_network(
                caches, channel_statistics(caches), SHAPE, PLAN, HIDDEN, LAYERS, (5, 0), "others", tmp_path / "d"
            )
        )


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [one_cycle(step, 100) for step in range(1, 101)]
    assert rates.index(max(rates)) == 29
    assert max(rates) == pytest.approx(1.0)
    assert rates[0] < 0.06
    assert rates[-1] < 1e-4


def test_parts_of_a_mixture_weigh_what_they_should(caches: list[CachedCorpus], tmp_path: Path) -> None:
    _, network = train(caches, tmp_path / "e")
    assert network is not None
    closed = closed_form_part(caches, DiscriminantSection(dimensions=3), HIDDEN, LAYERS)
    mixture = mix([closed, network], [1.0, 2.0], caches)
    norms = []
    for corpus in caches:
        frames = [torch.from_numpy(corpus.views[0].frames(clip)).float() for clip in range(len(corpus.labels))]
        embedded = torch.cat(
            [mixture.pool(each[None], torch.ones(1, len(each), dtype=torch.bool)).detach() for each in frames]
        )
        within = (embedded - embedded.mean(0)).square()
        norms.append((within[:, :3].sum(1).mean(), within[:, 3:].sum(1).mean()))
    means = torch.tensor(norms).mean(0)
    torch.testing.assert_close(means, torch.tensor([1.0, 4.0]), atol=1e-3, rtol=1e-3)
