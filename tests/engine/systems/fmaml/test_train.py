import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.adaptation import Adapted, adapt, resolve_settings
from engine.bases import load_base
from engine.errors import RecipeError
from engine.metalearning.corpora import read_corpus
from engine.metalearning.events import Trained, TrainingEvent, TrainingProgress, TrainingRemark
from engine.metalearning.recipe import find_recipe, parse_recipe, read_recipe
from engine.metalearning.train import train_base
from engine.resources import resource
from engine.systems.fmaml.mfcc_cache import CachedCorpus, ClipsCached, cache_corpus
from engine.systems.fmaml.network import ConvolutionalNetwork
from engine.systems.fmaml.recipe import FmamlRecipe, Order
from tests.engine.conftest import labelled
from tests.engine.systems.fmaml.conftest import CORPORA, tiny_base, tiny_recipe


def run(text: str, root: Path, folder: Path) -> Iterator[TrainingEvent]:
    recipe = folder.with_suffix(".toml")
    recipe.write_text(text)
    return train_base(str(recipe), root, folder, device="cpu")


@pytest.mark.parametrize("fixed", ["true", "false"])
def test_a_run_ends_in_a_base_that_can_be_adapted(fixed: str, speech_root: Path, tmp_path: Path) -> None:
    events = list(run(tiny_recipe(tasks=f"fixed = {fixed}"), speech_root, tmp_path / "run"))
    assert events[-1] == Trained(tmp_path / "run" / "base")
    steps = [event for event in events if isinstance(event, TrainingProgress) and event.loss is not None]
    assert [event.step for event in steps] == [1, 2, 3, 4]
    assert steps[-1].remaining_s == 0
    base = load_base(str(tmp_path / "run" / "base"))
    network = base.encoder.extractor
    assert isinstance(network, ConvolutionalNetwork)
    assert network.output.out_features == 3 + 2
    assert network.fixed == (fixed == "true")
    assert (base.recommended.method, base.recommended.steps, base.recommended.learning_rate) == ("fmaml", 2, 0.1)
    assert base.training["corpora"] == {"nemo": 32, "ravdess": 24}
    (what,) = base.training["figures"]
    assert what == "emodb, 3 emotions, neutral and silence, 2-shot, speakers on both sides, 2 tasks, %"
    card = (tmp_path / "run" / "base" / "README.md").read_text()
    assert what in card
    assert "CC BY-NC-SA" in card
    settings = resolve_settings(base.recommended)
    *_, adapted = adapt(base, labelled([2, 2]), ("a", "b"), settings)
    assert isinstance(adapted, Adapted)
    assert torch.isfinite(adapted.head.weight).all()


def test_killed_anywhere_and_started_again_it_is_the_same_base(speech_root: Path, tmp_path: Path) -> None:
    text = tiny_recipe(maml='order = "second"').replace("checkpoint_steps = 1", "checkpoint_steps = 2")
    list(run(text, speech_root, tmp_path / "whole"))
    for kill_after in (1, 3, 1):
        events = run(text, speech_root, tmp_path / "killed")
        for _ in range(kill_after):
            next(events)
        events.close()  # type: ignore[attr-defined]
    list(run(text, speech_root, tmp_path / "killed"))
    weights = [(tmp_path / name / "base" / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]
    logs = [(tmp_path / name / "log.csv").read_text().splitlines() for name in ("whole", "killed")]
    assert [line.rsplit(",", 1)[0] for line in logs[0]] == [line.rsplit(",", 1)[0] for line in logs[1]]
    assert len(logs[0]) == 1 + 4


def test_first_and_second_order_end_in_other_weights(speech_root: Path, tmp_path: Path) -> None:
    for order in ("first", "second"):
        list(run(tiny_recipe(maml=f'order = "{order}"'), speech_root, tmp_path / order))
    weights = [(tmp_path / name / "base" / "model.safetensors").read_bytes() for name in ("first", "second")]
    assert weights[0] != weights[1]


def test_other_clips_are_not_trained_on_under_the_same_run(speech_root: Path, tmp_path: Path) -> None:
    events = run(tiny_recipe(), speech_root, tmp_path / "run")
    while not (tmp_path / "run" / "checkpoint").is_dir():
        next(events)
    events.close()  # type: ignore[attr-defined]
    other = tmp_path / "other"
    for name in CORPORA:
        (other / name).mkdir(parents=True)
        for file in (speech_root / name).iterdir():
            (other / name / file.name).write_bytes(file.read_bytes())
    manifest = other / "nemo" / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("sadness-0.wav,sadness", "sadness-0.wav,anger"))
    with pytest.raises(RecipeError, match="not those that this run began with"):
        list(run(tiny_recipe(), other, tmp_path / "run"))


def test_mfccs_are_computed_once(speech_root: Path, tmp_path: Path) -> None:
    corpus, backbone = read_corpus("nemo", speech_root / "nemo"), tiny_base().encoder.backbone
    *_, first = cache_corpus(corpus, backbone, tmp_path, 5, 0)
    written = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    *told, second = cache_corpus(corpus, backbone, tmp_path, 5, 0)
    assert not [event for event in told if isinstance(event, ClipsCached)]
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written
    assert isinstance(first, CachedCorpus)
    assert isinstance(second, CachedCorpus)
    assert first.labels == second.labels
    assert first.labels.count("silence") == 5
    assert first.clip(0).shape == (80, 40)
    list(cache_corpus(corpus, backbone, tmp_path, 6, 0))
    assert len(list(tmp_path.iterdir())) == 2 * len(written), "more silence is another file"


def test_a_validation_corpus_that_cannot_be_drawn_from_is_told(speech_root: Path, tmp_path: Path) -> None:
    text = tiny_recipe().replace('validation = ["emodb"]', 'validation = ["emovo"]')
    (tmp_path / "root").mkdir()
    for name in CORPORA:
        (tmp_path / "root" / name).symlink_to(speech_root / name)
    folder = tmp_path / "root" / "emovo"
    folder.mkdir()
    rows = ["file,label,speaker,language,duration_s"]
    for file in sorted((speech_root / "emodb").glob("anger*")):
        (folder / file.name).write_bytes(file.read_bytes())
        rows.append(f"{file.name},anger,s0,xx,0.8")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    events = list(run(text, tmp_path / "root", tmp_path / "run"))
    assert any(isinstance(event, TrainingRemark) and "not validated" in event.message for event in events)
    assert load_base(str(tmp_path / "run" / "base")).training["figures"] == {}


@pytest.mark.parametrize(
    ("section", "line", "told"),
    [
        ("tasks", "ways = 1", "2 ways"),
        ("tasks", "crop_s = 0.0", "make no sense"),
        ("mfcc", "silence = 0", "1 clip of silence"),
        ("maml", "inner_rate = 1.5", "inner_rate cannot be 1.5"),
        ("maml", "inner_steps = 0", "below 1"),
        ("maml", 'order = "third"', "first, second"),
        ("maml", "depth = 3", "does not know 'depth'"),
    ],
)
def test_wrong_values_are_refused_in_words(section: str, line: str, told: str) -> None:
    values = tomllib.loads(tiny_recipe())
    values[section] |= tomllib.loads(line)
    with pytest.raises(RecipeError) as refused:
        parse_recipe(values, "r.toml")
    assert told in str(refused.value)


@pytest.mark.parametrize("name", ["fmaml", "fmaml-small"])
def test_the_bundled_recipes_are_the_papers(name: str) -> None:
    settings = read_recipe(find_recipe(name)).settings
    assert isinstance(settings, FmamlRecipe)
    assert (settings.tasks.ways, settings.tasks.shots, settings.tasks.fixed) == (5, 5, True)
    assert (settings.maml.inner_rate, settings.maml.outer_rate, settings.maml.filters) == (0.1, 0.001, 64)
    assert settings.mfcc.coefficients == 40
    assert settings.maml.order in Order
    assert resource(f"recipes/systems/{name}.toml").is_file()
