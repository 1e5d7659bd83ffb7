"""The kinds of experiments: those of the main paper, and the tables of the published alternatives. No torch here."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from engine.choices import Protocol
from engine.errors import RecipeError
from engine.late_import import import_place
from engine.metalearning.experiments.recipe import read_experiment, with_changes
from engine.metalearning.experiments.run import Conditions, ExperimentEvent, run_experiment
from engine.metalearning.toml_table import read_table, read_toml


class KindOfTable(NamedTuple):
    """Where a kind's recipe class and its `run(recipe, conditions)` are, as "module:name"."""

    recipe: str
    run: str


SYSTEM_TABLES: dict[str, KindOfTable] = {
    f"{name}-table": KindOfTable(f"engine.systems.{name}.recipe:{recipe}", f"engine.systems.{name}.experiment:run")
    for name, recipe in (
        ("hgfm", "HgfmTableRecipe"),
        ("multigate", "MultiGateTableRecipe"),
        ("fmaml", "FmamlTableRecipe"),
    )
}


def run_table(
    path: Path, conditions: Conditions, *, episodes: int | None = None, queries: int | None = None
) -> Iterator[ExperimentEvent]:
    """Run the experiment whose recipe is `path`, whatever its kind; the last event is `TableMade`.

    episodes, queries: in place of the recipe's, for tables of the main paper. Raises RecipeError and what the kind's
    own run raises.
    """
    conditions = replace(conditions, beside=path.parent)
    recipe = table_recipe(path)
    if recipe is None:
        main = with_changes(read_experiment(path), episodes=episodes, queries=queries)
        yield from run_experiment(main, conditions)
        return
    protocol = conditions.protocol if conditions.protocol is not Protocol.RANDOM else None
    options = {"--episodes": episodes, "--queries": queries, "--start": conditions.start, "--protocol": protocol}
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise RecipeError(
            f"{', '.join(given)} goes with the main paper's tables, and {path.stem} is another's.",
            "Copy its recipe and change the numbers there.",
        )
    yield from import_place(SYSTEM_TABLES[recipe.kind].run)(recipe, conditions)


def table_recipe(path: Path) -> Any | None:
    """What the file says, if it is a table of a published alternative; else None. Raises RecipeError."""
    _, values = read_toml(path)
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in SYSTEM_TABLES:
        return None
    return read_table(import_place(SYSTEM_TABLES[kind].recipe), values, path.name)
