from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.backbones.protocol import Backbone
from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from engine.errors import RecipeError
from engine.extractors import AttentiveStatistics, PooledExtractor
from engine.metalearning.recipe import DataSection
from engine.metalearning.supervised.frame_cache import CachedCorpus
from engine.metalearning.supervised.mixing import closed_form_part, mix
from engine.metalearning.supervised.network import NetworkTraining, StepDone, channel_statistics, one_cycle
from engine.metalearning.supervised.recipe import (
    DiscriminantSection,
    MixtureSection,
    NetworksSection,
    SupervisedRecipe,
    SupervisedTraining,
    ViewsSection,
)
from tests.engine.conftest import tiny_encoder, wav2vec2_config
from tests.engine.metalearning.supervised.conftest import framed

RECIPE = SupervisedRecipe(
    kind="supervised",
    name="tiny",
    data=DataSection(("nemo", "ravdess")),
    seed=5,
    views=ViewsSection(stretched=0.05),
    networks=NetworksSection(count=2, width=16, embedding_size=8, dropout=0.2),
    training=SupervisedTraining(
        steps=6,
        batch=12,
        shortest_s=0.3,
        longest_s=0.4,
        checkpoint_steps=2,
        learning_rate=5e-3,
        averaging=0.5,
        style_mixing=0.3,
    ),
)


TUNED = replace(RECIPE, training=replace(RECIPE.training, encoder_rate=1e-3))


def training(caches: Sequence[CachedCorpus], backbone: Backbone, recipe: SupervisedRecipe = RECIPE) -> NetworkTraining:
    return NetworkTraining(recipe, caches, backbone, channel_statistics([framed(each, backbone) for each in caches]))


def train(run: NetworkTraining, path: Path, most: int = 10**6) -> tuple[list[StepDone], list[AttentiveStatistics]]:
    """Train for at most `most` steps from where the checkpoint is; no networks if that is not the end."""
    done: list[StepDone] = []
    for event in run.run("clips", path):
        if isinstance(event, list):
            return done, event
        done.append(event)
        if len(done) == most:
            break
    return done, []


def embedded(part: PooledExtractor, corpus: CachedCorpus) -> torch.Tensor:
    """Embeddings of the clips of cached frames."""
    frames = [torch.from_numpy(corpus.views[0].frames(clip)).float() for clip in range(len(corpus.labels))]
    with torch.no_grad():
        return torch.cat([part.pool(each[None], torch.ones(1, len(each), dtype=torch.bool)) for each in frames])


def test_killed_and_started_again_gives_the_same_networks_to_the_bit(
    caches: list[CachedCorpus], backbone: Backbone, tmp_path: Path
) -> None:
    _, whole = train(training(caches, backbone), tmp_path / "whole")
    steps, nothing = train(training(caches, backbone), tmp_path / "killed", most=3)  # the third is lost: every second
    assert nothing == []
    later, resumed = train(training(caches, backbone), tmp_path / "killed")
    assert [step.step for step in later] == [3, 4, 5, 6]
    assert later[0].loss == steps[2].loss
    assert len(whole) == len(resumed) == 2
    for mine, other in zip(whole, resumed, strict=True):
        for name, value in mine.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name
    _, finished = train(training(caches, backbone), tmp_path / "killed")
    assert torch.equal(finished[1].embed.weight, whole[1].embed.weight)


def test_the_networks_differ(caches: list[CachedCorpus], backbone: Backbone, tmp_path: Path) -> None:
    _, (first, second) = train(training(caches, backbone), tmp_path / "a")
    assert not torch.allclose(first.embed.weight, second.embed.weight)


def test_the_encoder_is_left_as_it_was(caches: list[CachedCorpus], backbone: Backbone, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    train(training(caches, backbone), tmp_path / "b")
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_the_layers_are_tuned_where_the_recipe_says_so_and_nothing_below_them(
    caches: list[CachedCorpus], backbone: Backbone, tmp_path: Path
) -> None:
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    run = training(caches, backbone, TUNED)
    train(run, tmp_path / "t")
    for name, value in backbone.state_dict().items():
        moved = float((value - before[name]).abs().max())
        assert (moved == 0) == (not name.startswith("layers.")), name
        assert moved < 0.01
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    assert run._tuned is not None
    averages, last = run._tuned.averaged.state_dict(), load_file(tmp_path / "t")
    assert torch.equal(averages["0.fc1.weight"], backbone.state_dict()["layers.0.fc1.weight"])
    assert not torch.equal(averages["0.fc1.weight"], last["model.2.layers.0.fc1.weight"]), "the average, not the last"


def test_a_tuned_encoder_goes_on_to_the_bit_too(caches: list[CachedCorpus], tmp_path: Path) -> None:
    whole, killed = tiny_encoder().backbone, tiny_encoder().backbone
    train(training(caches, whole, TUNED), tmp_path / "whole")
    train(training(caches, killed, TUNED), tmp_path / "killed", most=3)
    resumed = tiny_encoder().backbone
    train(training(caches, resumed, TUNED), tmp_path / "killed")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_they_learn_the_emotion_and_not_the_voice(
    caches: list[CachedCorpus], backbone: Backbone, tmp_path: Path
) -> None:
    plan = replace(RECIPE.training, steps=300, batch=24, averaging=0.9)
    steps, networks = train(training(caches, backbone, replace(RECIPE, training=plan)), tmp_path / "c")
    assert steps[-1].loss < steps[0].loss - 0.5
    frames = [framed(each, backbone) for each in caches]
    embeddings = embedded(mix(networks, [1.0, 1.0], frames), frames[0])
    likeness = torch.nn.functional.normalize(embeddings - embeddings.mean(0), dim=1)
    likeness = likeness @ likeness.T
    labels, voices = (torch.from_numpy(each) for each in (caches[0].labels, caches[0].speakers))
    same_label, same_voice = labels[:, None] == labels[None], voices[:, None] == voices[None]
    assert likeness[same_label & ~same_voice].mean() > likeness[~same_label & same_voice].mean() + 0.5


def test_other_clips_than_the_checkpoints_are_refused(
    caches: list[CachedCorpus], backbone: Backbone, tmp_path: Path
) -> None:
    train(training(caches, backbone), tmp_path / "d", most=2)
    with pytest.raises(RecipeError, match="not those that this run began with"):
        list(training(caches, backbone).run("others", tmp_path / "d"))


def test_bands_are_stretched_of_spectrograms_only(caches: list[CachedCorpus], backbone: Backbone) -> None:
    statistics = channel_statistics([framed(each, backbone) for each in caches])
    with pytest.raises(RecipeError, match="stretches the bands of a spectrogram"):
        NetworkTraining(RECIPE, caches, Wav2Vec2Backbone(wav2vec2_config(), (2,)), statistics)


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [one_cycle(step, 100) for step in range(1, 101)]
    assert rates.index(max(rates)) == 29
    assert max(rates) == pytest.approx(1.0)
    assert rates[0] < 0.06
    assert rates[-1] < 1e-4


def test_parts_of_a_mixture_weigh_what_they_should(
    caches: list[CachedCorpus], backbone: Backbone, tmp_path: Path
) -> None:
    _, (network, _) = train(training(caches, backbone), tmp_path / "e")
    frames = [framed(each, backbone) for each in caches]
    closed = closed_form_part(frames, DiscriminantSection(dimensions=3), backbone.hidden_size, 2)
    mixture = mix([closed, network], [1.0, 2.0], frames)
    norms = []
    for corpus in frames:
        values = embedded(mixture, corpus)
        within = (values - values.mean(0)).square()
        norms.append((within[:, :3].sum(1).mean(), within[:, 3:].sum(1).mean()))
    means = torch.tensor(norms).mean(0)
    torch.testing.assert_close(means, torch.tensor([1.0, 4.0]), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("flattening", [0.0, 0.5, 1.0])
def test_a_flattened_mixture_has_its_directions_nearer_to_each_other(
    flattening: float, caches: list[CachedCorpus], backbone: Backbone, tmp_path: Path
) -> None:
    _, networks = train(training(caches, backbone), tmp_path / "f")
    frames = [framed(each, backbone) for each in caches]
    plain, turned = (
        mix(networks, [1.0, 1.0], frames, plan) for plan in (None, MixtureSection(size=3, flattening=flattening))
    )
    assert turned.embedding_size == 3

    def spread(mixture: PooledExtractor) -> torch.Tensor:
        values = [embedded(mixture, corpus) for corpus in frames]
        centred = [each - each.mean(0) for each in values]
        return torch.stack([each.T @ each / len(each) for each in centred]).mean(0)

    variances = torch.linalg.eigvalsh(spread(plain)).flip(0)[:3]
    shares = variances / variances[0]
    flat = spread(turned)
    torch.testing.assert_close(flat, torch.diag(flat.diagonal()), atol=1e-3 * float(flat.max()), rtol=0.0)
    expected = variances * (shares + 0.01) ** -flattening
    torch.testing.assert_close(flat.diagonal(), expected, atol=0.0, rtol=0.02)
