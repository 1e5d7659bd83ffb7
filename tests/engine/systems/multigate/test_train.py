from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.adaptation import Adapted, adapt
from engine.adaptation.settings import resolve_settings
from engine.base_folder import load_base_folder
from engine.encoder import EmotionEncoder
from engine.errors import RecipeError
from engine.evaluation.episodes import EpisodeShape
from engine.metalearning import few_shot_figures
from engine.metalearning.corpora import read_corpus
from engine.metalearning.events import Trained, TrainingEvent
from engine.metalearning.recipe import parse_recipe
from engine.metalearning.train import train_base
from engine.systems.multigate import train as training_of_base
from engine.systems.multigate.languages import BatchSampler, Language, cache_language
from engine.systems.multigate.network import MultiGate
from engine.systems.multigate.recipe import NetworkSection, TrainingSection
from engine.systems.multigate.shapes import pad_steps
from engine.systems.multigate.streams import StreamsBackbone
from engine.systems.multigate.training import StepDone, train_network
from engine.systems.multigate.training import Trained as TrainedNetwork
from tests.engine.conftest import labelled
from tests.engine.metalearning.conftest import corpora_root, killed_after  # noqa: F401  # the first is a fixture
from tests.engine.systems.multigate.conftest import SMALL, SMALL_SECTIONS, tiny_network, tiny_streams

RECIPE = """kind = "multigate"
name = "tiny"
seed = 2
validation_episodes = 2
[data]
corpora = ["nemo", "ravdess"]
validation = ["emodb"]
[streams]
augmented = 1
"""
PLAN = TrainingSection(epochs=8, batch=12, learning_rate=0.01, shortest_s=0.3, longest_s=0.5, checkpoint_steps=2)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of a base use tiny streams."""
    monkeypatch.setattr(training_of_base, "open_streams", lambda section: (tiny_streams(), "none"))


def run(folder: Path, root: Path, out: Path) -> Iterator[TrainingEvent]:
    path = folder / "tiny.toml"
    path.write_text(RECIPE + SMALL_SECTIONS + "checkpoint_steps = 2\n")
    return train_base(str(path), root, out, device="cpu")


def test_a_run_ends_in_a_base_that_can_be_adapted(
    tiny: None,
    corpora_root: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(few_shot_figures, "SHAPE", EpisodeShape(ways=3, shots=2, queries=2))
    *_, last = run(tmp_path, corpora_root, tmp_path / "run")
    assert last == Trained(tmp_path / "run" / "base")
    base = load_base_folder(tmp_path / "run" / "base")
    network = base.encoder.extractor
    assert isinstance(network, MultiGate)
    assert network.languages == ("nemo", "ravdess", "new")
    assert base.recommended.method == "multigate"
    assert base.training["corpora"] == {"nemo": 24, "ravdess": 24}
    card = (tmp_path / "run" / "base" / "README.md").read_text()
    assert "CC BY-NC-SA" in card
    assert "speaker's voice" in card
    assert "emodb, new-speakers, 3-way 2-shot, 2 episodes, %: 30 steps" in card
    *_, adapted = adapt(base, labelled([2, 2]), ("a", "b"), resolve_settings(base.recommended, steps=2))
    assert isinstance(adapted, Adapted)
    assert torch.isfinite(adapted.head.weight).all()


def test_killed_anywhere_and_started_again_it_is_the_same_base(
    tiny: None,
    corpora_root: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    list(run(tmp_path, corpora_root, tmp_path / "whole"))
    caching = run(tmp_path, corpora_root, tmp_path / "killed")
    for _ in range(4):
        next(caching)
    caching.close()  # type: ignore[attr-defined]
    for step in (2, 3):
        killed_after(run(tmp_path, corpora_root, tmp_path / "killed"), step)
    list(run(tmp_path, corpora_root, tmp_path / "killed"))
    weights = [(tmp_path / name / "base" / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]
    logs = [(tmp_path / name / "log.csv").read_text().splitlines() for name in ("whole", "killed")]
    assert [line.rsplit(",", 1)[0] for line in logs[0]] == [line.rsplit(",", 1)[0] for line in logs[1]]
    assert len(logs[0]) == 1 + 4


def train(
    streams: StreamsBackbone, languages: list[Language], checkpoint: Path, plan: TrainingSection = PLAN, **changes: str
) -> TrainedNetwork:
    section = NetworkSection(**({"size": 16, "tower": 24, "kernels": 8, "lstm": 8, "attention": 12} | changes))  # type: ignore[arg-type]
    *steps, trained = train_network(streams, languages, "ge2e", section, plan, 0, "clips", checkpoint)
    assert isinstance(trained, TrainedNetwork)
    assert all(isinstance(step, StepDone) for step in steps)
    return trained


@pytest.mark.parametrize("variant", ["ours", "base"])
def test_made_up_emotions_are_learnt(
    variant: str, streams: StreamsBackbone, languages: list[Language], tmp_path: Path
) -> None:
    trained = train(streams, languages, tmp_path / "c.safetensors", variant=variant)
    for language in languages:
        clips = [language.steps(clip) for clip in range(len(language.labels))]
        steps = [pad_steps([clip[number] for clip in clips]) for number in range(3)]
        answered = trained.answer(steps, language).numpy()
        assert float(np.mean(answered == language.labels)) > 0.9


def test_averaged_weights_are_others(streams: StreamsBackbone, languages: list[Language], tmp_path: Path) -> None:
    short = {"epochs": 1, "batch": 12, "shortest_s": 0.3, "longest_s": 0.5}
    latest = train(streams, languages, tmp_path / "a.safetensors", TrainingSection(**short))  # type: ignore[arg-type]
    averaged = train(
        streams,
        languages,
        tmp_path / "b.safetensors",
        TrainingSection(**short, averaging=0.9),  # type: ignore[arg-type]
    )
    one, other = latest.network.state_dict(), averaged.network.state_dict()
    assert not torch.equal(one["transitions.weight"], other["transitions.weight"])


def test_other_clips_than_the_checkpoints_are_refused(
    streams: StreamsBackbone, languages: list[Language], tmp_path: Path
) -> None:
    plan = TrainingSection(epochs=1, batch=20, shortest_s=0.3, longest_s=0.5)
    train(streams, languages, tmp_path / "c.safetensors", plan)
    with pytest.raises(RecipeError, match="not those that this run began with"):
        list(train_network(streams, languages, "ge2e", SMALL, plan, 0, "others", tmp_path / "c.safetensors"))


def test_a_batch_is_balanced_and_follows_from_its_numbers(streams: StreamsBackbone, languages: list[Language]) -> None:
    network = tiny_network(streams)
    fills = [getattr(network, f"mean_{number}") for number in range(3)]
    sampler = BatchSampler(languages, network.shapes, fills, 12)
    one, same = (sampler.draw(np.random.default_rng([0, 3]), (5, 8)) for _ in range(2))
    assert one.language == same.language
    counts = torch.bincount(one.labels)
    assert int(counts.max()) == int(counts.min())
    for (values, mask), (again, _) in zip(one.streams, same.streams, strict=True):
        assert torch.equal(values, again)
        assert bool((values[~mask] == 0).all())
    lengths = [mask.sum(1) for _, mask in one.streams]
    assert torch.equal(lengths[0], 4 * lengths[1])
    assert int(lengths[1].max()) <= 8
    assert lengths[2].tolist() == [1] * 12


def test_training_and_adapting_see_the_same(corpora_root: Path, streams: StreamsBackbone, tmp_path: Path) -> None:  # noqa: F811
    corpus = read_corpus("nemo", corpora_root / "nemo")
    caching = cache_language(corpus, streams, tmp_path, 0, 0)
    while True:
        try:
            next(caching)
        except StopIteration as finished:
            language = finished.value
            break
    from engine.audio.windows import read_windows

    encoder = EmotionEncoder(streams, tiny_network(streams))
    network = encoder.extractor
    assert isinstance(network, MultiGate)
    for clip in (0, 7):
        samples = read_windows(corpus.clips[clip].path, 1)[0]
        read = network.read(streams.encode([encoder.front_end(samples)]))
        for (values, mask), kept in zip(read, language.steps(clip), strict=True):
            torch.testing.assert_close(values[0][mask[0]], kept, atol=2e-3, rtol=2e-3)
        with torch.no_grad():
            kept_encoded = network.encode([pad_steps([steps]) for steps in language.steps(clip)])
            torch.testing.assert_close(network.encode(read).features, kept_encoded.features, atol=2e-3, rtol=1e-2)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('[network]\nvariant = "best"', "no variant"),
        ("[network]\nsize = 0", "Sizes of 2"),
        ('[streams]\nselector = "smell"', "selector"),
        ("[streams]\naugmented = -1", "-1 copies"),
        ("[training]\nbatch = 2", "batch of 4"),
        ("[training]\nshortest_s = 4.0", "shortest_s"),
        ("[training]\nlearning_rate = 2.0", "makes no sense"),
        ("[training]\nweight_decay = -1.0", "weight_decay of -1.0"),
    ],
)
def test_wrong_values_are_refused_in_words(lines: str, told: str) -> None:
    import tomllib

    text = f'kind = "multigate"\nname = "x"\n[data]\ncorpora = ["nemo"]\n{lines}'
    with pytest.raises(RecipeError) as refused:
        parse_recipe(tomllib.loads(text), "x.toml")
    assert told in str(refused.value)
