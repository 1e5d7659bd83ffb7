"""Measuring the cells of a table: those that differ in the number of steps alone are measured in one run."""

import hashlib
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.adaptation.settings import AdaptationSettings
from engine.bases import Base
from engine.choices import TRAINED, Protocol
from engine.errors import ManifestError
from engine.metalearning.corpora import CORPORA, CorpusClip
from engine.metalearning.events import TrainingProgress, TrainingRemark
from engine.metalearning.experiments.grid import Setting, all_settings
from engine.metalearning.experiments.measured import Measured, figure_of
from engine.metalearning.experiments.parts import sampler_of
from engine.metalearning.experiments.recipe import Dimension, ExperimentRecipe
from engine.metalearning.experiments.table import Figure
from engine.metalearning.experiments.trajectory import Trajectory


@dataclass(frozen=True)
class Group:
    """Settings that differ in `steps` alone, in ascending order, and the clips that they are measured on."""

    settings: tuple[Setting, ...]
    clips: tuple[CorpusClip, ...]

    @property
    def first(self) -> Setting:
        return self.settings[0]

    @property
    def most_steps(self) -> int:
        return self.settings[-1].steps


def groups_of(recipe: ExperimentRecipe, training: str, corpora: Sequence[str]) -> list[tuple[Setting, ...]]:
    """The recipe's settings for one training and these corpora, in groups."""
    groups: dict[Setting, list[Setting]] = {}
    for setting in all_settings(recipe):
        if setting.trainings == training and setting.corpora in corpora:
            groups.setdefault(replace(setting, steps=0), []).append(setting)
    return [tuple(sorted(group, key=lambda setting: setting.steps)) for group in groups.values()]


class Measurement:
    """Measures one base. Figures that `kept` has under the same conditions are not measured again.

    weights: the base's fingerprint. Clips are told apart by their paths relative to `corpora_root`.
    """

    def __init__(
        self,
        recipe: ExperimentRecipe,
        base: Base,
        weights: str,
        kept: Measured,
        corpora_root: Path,
        protocol: Protocol,
        seed: int,
    ) -> None:
        self._recipe, self._measure = recipe, recipe.measure
        self._base, self._weights, self._kept = base, weights, kept
        self._root, self._protocol, self._seed = corpora_root, protocol, seed

    def run(self, groups: Sequence[Group]) -> Generator[TrainingProgress | TrainingRemark, None, dict[Setting, Figure]]:
        """Measure every group; returns the figures of those that could be. Raises AudioError."""
        figures: dict[Setting, Figure] = {}
        pending = []
        for group in groups:
            found = self._kept.find(self._conditions(group))
            if found is None:
                pending.append(group)
            else:
                figures.update({setting: found[setting.steps] for setting in group.settings})
        started, passed = time.monotonic(), 0.0
        total = sum(1 + group.most_steps for group in pending)  # in forward passes, roughly
        for group in pending:
            share = 1 + group.most_steps
            try:
                for event in self._measure_group(group, figures):
                    now = passed + share * event.step / event.steps
                    left_s = (time.monotonic() - started) * (total - now) / now
                    yield replace(event, remaining_s=left_s)
            except ManifestError as error:
                yield TrainingRemark(f"{self._told(group.first)}: {error.message}", "Its cells stay empty.")
                total -= share
            else:
                passed += share
        return figures

    def _measure_group(self, group: Group, figures: dict[Setting, Figure]) -> Generator[TrainingProgress, None, None]:
        """Adds the group's figures when they are whole."""
        setting = group.first
        sampler = sampler_of(group.clips, setting.shots, self._measure, self._protocol, self._seed)
        settings = AdaptationSettings(
            method=self._measure.method,
            trained=self._measure.trained,
            learning_rate=setting.learning_rates,
            seed=self._seed,
            inner_support_share=setting.inner_support / setting.shots,
        )
        accuracies: dict[int, list[float]] = {each.steps: [] for each in group.settings}
        trajectory = Trajectory(self._base, [clip.path for clip in group.clips], settings, list(accuracies))
        for number, answered in enumerate(trajectory.run(sampler, self._measure.episodes), start=1):
            for steps, accuracy in answered.items():
                accuracies[steps].append(accuracy)
            mean = float(np.mean(accuracies[group.most_steps]))
            yield TrainingProgress(number, self._measure.episodes, f"{self._told(setting)}: {100 * mean:.1f} %")
        means = {steps: figure_of(values) for steps, values in accuracies.items()}
        self._kept.keep(self._conditions(group), means)
        figures.update({setting: means[setting.steps] for setting in group.settings})

    def _told(self, setting: Setting) -> str:
        """A group in the words of a progress bar: what of it varies over the table."""
        told = [CORPORA[setting.corpora].title]
        words = {
            Dimension.PART: setting.parts.value,
            Dimension.SHOTS: f"{setting.shots}-shot",
            Dimension.LEARNING_RATE: f"rate {setting.learning_rates:.0e}",
            Dimension.INNER_SUPPORT: f"inner support {setting.inner_support}",
        }
        told += [word for dimension, word in words.items() if len(getattr(self._measure, dimension)) > 1]
        return ", ".join(told)

    def _conditions(self, group: Group) -> dict[str, Any]:
        """Everything that a group's figures depend on, as JSON values."""
        setting = group.first
        seen = hashlib.sha256()
        for clip in group.clips:
            seen.update(f"{clip.path.relative_to(self._root).as_posix()}\0{clip.label}\0{clip.speaker}\n".encode())
        tuned = group.most_steps > 0
        part = {"trained": self._measure.trained} if tuned and self._measure.trained != TRAINED[0] else {}
        return part | {
            "base": self._weights,
            "corpus": setting.corpora,
            "part": setting.parts.value,
            "clips": seen.hexdigest(),
            "ways": self._measure.ways,
            "shots": setting.shots,
            "queries": self._measure.queries,
            "episodes": self._measure.episodes,
            "protocol": self._protocol.value,
            "seed": self._seed,
            "steps": [each.steps for each in group.settings],
            "method": self._measure.method if tuned else "prototypes",
            "learning_rate": setting.learning_rates if tuned else None,
            "inner_support": setting.inner_support if tuned else None,
            "torch": str(torch.__version__),
        }
