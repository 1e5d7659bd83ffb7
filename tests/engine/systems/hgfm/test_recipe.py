import tomllib

import pytest

from engine.errors import RecipeError
from engine.metalearning.recipe import find_recipe
from engine.metalearning.toml_table import read_table
from engine.resources import resource
from engine.systems.hgfm.recipe import FOUR_EMOTIONS, HgfmRecipe, HgfmTableRecipe, Upstream
from tests.engine.systems.hgfm.conftest import FROZEN, RECIPE

TABLE = """kind = "hgfm-table"
name = "hgfm-table9"
title = "Rows"
[data]
corpora = ["nemo", "ravdess"]
[[rows]]
title = "one"
"""


def read(text: str) -> HgfmRecipe:
    return read_table(HgfmRecipe, tomllib.loads(text), "r.toml")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("epochs = 0", "nothing to do"),
        ('epochs = 1\nupstream = "full"', "tuned_epochs"),
        ("epochs = 1\ntuned_epochs = 1", "tuned_epochs"),
        ("epochs = 1\nlearning_rate = 2.0", "learning rate"),
        ("epochs = 1\naugmented = -1", "augmented of 0 to 100"),
        ("epochs = 1\nweight_decay = -0.1", "weight_decay not below 0"),
        ('epochs = 1\nupstream = "half"', "frozen, context, full"),
    ],
)
def test_a_training_that_makes_no_sense_is_refused_in_words(lines: str, told: str) -> None:
    with pytest.raises(RecipeError) as refused:
        read(RECIPE.replace("TRAINING", lines))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('"sadness"]', '"joy"]'), "no emotion 'joy'"),
        (('"sadness"]', '"anger"]'), "each once"),
        (("state = 8", "state = 0"), "makes no sense"),
        (("steps = 3", "steps = -1"), "makes no sense"),
        (("steps = 3", 'trained = "half"'), "does not know 'half'"),
        (("read_layers = [1, 2]", "read_layers = [0]"), "layer below 1"),
    ],
)
def test_other_values_that_make_no_sense_are_refused_in_words(change: tuple[str, str], told: str) -> None:
    with pytest.raises(RecipeError) as refused:
        read(RECIPE.replace("TRAINING", FROZEN).replace(*change))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('"nemo", ', '"nemesis", '), "unknown corpus 'nemesis'"),
        (('"ravdess"]', '"ravdess"]\ntargets = ["emodb"]'), "targets are some"),
        (('"ravdess"]', '"ravdess"]\nasked = ["anger"]'), "two or more"),
        (('"ravdess"]', '"ravdess"]\ntested = 9'), "parts of 2"),
        (('title = "one"', 'title = "one"\npaper = [1.0]'), "three figures"),
        (('title = "one"', 'title = "one"\nread_layers = [-1]'), "layer below 1"),
        (('title = "Rows"', 'title = "Rows"\nseed = -1'), "seed is below 0"),
        (('title = "one"', 'title = "one"\ndownstream = "lstm"'), "no downstream model 'lstm'"),
        (
            ('title = "Rows"', 'title = "Rows"\ntuned_epochs = 0\n[training]\nupstream = "full"\ntuned_epochs = 1'),
            "each says",
        ),
        (
            ('title = "Rows"', 'title = "Rows"\ntuned_epochs = 0\n[[rows]]\ntitle = "two"\ntrained = "full"'),
            "for no epoch",
        ),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_in_words(change: tuple[str, str], told: str) -> None:
    with pytest.raises(RecipeError) as refused:
        read_table(HgfmTableRecipe, tomllib.loads(TABLE.replace(*change)), "t.toml")
    assert told in str(refused.value)


def test_the_bundled_recipes_can_be_read() -> None:
    read_bundled = {path.stem: tomllib.loads(path.read_text()) for path in resource("recipes").rglob("hgfm*.toml")}
    bases = {name: values for name, values in read_bundled.items() if values["kind"] == "hgfm"}
    tables = {name: values for name, values in read_bundled.items() if values["kind"] == "hgfm-table"}
    assert set(bases) == {"hgfm", "hgfm-small", "hgfm-xlsr"}
    assert set(tables) == {"hgfm-table1", "hgfm-table2", "hgfm-table3"}
    recipes = {name: read_table(HgfmRecipe, values, name) for name, values in bases.items()}
    for name, values in tables.items():
        assert read_table(HgfmTableRecipe, values, name).name == name
    for recipe in recipes.values():
        assert not {"emodb", "emovo", "turev-db"} & set(recipe.data.corpora)
    paper = recipes["hgfm-xlsr"]
    assert paper.base.start == "xls-r-300m"
    assert paper.labels == FOUR_EMOTIONS
    assert paper.training.upstream is Upstream.FULL
    assert (paper.training.learning_rate, paper.training.backbone_learning_rate) == (2e-4, 1e-5)
    assert find_recipe("hgfm-small").is_file()
