"""Train a base from a recipe, whatever its kind: a run folder that can be left and taken up again at any time.

run folder/recipe.toml     the recipe that it belongs to
           log.csv, tensorboard/, checkpoint/    of the training, where its kind keeps them
           base/           the result, there only when it is whole
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from engine.base_folder import is_base_folder
from engine.errors import RecipeError
from engine.late_import import import_place
from engine.metalearning.events import Trained, TrainingEvent
from engine.metalearning.processes import is_main_process, was_launched
from engine.metalearning.recipe import KINDS, Recipe, find_recipe, read_recipe

BASE_FOLDER = "base"
_RECIPE = "recipe.toml"


def train_base(recipe: str, corpora_root: Path, run_folder: Path, *, device: str = "auto") -> Iterator[TrainingEvent]:
    """Train by the recipe of that path or bundled name; the last event is `Trained`.

    Started again with the same recipe and run folder it goes on where it was, and a finished run says so at
    once. Raises RecipeError, CorpusError, BaseError, DeviceError.
    """
    yield from train_recipe(read_recipe(find_recipe(recipe)), corpora_root, run_folder, device=device)


def train_recipe(
    recipe: Recipe, corpora_root: Path, run_folder: Path, *, device: str = "auto"
) -> Iterator[TrainingEvent]:
    """The same for a recipe that was read, or made; its text says which run the folder belongs to."""
    if not corpora_root.is_dir():
        raise RecipeError(f"There is no folder {corpora_root}.", "Give the folder that holds one folder a corpus.")
    kind = KINDS[recipe.settings.kind]
    if was_launched() and not kind.shared:
        raise RecipeError(f"A {recipe.settings.kind} training is one process's work.", "Start it without a launcher.")
    if is_main_process():
        _claim(run_folder, recipe.text)
    if is_base_folder(run_folder / BASE_FOLDER):
        yield Trained(run_folder / BASE_FOLDER)
        return
    train = import_place(kind.train)
    yield from train(recipe.settings, corpora_root, run_folder, device=device, recipe_text=recipe.text)


def _claim(run_folder: Path, text: str) -> None:
    """Make the run folder this recipe's, or see that it is."""
    kept = run_folder / _RECIPE
    try:
        if kept.is_file():
            if _mean_the_same(kept.read_text(encoding="utf-8"), text):
                return
            if set(run_folder.iterdir()) - {kept}:
                raise RecipeError(f"{run_folder} holds a run of another recipe.", "Choose a new folder for --out.")
            kept.unlink()  # that run was refused before it made anything
        part = kept.with_name(f".{_RECIPE}")  # all there is of a run that was killed at this very place
        if run_folder.exists() and (not run_folder.is_dir() or set(run_folder.iterdir()) - {part}):
            raise RecipeError(f"{run_folder} is not empty.", "Choose a new folder for --out.")
        run_folder.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(kept)
    except OSError as error:
        raise RecipeError(f"{run_folder} cannot be written.", "Choose another folder for --out.") from error


def _mean_the_same(kept: str, text: str) -> bool:
    """Whether two recipes differ in no more than their comments."""
    try:
        return kept == text or tomllib.loads(kept) == tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
