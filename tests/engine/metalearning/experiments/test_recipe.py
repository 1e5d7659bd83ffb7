"""Recipes of experiments: those of the paper are whole, and a wrong one is refused in one sentence."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import RecipeError
from engine.metalearning.corpora import CORPORA, Task
from engine.metalearning.episodic_recipe import AdversarialSection, EpisodicRecipe, ModelSection, Sampling, SplitBy
from engine.metalearning.experiments.grid import Layout, all_settings
from engine.metalearning.experiments.recipe import ExperimentRecipe, read_experiment, with_changes
from engine.metalearning.experiments.trainings import read_trainings
from engine.metalearning.recipe import find_recipe
from tests.engine.metalearning.experiments.conftest import LAYOUT, MEASURE, experiment_text

TABLES = range(4, 11)
NO_MODEL, NO_DANN = ModelSection(), AdversarialSection()


def bundled(number: int) -> ExperimentRecipe:
    return read_experiment(find_recipe(f"table{number}"))


def trainings_of(number: int) -> dict[str, EpisodicRecipe]:
    path = find_recipe(f"table{number}")
    trainings = read_trainings(read_experiment(path).measure.trainings, path.parent)
    return {name: training.settings for name, training in trainings.items()}


@pytest.mark.parametrize("number", TABLES)
def test_each_table_of_the_paper_is_bundled_with_its_trainings(number: int) -> None:
    recipe = bundled(number)
    trainings = trainings_of(number)

    table = Layout(recipe, {name: name for name in trainings}).fill({})

    assert table.name == f"Table {number}"
    assert (recipe.measure.ways, recipe.measure.queries, recipe.measure.episodes) == (4, 15, 600)
    published = [cell.paper for block in table.blocks for row in block.cells for cell in row]
    assert all(paper is None or 25 <= paper <= 100 for paper in published)
    assert published.count(None) == (2 if number == 6 else 0)  # AESDD and EmoRO have no validation part
    assert all(settings.base.start == "xls-r-300m" for settings in trainings.values())


def figure(number: int, row: str, block: int, column: int) -> float | None:
    table = Layout(bundled(number), {name: name for name in trainings_of(number)}).fill({})
    return table.blocks[block].cells[table.rows.index(row)][column].paper


@pytest.mark.parametrize(
    ("number", "row", "block", "column", "published"),
    [
        (4, "EmoDB (de)", 1, 1, 64.60),  # 5-shot, accent recognition
        (4, "Average", 0, 0, 34.85),
        (5, "EmoDB (de)", 0, 1, 77.71),  # 1-shot, within-dataset
        (5, "EmoRO (ro)", 1, 0, 43.55),  # 5-shot, free
        (6, "RAVDESS (en)", 0, 1, 90.30),
        (6, "AESDD (el)", 0, 1, 73.41),
        (6, "Overall", 0, 0, 76.35),
        (7, "main-paper", 0, 0, 56.70),  # AESI
        (7, "all-glu-dann", 0, 2, 78.13),  # the mean
        (8, "1", 0, 2, 92.98),  # EmoDB, 1e-5
        (8, "20", 1, 2, 56.72),  # AESI, 1e-5
        (9, "25", 1, 1, 57.80),  # AESI, inner support of 2
        (9, "10", 0, 2, 93.37),
        (10, "15", 0, 2, 83.78),  # the abstract's figures
        (10, "25", 0, 3, 56.30),
    ],
)
def test_published_figures_are_in_their_places(
    number: int, row: str, block: int, column: int, published: float
) -> None:
    assert figure(number, row, block, column) == published


def test_how_many_settings_the_searches_have() -> None:
    assert len(all_settings(bundled(8))) == 2 * 8 * 4
    assert len(all_settings(bundled(9))) == 2 * 7 * 4
    assert {setting.learning_rates for setting in all_settings(bundled(9))} == {1e-5}


def test_what_the_trainings_of_the_paper_differ_in() -> None:
    table_4, table_5, table_7 = trainings_of(4), trainings_of(5), trainings_of(7)

    assert table_4["person-identification"].episodes.task is Task.SPEAKER
    assert table_4["person-identification"].split.by is SplitBy.SPEAKERS
    assert table_4["accent-recognition"].episodes.sampling is Sampling.FREE
    assert table_4["accent-recognition"].split.by is SplitBy.RARE_ACCENTS
    assert [settings.episodes.sampling for settings in table_5.values()] == [Sampling.FREE, Sampling.WITHIN]
    assert [settings.model.extractor for settings in table_7.values()] == [
        "mean-fc", "lateral-inhibition", "glu", "glu",
    ]  # fmt: skip
    assert [settings.adversarial.enabled for settings in table_7.values()] == [False, False, False, True]
    assert (
        len({replace(each, name="", title="", model=NO_MODEL, adversarial=NO_DANN) for each in table_7.values()}) == 1
    )
    glu = table_7["main-paper"]
    assert len(glu.data.corpora) == 10
    assert (glu.episodes.shots, glu.episodes.queries, glu.training.learning_rate) == (5, 12, 1e-4)
    assert (glu.training.probing_epochs, glu.training.episodes_per_epoch, glu.training.accumulation) == (5, 1000, 20)
    assert "calm" in glu.episodes.left_out_labels


def test_no_training_sees_a_corpus_that_is_for_testing_alone() -> None:
    tested_only = {"emodb", "aesi", "aesdd", "emoro"}
    for number in TABLES:
        for settings in trainings_of(number).values():
            assert not tested_only & {*settings.data.corpora, *settings.data.validation}
            assert set(settings.data.corpora) <= set(CORPORA)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (experiment_text(MEASURE.replace("emodb", "emo-db")), "unknown corpus 'emo-db'"),
        (experiment_text(MEASURE.replace("steps = [0, 2]", "steps = []")), "steps is empty"),
        (experiment_text(MEASURE.replace("steps = [0, 2]", "steps = [-1, 2]")), "counts something below 1"),
        (experiment_text(MEASURE.replace("ways = 2", "ways = 1")), "needs 2 ways"),
        (experiment_text(MEASURE.replace("episodes = 3", "episodes = 0")), "1 episode at least"),
        (experiment_text(MEASURE.replace('cut = ["emodb"]', 'cut = ["emo-db"]')), "cuts 'emo-db'"),
        (experiment_text(MEASURE + '\nleft_out_labels = ["clam"]'), "leaves out the unknown 'clam'"),
        (experiment_text(MEASURE + '\nmethod = "magic"'), "no method 'magic'"),
        (experiment_text(MEASURE + "\ntest_share = 1.0"), "test_share is no share"),
        (experiment_text(MEASURE + '\nparts = ["train"]'), "parts cannot be 'train'"),
        (experiment_text(MEASURE + "\nlearning_rates = [1e-4, 1e-5]"), "no place for learning_rates"),
        (experiment_text(MEASURE + "\nsteeps = [1]"), "does not know 'steeps'"),
        (experiment_text(layout=LAYOUT.replace('["corpora"]', '["steps"]')), "one or two columns"),
        (experiment_text(layout=LAYOUT + '\nshown = ["resd"]'), "shows a corpus"),
        (experiment_text().replace('kind = "experiment"', 'kind = "episodic"'), "is no experiment"),
        ("kind = ", "is not TOML"),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_sentence(wrong: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(wrong)

    with pytest.raises(RecipeError) as raised:
        read_experiment(path)

    assert told in raised.value.message
    assert raised.value.hint


def test_a_published_table_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(experiment_text(layout=LAYOUT.replace("[93.92, nan, 83.32, 72.96]", "[93.92]")))

    with pytest.raises(RecipeError, match="not a table of 2 rows and 4 columns"):
        Layout(read_experiment(path), {"one": "One"})


def test_only_what_is_given_is_changed(experiment_file: Path) -> None:
    recipe = read_experiment(experiment_file)

    changed = with_changes(recipe, episodes=7, queries=None)

    assert (changed.measure.episodes, changed.measure.queries) == (7, recipe.measure.queries)
    assert math.isnan(changed.layout.paper[1][1])
