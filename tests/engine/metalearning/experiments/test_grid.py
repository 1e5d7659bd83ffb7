"""From figures to a table: places, blocks, averages."""

from pathlib import Path

import pytest

from engine.metalearning.experiments.grid import Layout, all_settings
from engine.metalearning.experiments.recipe import Part, read_experiment
from engine.metalearning.experiments.table import Figure
from engine.metalearning.recipe import find_recipe


def test_every_figure_is_in_the_place_of_its_setting() -> None:
    recipe = read_experiment(find_recipe("table9"))
    settings = all_settings(recipe)
    figures = {setting: Figure(float(index), 1.0) for index, setting in enumerate(settings)}

    table = Layout(recipe, {"main-paper": "GLU"}).fill(figures, ["a note"])

    assert (table.name, table.corner, table.notes) == ("Table 9", "steps", ("a note",))
    assert table.rows == ("1", "3", "5", "10", "15", "20", "25")
    assert [(block.heading, block.columns) for block in table.blocks] == [
        ("EmoDB (de)", ("1", "2", "3", "4")),
        ("AESI (el)", ("1", "2", "3", "4")),
    ]
    at = {(setting.corpora, setting.steps, setting.inner_support): figures[setting] for setting in settings}
    for block, corpus in zip(table.blocks, ("emodb", "aesi"), strict=True):
        for row, cells in zip(table.rows, block.cells, strict=True):
            assert [cell.measured for cell in cells] == [at[corpus, int(row), size] for size in (1, 2, 3, 4)]


def test_an_average_over_fewer_corpora_says_so_and_has_no_figure_of_the_papers() -> None:
    recipe = read_experiment(find_recipe("table10"))
    some = {
        setting: Figure(80.0 if setting.corpora == "emodb" else 60.0, 3.0 if setting.corpora == "emodb" else 4.0)
        for setting in all_settings(recipe)
        if setting.corpora in ("emodb", "aesdd")
    }

    block = Layout(recipe, {"main-paper": "GLU"}).fill(some).blocks[0]

    assert block.columns == ("EmoDB (de)", "AESI (el)", "AESDD (el)", "EmoRO (ro)", "Avg. (2 of 4)")
    average = block.cells[0][-1]
    assert average.measured == Figure(70.0, pytest.approx(2.5))
    assert average.paper is None
    assert (block.cells[0][1].measured, block.cells[0][1].paper) == (None, 49.41)


def test_an_average_over_all_corpora_stands_beside_the_papers() -> None:
    recipe = read_experiment(find_recipe("table10"))
    figures = {setting: Figure(80.0, 1.0) for setting in all_settings(recipe)}

    block = Layout(recipe, {"main-paper": "GLU"}).fill(figures).blocks[0]

    assert block.columns[-1] == "Avg."
    assert (block.cells[-1][-1].measured, block.cells[-1][-1].paper) == (Figure(80.0, 0.5), 72.96)


def test_an_average_with_a_figure_without_an_interval_has_none() -> None:
    recipe = read_experiment(find_recipe("table10"))
    figures = {s: Figure(80.0, None if s.corpora == "emodb" else 1.0) for s in all_settings(recipe)}
    block = Layout(recipe, {"main-paper": "GLU"}).fill(figures).blocks[0]
    assert block.cells[-1][-1].measured == Figure(80.0, None)


def test_an_average_is_over_the_corpora_that_the_paper_has_there() -> None:
    recipe = read_experiment(find_recipe("table6"))
    measured = {
        setting: Figure(80.0, 1.0)
        for setting in all_settings(recipe)
        if setting.parts is Part.TEST or setting.corpora not in ("aesdd", "emoro")  # nothing of these to validate on
    }

    block = Layout(recipe, {"main-paper": "GLU"}).fill(measured).blocks[0]

    assert [cell.paper for cell in block.cells[-1]] == [76.35, 74.34]
    assert [cell.measured.accuracy for cell in block.cells[-1]] == [80.0, 80.0]


def test_corpora_that_are_not_shown_count_for_the_mean() -> None:
    recipe = read_experiment(find_recipe("table7"))
    figures = {
        setting: Figure(50.0 if setting.corpora in ("aesi", "emodb") else 100.0, 1.0)
        for setting in all_settings(recipe)
    }
    names = dict.fromkeys(recipe.measure.trainings, "x")

    block = Layout(recipe, names).fill(figures).blocks[0]

    assert block.columns == ("AESI (el)", "EmoDB (de)", "Mean")
    assert block.cells[0][2].measured.accuracy == pytest.approx((2 * 50 + 10 * 100) / 12)


def test_an_experiment_of_ones_own(experiment_file: Path) -> None:
    table = Layout(read_experiment(experiment_file), {"one": "One"}).fill({})

    assert table.rows == ("0", "2")
    assert [cell.paper for cell in table.blocks[0].cells[1]] == [93.92, None, 83.32, 72.96]
    assert all(cell.measured is None for row in table.blocks[0].cells for cell in row)
