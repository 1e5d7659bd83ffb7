"""Recipes: read strictly, refused in one sentence, and dispatched to the training of their kind."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import ModuleType

import pytest

from engine.base_folder import Base, save_base
from engine.errors import RecipeError
from engine.metalearning.episodic_recipe import EpisodicRecipe
from engine.metalearning.events import Trained, TrainingEvent, TrainingProgress
from engine.metalearning.recipe import KINDS, BaseSection, DataSection, KindOfTraining, find_recipe, read_recipe
from engine.metalearning.train import train_base
from engine.resources import resource
from tests.engine.conftest import tiny_encoder


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class FakeRecipe:
    kind: str
    name: str
    data: DataSection
    seed: int = 0
    base: BaseSection = field(default_factory=BaseSection)
    rate: float = 0.5
    colour: Colour = Colour.RED
    layers: tuple[int, ...] | None = None
    rates: Mapping[str, float] = field(default_factory=dict)


def fake_train(
    recipe: FakeRecipe, corpora_root: Path, run_folder: Path, *, device: str, recipe_text: str
) -> Iterator[TrainingEvent]:
    yield TrainingProgress(1, 2, f"{recipe.colour} on {device}", 0.5, 60.0)
    base = Base(recipe.name, tiny_encoder(), standardised=False, licence="none")
    save_base(base, run_folder / "base", "# card", {"recipe": recipe_text})
    yield Trained(run_folder / "base")


@pytest.fixture(autouse=True)
def fake_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("fake_training")
    module.FakeRecipe, module.fake_train = FakeRecipe, fake_train  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fake_training", module)
    monkeypatch.setitem(KINDS, "fake", KindOfTraining("fake_training:FakeRecipe", "fake_training:fake_train"))


GOOD = 'kind = "fake"\nname = "mine"\nrate = 1\ncolour = "blue"\nlayers = [3]\n[data]\ncorpora = ["nemo"]\n'


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    return path


def test_a_recipe_is_read_into_its_kinds_class(recipe: Path) -> None:
    read = read_recipe(recipe)
    assert read.settings == FakeRecipe("fake", "mine", DataSection(("nemo",)), 0, BaseSection(), 1.0, Colour.BLUE, (3,))
    assert read.text == GOOD


def test_a_byte_order_mark_does_no_harm(recipe: Path) -> None:
    recipe.write_text(GOOD, encoding="utf-8-sig")
    assert read_recipe(recipe).text == GOOD


def test_a_recipe_beside_goes_before_a_bundled_one(recipe: Path, tmp_path: Path) -> None:
    mine = tmp_path / "compact.toml"
    mine.write_text(GOOD)
    assert find_recipe("compact", tmp_path) == find_recipe("compact.toml", tmp_path) == mine
    assert find_recipe("compact") != mine
    assert find_recipe("main-paper", tmp_path) == find_recipe("main-paper")


def test_a_table_may_have_free_keys(recipe: Path) -> None:
    recipe.write_text(GOOD + "[rates]\ntop-4 = 1\nall = 1e-6\n")
    settings = read_recipe(recipe).settings
    assert isinstance(settings, FakeRecipe)
    assert settings.rates == {"top-4": 1.0, "all": 1e-6}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "does not say its kind"),
        ('kind = "magic"', "no known kind"),
        ("kind = ", "not TOML"),
        ('kind = "fake"\nname = "a"', "lacks 'data'"),
        (GOOD + "colour = 3", r"\[data\] does not know 'colour'"),
        ("speed = 1\n" + GOOD, "does not know 'speed'"),
        (GOOD.replace('"blue"', '"green"'), "colour cannot be 'green'"),
        (GOOD.replace('["nemo"]', '"nemo"'), "corpora is not a list"),
        (GOOD.replace('["nemo"]', "[1]"), "corpora cannot be 1"),
        (GOOD.replace('["nemo"]', "[]"), "names no corpus"),
        (GOOD + 'validation = ["nemo"]', "trains and validates on nemo"),
        (GOOD.replace('["nemo"]', '["nemo", "nemo"]'), "a corpus twice"),
        (GOOD + 'validation = ["emodb", "emodb"]', "a corpus twice"),
        (GOOD.replace('"mine"', '".."'), "cannot be the name"),
        (GOOD.replace("rate = 1", 'rate = "1"'), "rate cannot be '1'"),
        (GOOD.replace("rate = 1", "rate = true"), "rate cannot be True"),
        (GOOD.replace('"mine"', '"../mine"'), "cannot be the name"),
        (GOOD.replace("[data]", 'base = "x"\n[data]'), "base is not a table"),
        (GOOD.replace("[data]", "rates = 1\n[data]"), "rates is not a table"),
        (GOOD + '[rates]\nall = "low"', r"\[rates\]: all cannot be 'low'"),
        ('kind = ["fake"]', "no known kind"),
        (GOOD.replace("rate = 1", "rate = nan"), "rate cannot be nan"),
        (GOOD.replace("rate = 1", "rate = -inf"), "rate cannot be -inf"),
        (GOOD.replace("rate = 1", f"seed = {10**25}"), f"seed cannot be as large as {10**25}"),
    ],
)
def test_a_bad_recipe_is_refused_in_one_sentence(recipe: Path, text: str, words: str) -> None:
    recipe.write_text(text)
    with pytest.raises(RecipeError, match=words) as refused:
        read_recipe(recipe)
    assert refused.value.message.count("\n") == 0
    assert refused.value.hint


def test_a_recipe_that_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no recipe 'nonsense'"):
        find_recipe("nonsense")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(find_recipe(str(tmp_path / "binary.toml")))


def test_a_run_folder_belongs_to_its_recipe(recipe: Path, tmp_path: Path) -> None:
    first = list(train_base(str(recipe), tmp_path, tmp_path / "out", device="cpu"))
    assert first == [TrainingProgress(1, 2, "blue on cpu", 0.5, 60.0), Trained(tmp_path / "out" / "base")]
    assert list(train_base(str(recipe), tmp_path, tmp_path / "out")) == [Trained(tmp_path / "out" / "base")]
    recipe.write_text(f"# a comment more\n{GOOD}")
    assert list(train_base(str(recipe), tmp_path, tmp_path / "out")) == [Trained(tmp_path / "out" / "base")]
    recipe.write_text(GOOD.replace("blue", "red"))
    with pytest.raises(RecipeError, match="another recipe"):
        list(train_base(str(recipe), tmp_path, tmp_path / "out"))


def test_a_run_that_was_killed_before_it_began_can_begin(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".recipe.toml").write_text(GOOD[:10])
    assert list(train_base(str(recipe), tmp_path, tmp_path / "out"))[-1] == Trained(tmp_path / "out" / "base")


def test_a_run_that_was_refused_before_it_began_makes_way_for_another(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "recipe.toml").write_text(GOOD.replace("blue", "red"))
    assert list(train_base(str(recipe), tmp_path, tmp_path / "out"))[-1] == Trained(tmp_path / "out" / "base")
    assert (tmp_path / "out" / "recipe.toml").read_text() == recipe.read_text()


def test_a_run_folder_in_use_and_a_missing_root_are_refused(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="not empty"):
        list(train_base(str(recipe), tmp_path, tmp_path))
    with pytest.raises(RecipeError, match="no folder"):
        list(train_base(str(recipe), tmp_path / "nowhere", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_every_bundled_recipe_of_a_base_can_be_read() -> None:
    paths = sorted(resource("recipes").glob("*.toml"))
    assert {"main-paper", "compact-episodic"} <= {path.stem for path in paths}
    for path in paths:
        assert find_recipe(path.stem) == path
        assert read_recipe(path).settings.name


def test_the_main_paper_recipe_is_the_papers() -> None:
    recipe = read_recipe(find_recipe("main-paper")).settings
    assert isinstance(recipe, EpisodicRecipe)
    assert len(recipe.data.corpora) == 10
    assert (recipe.split.validation, recipe.split.test) == (0.16, 0.20)
    assert (recipe.model.extractor, recipe.base.start) == ("glu", "xls-r-300m")
    assert (recipe.episodes.shots, recipe.episodes.queries, recipe.episodes.sampling) == (5, 12, "within-dataset")
    plan = recipe.training
    assert (plan.probing_epochs, plan.steps_per_epoch, plan.accumulation, plan.learning_rate) == (5, 50, 20, 1e-4)
    assert plan.gradient_checkpointing
    assert not recipe.adversarial.enabled
    assert recipe.adversarial.strength == 0.01


def test_the_compact_recipe_trains_on_nothing_that_is_kept_for_validation_or_evaluation() -> None:
    recipe = read_recipe(find_recipe("compact-episodic.toml")).settings
    assert isinstance(recipe, EpisodicRecipe)
    trained = {"nemo", "ravdess", "banglaser", "korean-emotiontts", "indian-emospeech-commands"}
    assert set(recipe.data.corpora) == trained
    assert recipe.data.validation == ("emodb", "emovo")
