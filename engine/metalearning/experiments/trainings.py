"""The meta-trainings that an experiment needs, fitted to the corpora that are at hand. No torch."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import RecipeError
from engine.metalearning.episodic_recipe import EpisodicRecipe
from engine.metalearning.recipe import BaseSection, Recipe, find_recipe, read_recipe


@dataclass(frozen=True)
class Training:
    """A recipe of meta-training, as published."""

    name: str
    recipe: Recipe
    settings: EpisodicRecipe

    @property
    def title(self) -> str:
        return self.settings.title or self.name

    def absent(self, corpora_root: Path) -> tuple[str, ...]:
        """The corpora to train on that have no folder."""
        return tuple(name for name in self.settings.data.corpora if not (corpora_root / name).is_dir())

    def fitted(self, corpora_root: Path, start: str | None) -> Recipe | None:
        """The recipe without the corpora that are absent, and starting from `start`, if that is given.

        None if there is nothing to train on. The text tells what was changed.
        """
        absent = self.absent(corpora_root)
        settings = self.settings
        there = tuple(name for name in settings.data.corpora if name not in absent)
        if not there:
            return None
        told = []
        if absent:
            told.append(f"# Here without {', '.join(absent)}.")
            validation = tuple(name for name in settings.data.validation if (corpora_root / name).is_dir())
            settings = replace(settings, data=replace(settings.data, corpora=there, validation=validation))
        if len(there) < 2 and settings.adversarial.enabled:
            return None  # a single corpus cannot be told from another
        if start is not None:
            told.append(f"# Here from {start}.")
            settings = replace(settings, base=BaseSection(start))
        return Recipe("\n".join([*told, self.recipe.text]), settings)

    def run_folder(self, fitted: Recipe) -> str:
        """The name of its run folder: another one for other corpora or another start, so that none is in the way."""
        if fitted.text == self.recipe.text:
            return self.name
        return f"{self.name}-{zlib.crc32(fitted.text.encode()):08x}"


def read_trainings(names: Sequence[str], beside: Path | None) -> Mapping[str, Training]:
    """The episodic recipes of these names: files in the folder `beside`, or bundled. Raises RecipeError."""
    trainings = {}
    for name in names:
        recipe = read_recipe(find_recipe(name, beside))
        if not isinstance(recipe.settings, EpisodicRecipe):
            raise RecipeError(f"The recipe '{name}' is no meta-training.", 'An experiment needs kind = "episodic".')
        trainings[name] = Training(name, recipe, recipe.settings)
    return trainings
