import dataclasses
import math
import tomllib
from pathlib import Path

import pytest

from engine.choices import Protocol
from engine.errors import BaseError, CorpusError, RecipeError
from engine.metalearning.events import TrainingProgress, TrainingRemark
from engine.metalearning.experiments.run import Conditions, TableMade
from engine.metalearning.experiments.table import Table
from engine.metalearning.recipe import find_recipe
from engine.metalearning.toml_table import read_table
from engine.systems.fmaml.experiment import run
from engine.systems.fmaml.recipe import FmamlTableRecipe
from tests.engine.systems.fmaml.conftest import tiny_recipe


@pytest.fixture
def recipe(tmp_path: Path) -> FmamlTableRecipe:
    training = tmp_path / "training.toml"
    training.write_text(tiny_recipe())
    paper = ((math.nan, 16.57), (math.nan, 71.15), (math.nan, 74.55))
    return FmamlTableRecipe("fmaml-table", 3, "title", training.stem, ("emodb", "ravdess"), paper, 2, 5, 3, 0.5, 4)


def table_of(recipe: FmamlTableRecipe, conditions: Conditions) -> tuple[list[object], Table]:
    *events, made = run(recipe, conditions)
    assert isinstance(made, TableMade)
    return events, made.table


def test_every_cell_is_measured_and_the_papers_stand_beside(
    recipe: FmamlTableRecipe, speech_root: Path, tmp_path: Path
) -> None:
    conditions = Conditions(speech_root, tmp_path / "out", device="cpu", beside=tmp_path)
    events, table = table_of(recipe, conditions)
    assert (table.name, table.rows) == ("F-MAML, table 3", ("Supervised", "MAML", "F-MAML"))
    (block,) = table.blocks
    assert block.columns == ("German: EmoDB", "English: RAVDESS")
    cells = [cell for row in block.cells for cell in row]
    assert all(0 <= cell.measured.accuracy <= 100 for cell in cells)
    assert [cell.paper for cell in cells] == [None, 16.57, None, 71.15, None, 74.55]
    notes = " ".join(table.notes)
    for told in ("EmoFilm", "silence and neutral", "3 tests a cell, 2 shots", "emotions' clips alone"):
        assert told in notes
    trained = sorted(path.name.split("-")[0] for path in (tmp_path / "out").iterdir() if (path / "base").is_dir())
    assert trained == ["f", "f", "maml", "maml"], "once without RAVDESS and once with it, each method"
    again, second = table_of(recipe, conditions)
    assert second == table
    assert not [event for event in again if isinstance(event, TrainingProgress) and event.steps]
    assert [event for event in events if isinstance(event, TrainingProgress) and event.steps]


def test_a_base_that_is_given_is_measured_in_place_of_a_training(
    recipe: FmamlTableRecipe, speech_root: Path, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(recipe, targets=("ravdess",), paper=((1.0,), (2.0,), (3.0,)))
    conditions = Conditions(speech_root, tmp_path / "out", device="cpu", beside=tmp_path)
    table_of(recipe, conditions)
    (base,) = (tmp_path / "out").glob("f-maml-*/base")
    events, table = table_of(recipe, dataclasses.replace(conditions, base=str(base), protocol=Protocol.NEW_SPEAKERS))
    assert any("speakers at random" in event.message for event in events if isinstance(event, TrainingRemark))
    assert any(f"F-MAML is the base {base}" in note for note in table.notes)
    with pytest.raises(BaseError, match="not an F-MAML of this table"):
        table_of(recipe, dataclasses.replace(conditions, base="compact"))


def test_what_is_not_there_stays_empty_and_is_told(recipe: FmamlTableRecipe, speech_root: Path, tmp_path: Path) -> None:
    recipe = dataclasses.replace(recipe, targets=("emovo", "emodb"))
    events, table = table_of(recipe, Conditions(speech_root, tmp_path / "out", device="cpu", beside=tmp_path))
    assert [row[0].measured for row in table.blocks[0].cells] == [None] * 3
    assert any("EMOVO" in event.message for event in events if isinstance(event, TrainingRemark))
    nothing = dataclasses.replace(recipe, targets=("emovo", "turev-db"))
    with pytest.raises(CorpusError, match="nothing to measure"):
        list(run(nothing, Conditions(speech_root, tmp_path / "out", device="cpu", beside=tmp_path)))


@pytest.mark.parametrize(("number", "shots", "italian"), [(2, 5, 68.85), (3, 10, 74.55), (4, 20, 80.15)])
def test_the_bundled_tables_are_the_papers(number: int, shots: int, italian: float) -> None:
    values = tomllib.loads(find_recipe(f"fmaml-table{number}").read_text())
    recipe = read_table(FmamlTableRecipe, values, "table")
    assert (recipe.table, recipe.shots, recipe.tests, recipe.queries) == (number, shots, 100, 25)
    assert recipe.paper[2][recipe.targets.index("emovo")] == italian


@pytest.mark.parametrize(
    "change", [{"targets": ("nemesis",) * 3}, {"targets": ()}, {"tests": 0}, {"paper": ((1.0, 2.0),)}]
)
def test_tables_that_make_no_sense_are_refused(recipe: FmamlTableRecipe, change: dict[str, object]) -> None:
    with pytest.raises(RecipeError):
        dataclasses.replace(recipe, **change)
