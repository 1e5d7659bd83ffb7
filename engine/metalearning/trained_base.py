"""What every training ends with: its base as a folder, with the card and the facts of how it was made."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.base_folder import Base, save_base
from engine.metalearning.model_card import Data, base_card, clip_counts
from engine.metalearning.recipe import RecipeSettings


@dataclass(frozen=True)
class Told:
    """Words of the card; facts: what else is kept of this training; notes: what a recipe says of its base."""

    summary: str
    failures: str
    figures: Mapping[str, str]
    facts: Mapping[str, str]
    notes: str = ""


def write_trained(
    base: Base, folder: Path, recipe: RecipeSettings, recipe_text: str, data: Data, told: Told, dtype: str = "float16"
) -> None:
    """Write `base` as `folder`. Raises BaseError."""
    card = base_card(
        name=base.name,
        summary=told.summary,
        licence=base.licence,
        data=data,
        figures=told.figures,
        notes=told.notes,
        failures=told.failures,
        recipe_text=recipe_text,
    )
    training = {
        **told.facts,
        "kind": recipe.kind,
        "recipe": recipe_text,
        "seed": recipe.seed,
        "corpora": clip_counts(data.train),
        "validation": clip_counts(data.validation),
        "figures": dict(told.figures),
    }
    save_base(base, folder, card, training, dtype=dtype)
