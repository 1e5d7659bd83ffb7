"""Figures that were measured before, so that a stopped experiment goes on where it was. No torch."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import RecipeError
from engine.evaluation.metrics import mean_ci95
from engine.metalearning.experiments.table import Figure


def figure_of(accuracies: Sequence[float]) -> Figure:
    """From the fractions of the episodes."""
    reach = mean_ci95(accuracies)
    return Figure(100 * float(np.mean(accuracies)), None if reach is None else 100 * reach)


class Measured:
    """A JSON file of figures by the digest of everything they depend on. Raises RecipeError if it is not ours."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, Any] = {}
        if path.is_file():
            try:
                self._kept = dict(json.loads(path.read_text(encoding="utf-8")).items())
                all(self._figures(key) for key in self._kept)
            except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
                raise RecipeError(f"{path} is damaged.", "Delete it; its figures are measured again.") from error

    def find(self, conditions: Mapping[str, Any]) -> dict[int, Figure] | None:
        """The figures by number of steps that were measured under `conditions` (JSON values)."""
        key = _digest(conditions)
        return self._figures(key) if key in self._kept else None

    def keep(self, conditions: Mapping[str, Any], figures: Mapping[int, Figure]) -> None:
        """Write them down, whole or not at all. Raises RecipeError if the file cannot be written."""
        shown = {str(steps): [figure.accuracy, figure.ci95] for steps, figure in figures.items()}
        self._kept[_digest(conditions)] = {"conditions": dict(conditions), "figures": shown}
        part = self._path.with_name(f".{self._path.name}")
        try:
            part.write_text(json.dumps(self._kept, indent=1), encoding="utf-8")
            part.replace(self._path)
        except OSError as error:
            raise RecipeError(f"{self._path} cannot be written ({error.strerror}).", "Choose another --out.") from error

    def _figures(self, key: str) -> dict[int, Figure]:
        figures = self._kept[key]["figures"]
        return {
            int(steps): Figure(float(mean), None if ci95 is None else float(ci95))
            for steps, (mean, ci95) in figures.items()
        }


def _digest(conditions: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(conditions, sort_keys=True).encode()).hexdigest()
