"""From settings to the cells of a table: rows, blocks of columns, averages over corpora. No torch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from engine.errors import RecipeError
from engine.metalearning.corpora import CORPORA
from engine.metalearning.experiments.recipe import Dimension, ExperimentRecipe, Part
from engine.metalearning.experiments.table import Block, Cell, Figure, Table

_AVERAGE = ""  # stands where the name of a corpus would
_CORNERS = {
    Dimension.TRAINING: "training",
    Dimension.CORPUS: "corpus",
    Dimension.PART: "part",
    Dimension.SHOTS: "shots",
    Dimension.STEPS: "steps",
    Dimension.LEARNING_RATE: "learning rate",
    Dimension.INNER_SUPPORT: "inner support",
}


@dataclass(frozen=True)
class Setting:
    """What one cell is measured with; the fields are the `Dimension`s."""

    trainings: str
    corpora: str
    parts: Part
    shots: int
    steps: int
    learning_rates: float
    inner_support: int


Figures = Mapping[Setting, Figure]


def all_settings(recipe: ExperimentRecipe) -> list[Setting]:
    """Every combination that the recipe names, in its order."""
    lists: list[tuple[Any, ...]] = [getattr(recipe.measure, dimension) for dimension in Dimension]
    names = [dimension.value for dimension in Dimension]
    return [Setting(**dict(zip(names, values, strict=True))) for values in product(*lists)]


class Layout:
    """Makes tables of `recipe`. `titles` names its trainings. Raises RecipeError if `paper` has another shape."""

    def __init__(self, recipe: ExperimentRecipe, titles: Mapping[str, str]) -> None:
        self._recipe = recipe
        self._titles = titles
        self._rows = self._places(recipe.layout.rows)
        *outer, self._inner = recipe.layout.columns
        self._outer = outer[0] if outer else None
        self._headings = self._places(self._outer) if self._outer else [None]
        self._columns = self._places(self._inner)
        width = len(self._headings) * len(self._columns)
        paper = recipe.layout.paper
        if len(paper) != len(self._rows) or any(len(row) != width for row in paper):
            raise RecipeError(
                f"[layout]: paper is not a table of {len(self._rows)} rows and {width} columns.",
                "Write nan where it has no figure.",
            )
        self._unpublished = {
            self._setting(row, heading, column)
            for row, published in zip(self._rows, paper, strict=True)
            for (heading, column), figure in zip(product(self._headings, self._columns), published, strict=True)
            if math.isnan(figure)
        }

    def fill(self, figures: Figures, notes: Sequence[str] = ()) -> Table:
        """The table of what was measured; settings without a figure give empty cells."""
        layout = self._recipe.layout
        blocks = []
        for number, heading in enumerate(self._headings):
            start = number * len(self._columns)
            cells = tuple(
                tuple(
                    self._cell(figures, self._setting(row, heading, column), published)
                    for column, published in zip(self._columns, published_row[start:], strict=False)
                )
                for row, published_row in zip(self._rows, layout.paper, strict=True)
            )
            names = tuple(self._name(self._inner, column, figures) for column in self._columns)
            title = f"{self._name(self._outer, heading, figures)}" if self._outer else ""
            blocks.append(Block(title, names, cells))
        rows = tuple(self._name(layout.rows, row, figures) for row in self._rows)
        name = f"Table {self._recipe.table}"
        return Table(name, self._recipe.title, _CORNERS[layout.rows], rows, tuple(blocks), tuple(notes))

    def _places(self, dimension: Dimension) -> list[Any]:
        values: list[Any] = list(getattr(self._recipe.measure, dimension))
        if dimension is not Dimension.CORPUS:
            return values
        shown = self._recipe.layout.shown or values
        return [value for value in values if value in shown] + [_AVERAGE] * bool(self._recipe.layout.average)

    def _setting(self, row: Any, heading: Any, column: Any) -> Setting:
        """That of one place; an average has the corpus `_AVERAGE`."""
        at = {self._recipe.layout.rows: row, self._outer: heading, self._inner: column}
        return Setting(**{each.value: at.get(each, getattr(self._recipe.measure, each)[0]) for each in Dimension})

    def _cell(self, figures: Figures, setting: Setting, published: float) -> Cell:
        paper = None if math.isnan(published) else published
        if setting.corpora != _AVERAGE:
            return Cell(figures.get(setting), paper)
        settings = [replace(setting, corpora=name) for name in self._recipe.measure.corpora]
        settings = [each for each in settings if each not in self._unpublished]
        there = [figures[each] for each in settings if each in figures]
        if not there:
            return Cell(None, paper)
        mean = sum(figure.accuracy for figure in there) / len(there)
        reaches = [figure.ci95 for figure in there if figure.ci95 is not None]
        ci95 = math.sqrt(sum(reach**2 for reach in reaches)) / len(there) if len(reaches) == len(there) else None
        # the paper's average is over all of them: beside that over fewer it would compare what is not the same
        return Cell(Figure(mean, ci95), paper if len(there) == len(settings) else None)

    def _name(self, dimension: Dimension | None, value: Any, figures: Figures) -> str:
        match dimension:
            case Dimension.CORPUS if value == _AVERAGE:
                count = len({setting.corpora for setting in figures})
                total = len(self._recipe.measure.corpora)
                return self._recipe.layout.average + (f" ({count} of {total})" if 0 < count < total else "")
            case Dimension.CORPUS:
                info = CORPORA[value]
                return f"{info.title} ({info.language})"
            case Dimension.TRAINING:
                return self._titles[value]
            case Dimension.SHOTS:
                return f"{self._recipe.measure.ways}-way {value}-shot"
            case Dimension.LEARNING_RATE:
                return f"{value:.0e}"
            case _:
                return str(value)
