"""A recipe: everything that decides how a base is trained, in one TOML file.

    kind = "episodic"            which training; the other keys are those of its recipe class
    name = "my-base"
    seed = 0
    [data]
    corpora = ["nemo", "ravdess"]
    validation = ["emodb"]
    [base]
    start = "compact-encoder"

A training of another kind is added with a line in `KINDS`: a frozen dataclass to read the file into, and a
function `train(recipe, corpora_root, run_folder, *, device, recipe_text)` that yields `TrainingEvent`s. No torch here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engine.errors import RecipeError
from engine.late_import import import_place
from engine.metalearning.toml_table import read_table, read_toml
from engine.resources import resource


@dataclass(frozen=True)
class KindOfTraining:
    """Where a kind's recipe class and train function are, as "module:name"; imported when they are needed.

    shared: whether the processes of a launcher can share the work out.
    """

    recipe: str
    train: str
    shared: bool = False


KINDS: dict[str, KindOfTraining] = {
    "closed-form": KindOfTraining(
        "engine.metalearning.supervised.recipe:ClosedFormRecipe", "engine.metalearning.supervised.train:train_compact"
    ),
    "supervised": KindOfTraining(
        "engine.metalearning.supervised.recipe:SupervisedRecipe", "engine.metalearning.supervised.train:train_compact"
    ),
    "episodic": KindOfTraining(
        "engine.metalearning.episodic_recipe:EpisodicRecipe", "engine.metalearning.episodic:train_episodic", shared=True
    ),
    "hgfm": KindOfTraining("engine.systems.hgfm.recipe:HgfmRecipe", "engine.systems.hgfm.train:train"),
    "multigate": KindOfTraining(
        "engine.systems.multigate.recipe:MultiGateRecipe", "engine.systems.multigate.train:train"
    ),
    "fmaml": KindOfTraining("engine.systems.fmaml.recipe:FmamlRecipe", "engine.systems.fmaml.train:train"),
}


@dataclass(frozen=True)
class DataSection:
    """[data]: names of corpora (`engine.metalearning.corpora`), to train on and to validate on."""

    corpora: tuple[str, ...]
    validation: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.corpora:
            raise RecipeError("[data] names no corpus to train on.", 'Write corpora = ["ravdess"].')
        for names in (self.corpora, self.validation):
            if len(set(names)) < len(names):
                raise RecipeError("[data] names a corpus twice.", "Name each corpus once.")
        both = sorted(set(self.corpora) & set(self.validation))
        if both:
            raise RecipeError(
                f"[data] trains and validates on {', '.join(both)}.", "Name each corpus under one of the two."
            )


@dataclass(frozen=True)
class BaseSection:
    """[base]: the encoder that training starts from.

    compact-encoder or compact-encoder-deep (bundled), the name of a model in the store, hf:FOLDER-OR-ID, or the folder
    of a base.
    """

    start: str = "compact-encoder"


def check_start(seed: int, read_layers: Sequence[int]) -> None:
    """RecipeError unless a training can draw from `seed`, and an encoder be read at these layers."""
    if seed < 0:
        raise RecipeError("The seed is below 0.", "Use 0 or more.")
    if any(layer < 1 for layer in read_layers):
        raise RecipeError("read_layers names a layer below 1.", "Count the layers from 1.")


class RecipeSettings(Protocol):
    """What every kind's recipe class has."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class Recipe:
    """A recipe that was read: its file's text, and the settings in it."""

    text: str
    settings: RecipeSettings


def find_recipe(name: str, beside: Path | None = None) -> Path:
    """The file `name`, or the bundled recipe of that name (with or without .toml). Raises RecipeError.

    beside: a folder where it is looked for first: that of the recipe which names this one.
    """
    near = [beside / name, beside / f"{name}.toml"] if beside is not None else []
    for path in (*near, Path(name)):
        if path.is_file():
            return path
    bundled = {path.stem: path for path in sorted(resource("recipes").rglob("*.toml"))}
    stem = name.removesuffix(".toml")
    if stem not in bundled:
        raise RecipeError(f"There is no recipe '{name}'.", f"Give a file, or one of: {', '.join(bundled)}.")
    return bundled[stem]


def read_recipe(path: Path) -> Recipe:
    """Read a recipe file. RecipeError, in one sentence, on anything unknown or out of range."""
    text, values = read_toml(path)
    return Recipe(text, parse_recipe(values, path.name))


def parse_recipe(values: dict[str, Any], where: str) -> RecipeSettings:
    """The settings that TOML `values` describe. RecipeError."""
    kind = values.get("kind")
    if kind == "experiment" or str(kind).endswith("-table"):
        raise RecipeError(f"{where} is a table of a paper, no base to train.", "Give it to `serstudio experiment`.")
    if not isinstance(kind, str) or kind not in KINDS:
        told = f"is of no known kind ({kind!r})" if kind is not None else "does not say its kind"
        raise RecipeError(f"The recipe {where} {told}.", f"Write kind = one of {', '.join(KINDS)}.")
    settings: RecipeSettings = read_table(import_place(KINDS[kind].recipe), values, where)
    if not re.fullmatch(r"\w[\w.-]*", settings.name):
        raise RecipeError(f"'{settings.name}' cannot be the name of a base.", "Use letters, digits, - and _.")
    return settings
