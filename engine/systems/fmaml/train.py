"""Training of F-MAML (algorithm 1), from corpora to a base folder."""

import math
import shutil
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from engine.backbones.mfcc import MfccBackbone
from engine.base_folder import Base
from engine.choices import Recommended
from engine.device import resolve_device
from engine.encoder import EmotionEncoder
from engine.errors import CorpusError, RecipeError
from engine.evaluation.metrics import mean_in_percent
from engine.metalearning.checkpoints import Position, load_checkpoint, save_checkpoint
from engine.metalearning.corpora import Corpus, read_corpus
from engine.metalearning.corpora.digest import digest_of
from engine.metalearning.events import Trained, TrainingEvent, TrainingProgress, TrainingRemark, left_out_remarks
from engine.metalearning.model_card import Data, inherited_licence
from engine.metalearning.pace import Pace
from engine.metalearning.run_log import RunLog
from engine.metalearning.trained_base import Told, write_trained
from engine.systems.fmaml.maml import InnerLoop, Learner, meta_gradient
from engine.systems.fmaml.measuring import answer_tasks
from engine.systems.fmaml.mfcc_cache import CachedCorpus, ClipsCached, cache_corpus
from engine.systems.fmaml.network import ConvolutionalNetwork
from engine.systems.fmaml.recipe import FmamlRecipe, Order, TasksSection
from engine.systems.fmaml.tasks import TaskSampler, TaskShape

_CACHE, _CHECKPOINTS = "mfcc", "checkpoint"
_COLUMNS = ("loss", "accuracy", "seconds")
_FAILURES = """- A small network on MFCCs, trained from nothing: far weaker than bases on a pre-trained encoder.
- Neutral speech is not learnt from the user's clips; where a language's neutral speech is unlike that of the training
  corpora, it is taken for an emotion, or an emotion for it.
- Clips under 1.5 s: little is heard in them.
- Unlike the other methods' figures, these count silence and neutral speech, which are learnt in training."""


def train(
    recipe: FmamlRecipe,
    corpora_root: Path,
    run_folder: Path,
    *,
    device: str,
    recipe_text: str,
    mfcc_folder: Path | None = None,
) -> Iterator[TrainingEvent]:
    """mfcc_folder: of MFCCs that several runs share; else the run has its own.

    Raises CorpusError, RecipeError, AudioError, DeviceError.
    """
    mfcc_folder = mfcc_folder or run_folder / _CACHE
    yield from _Training(recipe, corpora_root, run_folder, mfcc_folder, recipe_text, resolve_device(device)).run()


def loop_of(recipe: FmamlRecipe) -> InnerLoop:
    """The inner loop that the recipe asks for."""
    maml = recipe.maml
    return InnerLoop(maml.inner_steps, maml.inner_rate, maml.order is Order.SECOND)


def shape_of(section: TasksSection) -> TaskShape:
    """The tasks that the recipe asks for."""
    return TaskShape(section.ways, section.shots, section.queries, section.crop_s, section.fixed)


class _Training:
    def __init__(
        self, recipe: FmamlRecipe, root: Path, run_folder: Path, mfcc: Path, text: str, device: torch.device
    ) -> None:
        self._recipe, self._folder, self._mfcc, self._text, self._device = recipe, run_folder, mfcc, text, device
        self._train = [read_corpus(name, root / name) for name in recipe.data.corpora]
        self._validation = [read_corpus(name, root / name) for name in recipe.data.validation]
        self._digest = digest_of(self._train, root)
        self._backbone = MfccBackbone(recipe.mfcc.coefficients, normalised=recipe.mfcc.normalised)
        self._shape = shape_of(recipe.tasks)
        torch.manual_seed(recipe.seed)
        network = ConvolutionalNetwork(
            recipe.mfcc.coefficients,
            ways=self._shape.outputs,
            filters=recipe.maml.filters,
            fixed=recipe.tasks.fixed,
        )
        self._learner = Learner(network.to(device))

    def run(self) -> Iterator[TrainingEvent]:
        for corpus in (*self._train, *self._validation):
            yield from left_out_remarks(corpus.name, corpus)
        cached = yield from self._cache(self._train)
        sampler = TaskSampler(cached, self._shape, self._recipe.seed)
        for name in sampler.left_out:
            yield TrainingRemark(f"{name}: too few clips of two emotions, nothing is drawn from it.")
        yield from self._learn(sampler)
        self._write((yield from self._validate()))
        shutil.rmtree(self._folder / _CHECKPOINTS, ignore_errors=True)
        yield Trained(self._folder / "base")

    def _cache(self, corpora: list[Corpus]) -> Generator[TrainingEvent, None, list[CachedCorpus]]:
        cached = []
        done, total = 0, sum(len(corpus.clips) for corpus in corpora)
        for corpus in corpora:
            silence = self._recipe.mfcc.silence
            for event in cache_corpus(corpus, self._backbone, self._mfcc, silence, self._recipe.seed):
                if isinstance(event, ClipsCached):
                    done += event.done
                    yield TrainingProgress(done, total, f"MFCCs of {corpus.name}")
                else:
                    cached.append(event)
        return cached

    def _learn(self, sampler: TaskSampler) -> Iterator[TrainingProgress]:
        """Equation 5, until the last step; from the checkpoint, if there is one."""
        plan = self._recipe.maml
        optimiser = torch.optim.Adam(self._learner.parameters(), lr=plan.outer_rate)
        checkpoint = self._folder / _CHECKPOINTS / "network.safetensors"
        position = Position(self._digest)
        if checkpoint.is_file():
            position = load_checkpoint(checkpoint, self._learner, optimiser)
            if position.clips != self._digest:
                raise RecipeError(
                    "The corpora are not those that this run began with.", "Choose a new folder for --out."
                )
        pace = Pace()
        with RunLog(self._folder, _COLUMNS, position.step) as log:
            for step in range(position.step + 1, plan.steps + 1):
                started = time.perf_counter()
                loss, accuracy = self._step(sampler, optimiser, step)
                if step % plan.checkpoint_steps == 0 or step == plan.steps:
                    save_checkpoint(checkpoint, replace(position, step=step), self._learner, optimiser)
                taken = time.perf_counter() - started
                log.write("train", step, {"loss": loss, "accuracy": accuracy, "seconds": taken})
                pace.took(taken)
                told = f"Tasks: {100 * accuracy:.0f} % of the queries"
                yield TrainingProgress(step, plan.steps, told, loss, pace.left_s(plan.steps - step))

    def _step(self, sampler: TaskSampler, optimiser: torch.optim.Optimizer, step: int) -> tuple[float, float]:
        count = self._recipe.maml.tasks_per_step
        first = (step - 1) * count
        tasks = (sampler.task(sampler.draw(first + turn), self._device) for turn in range(count))
        optimiser.zero_grad(set_to_none=True)
        loss, accuracy = meta_gradient(self._learner, tasks, count, loop_of(self._recipe))
        if not math.isfinite(loss):
            raise RecipeError(f"The loss of step {step} is no number.", "Lower inner_rate or outer_rate.")
        optimiser.step()
        return loss, accuracy

    def _validate(self) -> Generator[TrainingEvent, None, dict[str, str]]:
        """Accuracy on tasks of the validation corpora, in words."""
        figures = {}
        count, shots = self._recipe.validation_tasks, self._shape.shots
        shape = replace(self._shape, queries=20, crop_s=0.0, fewest_queries=1)
        for cached in (yield from self._cache(self._validation)):
            try:
                sampler = TaskSampler([cached], shape, self._recipe.seed)
            except CorpusError as error:
                yield TrainingRemark(f"{cached.name}: not validated. {error.message}")
                continue
            every, emotions = [], []
            answers = answer_tasks(self._learner, sampler, count, loop_of(self._recipe), self._device)
            for number, answered in enumerate(answers, start=1):
                every.append(answered.accuracy)
                emotions.append(answered.emotion_accuracy)
                yield TrainingProgress(number, count, f"Validating on {cached.name}")
            ways = min(shape.ways, len(sampler.emotions[0]))
            what = f"{ways} emotions, neutral and silence, {shots}-shot, speakers on both sides, {count} tasks, %"
            figures[f"{cached.name}, {what}"] = (
                f"{mean_in_percent(every)}; of the emotions' clips alone {100 * np.mean(emotions):.1f}"
            )
        return figures

    def _write(self, figures: dict[str, str]) -> None:
        recipe, corpora = self._recipe, self._recipe.data.corpora
        plan = recipe.maml
        licence = inherited_licence("random weights", corpora)
        encoder = EmotionEncoder(self._backbone, self._learner.network.cpu())
        recommended = Recommended("fmaml", plan.inner_steps, plan.inner_rate, head="linear", trained="extractor")
        base = Base(recipe.name, encoder, standardised=False, licence=licence, recommended=recommended)
        summary = (
            f"{'F-MAML' if recipe.tasks.fixed else 'MAML'} (Naman et al.): {plan.steps * plan.tasks_per_step} tasks of "
            f"{recipe.tasks.ways} emotions, {recipe.tasks.shots} shots, neutral speech and silence, {plan.order.value} "
            "order."
        )
        data, told = Data(self._train, self._validation), Told(summary, _FAILURES, figures, {})
        write_trained(base, self._folder / "base", recipe, self._text, data, told, "float32")
