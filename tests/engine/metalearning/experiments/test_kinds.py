"""Tables of the published alternatives go through the same verb as those of the main paper."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.choices import Protocol
from engine.errors import RecipeError
from engine.metalearning.experiments import kinds
from engine.metalearning.experiments.run import Conditions, TableMade
from engine.metalearning.experiments.table import Table
from engine.metalearning.recipe import find_recipe, read_recipe
from engine.resources import resource

TABLES = sorted(path.stem for path in resource("recipes/systems").glob("*-table*.toml"))


@dataclass(frozen=True)
class FakeTableRecipe:
    kind: str
    clips: int


def fake_run(recipe: FakeTableRecipe, conditions: Conditions) -> Iterator[TableMade]:
    yield TableMade(Table(f"Fake of {recipe.clips}", f"{conditions.seed} in {conditions.beside}", "", (), ()))


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(kinds.SYSTEM_TABLES, "fake-table", kinds.KindOfTable("here:FakeTableRecipe", "here:fake_run"))
    monkeypatch.setattr(kinds, "import_place", lambda place: globals()[place.split(":")[1]])
    path = tmp_path / "fake.toml"
    path.write_text('kind = "fake-table"\nclips = 3\n')
    return path


def test_a_table_of_another_system_is_run_by_its_own_function(recipe: Path, tmp_path: Path) -> None:
    (made,) = kinds.run_table(recipe, Conditions(tmp_path, tmp_path, seed=4))
    assert isinstance(made, TableMade)
    assert (made.table.name, made.table.title) == ("Fake of 3", f"4 in {recipe.parent}")


@pytest.mark.parametrize(("option", "given"), [("--episodes", {"episodes": 5}), ("--queries", {"queries": 5})])
def test_options_of_the_main_papers_tables_are_refused_in_words(
    recipe: Path, tmp_path: Path, option: str, given: dict[str, int]
) -> None:
    with pytest.raises(RecipeError, match=f"{option} goes with the main paper's tables"):
        list(kinds.run_table(recipe, Conditions(tmp_path, tmp_path), **given))


def test_a_protocol_that_a_table_has_not_is_refused(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="--protocol goes with the main paper's tables"):
        list(kinds.run_table(recipe, Conditions(tmp_path, tmp_path, protocol=Protocol.NEW_SPEAKERS)))


def test_what_is_no_table_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "none.toml").write_text("kind = 3\n")
    for name, words in (("none.toml", "is no experiment"), ("absent.toml", "cannot be read")):
        with pytest.raises(RecipeError, match=words):
            list(kinds.run_table(tmp_path / name, Conditions(tmp_path, tmp_path)))


@pytest.mark.parametrize("name", TABLES)
def test_each_bundled_table_can_be_read_and_is_no_training(name: str) -> None:
    path = find_recipe(name)
    assert kinds.table_recipe(path) is not None
    with pytest.raises(RecipeError, match="is a table of a paper"):
        read_recipe(path)


def test_there_are_tables_of_all_three() -> None:
    assert {name.split("-table")[0] for name in TABLES} == {"hgfm", "multigate", "fmaml"}
