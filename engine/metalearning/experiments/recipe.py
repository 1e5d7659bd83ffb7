"""The recipe of an experiment: which settings are measured, and how they are laid out as a table. No torch.

kind = "experiment"
table = 10
title = "Test accuracy with the best fine-tuning"
[measure]      # every combination of these lists is measured
trainings = ["main-paper"]
corpora = ["emodb", "aesi"]
steps = [0, 25]
[layout]       # which of the lists go down and which across
rows = "steps"
columns = ["corpora"]
paper = [[92.86, 49.41], [93.92, 58.30]]    # the published table, nan where it has no figure
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.choices import TRAINED, TUNING_METHODS
from engine.errors import RecipeError
from engine.metalearning.corpora import CORPORA, EMOTIONS
from engine.metalearning.toml_table import read_table, read_toml

KIND = "experiment"


class Part(StrEnum):
    """Which clips of a corpus are measured (main paper, section 4.5)."""

    VALIDATION = "validation"
    TEST = "test"


class Dimension(StrEnum):
    """What can vary over a table; the values are the names of the lists in [measure]."""

    TRAINING = "trainings"
    CORPUS = "corpora"
    PART = "parts"
    SHOTS = "shots"
    STEPS = "steps"
    LEARNING_RATE = "learning_rates"
    INNER_SUPPORT = "inner_support"


@dataclass(frozen=True)
class MeasureSection:
    """[measure]: what is measured.

    trainings: recipes of meta-training, by name. method: disjoint or pmf, and trained: what it tunes; they matter where
    there are steps.
    inner_support: clips a label of the inner support in each step (disjoint only). cut: corpora that are not trained
    on and are cut in a validation and a test part, `test_share` of each label; corpora that are neither cut nor
    trained on are all test. left_out_labels: emotions that are not drawn.
    """

    corpora: tuple[str, ...]
    trainings: tuple[str, ...]
    parts: tuple[Part, ...] = (Part.TEST,)
    shots: tuple[int, ...] = (5,)
    steps: tuple[int, ...] = (0,)
    learning_rates: tuple[float, ...] = (1e-5,)
    inner_support: tuple[int, ...] = (2,)
    method: str = TUNING_METHODS[0]
    trained: str = TRAINED[0]
    cut: tuple[str, ...] = ()
    test_share: float = 0.5
    left_out_labels: tuple[str, ...] = ()
    ways: int = 4
    queries: int = 15
    episodes: int = 600

    def __post_init__(self) -> None:
        unknown = [name for name in self.corpora if name not in CORPORA]
        if unknown:
            raise RecipeError(f"[measure] names the unknown corpus '{unknown[0]}'.", f"Known: {', '.join(CORPORA)}.")
        unknown = [name for name in self.cut if name not in self.corpora]
        if unknown:
            raise RecipeError(f"[measure] cuts '{unknown[0]}', which it does not measure.", "Name it in corpora too.")
        unknown = [label for label in self.left_out_labels if label not in EMOTIONS]
        if unknown:
            raise RecipeError(f"[measure] leaves out the unknown '{unknown[0]}'.", f"Known: {', '.join(EMOTIONS)}.")
        empty = [dimension.value for dimension in Dimension if not getattr(self, dimension)]
        if empty:
            raise RecipeError(f"[measure]: {empty[0]} is empty.", "Name one at least.")
        if self.method not in TUNING_METHODS:
            raise RecipeError(f"[measure] has no method '{self.method}'.", f"Use {' or '.join(TUNING_METHODS)}.")
        if self.trained not in TRAINED:
            raise RecipeError(f"[measure] cannot tune '{self.trained}'.", f"Use one of {', '.join(TRAINED)}.")
        if min(self.shots) < 1 or min(self.steps) < 0 or min(self.learning_rates) <= 0 or min(self.inner_support) < 1:
            raise RecipeError("[measure] counts something below 1.", "Use positive numbers; steps may be 0.")
        if self.ways < 2 or min(self.queries, self.episodes) < 1:
            raise RecipeError("[measure] needs 2 ways, 1 query and 1 episode at least.", "Use larger numbers.")
        if not 0 < self.test_share < 1:
            raise RecipeError("[measure]: test_share is no share.", "Use a number between 0 and 1.")


@dataclass(frozen=True)
class LayoutSection:
    """[layout]: with two columns dimensions the first makes blocks. `average` names the mean over the corpora, which
    comes last; `shown` are the corpora that have a place of their own (empty: all). `paper` has a list a row.
    """

    rows: Dimension
    columns: tuple[Dimension, ...]
    paper: tuple[tuple[float, ...], ...]
    average: str = ""
    shown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.columns) not in (1, 2) or len({self.rows, *self.columns}) != 1 + len(self.columns):
            raise RecipeError("[layout] needs one or two columns, other than its rows.", 'Try columns = ["corpora"].')


@dataclass(frozen=True)
class ExperimentRecipe:
    """One table of the paper."""

    kind: str
    table: int
    title: str
    measure: MeasureSection
    layout: LayoutSection

    def __post_init__(self) -> None:
        laid_out = {self.layout.rows, *self.layout.columns}
        for dimension in Dimension:
            if len(getattr(self.measure, dimension)) > 1 and dimension not in laid_out:
                raise RecipeError(f"[layout] has no place for {dimension.value}.", "Give one value, or lay it out.")
        if self.layout.average and Dimension.CORPUS not in laid_out:
            raise RecipeError("[layout] averages over corpora that it does not lay out.", "Leave average out.")
        if not set(self.layout.shown) <= set(self.measure.corpora):
            raise RecipeError("[layout] shows a corpus that [measure] does not name.", "Name it in both.")


def read_experiment(path: Path) -> ExperimentRecipe:
    """Read an experiment's recipe. RecipeError, in one sentence, on anything unknown or out of range."""
    _, values = read_toml(path)
    if values.get("kind") != KIND:
        raise RecipeError(
            f"{path.name} is no experiment.", "Those are table4 to table10; train a base with `serstudio metatrain`."
        )
    return read_table(ExperimentRecipe, values, path.name)


def with_changes(recipe: ExperimentRecipe, **changes: Any) -> ExperimentRecipe:
    """The recipe with other values in [measure], where they are given (not None)."""
    measure = {each.name: getattr(recipe.measure, each.name) for each in fields(recipe.measure)}
    given = {name: value for name, value in changes.items() if value is not None}
    return ExperimentRecipe(recipe.kind, recipe.table, recipe.title, MeasureSection(**(measure | given)), recipe.layout)
