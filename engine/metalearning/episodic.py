"""Meta-learning as in the main paper (sections 3.3, 3.4, 4.3, 4.4): prototypical episodes over several corpora.

Linear probing first, then the whole model; Adam; one step from 20 episodes; the epoch of the lowest validation
loss is kept. Nothing random is carried from one episode to the next: every episode has a seed of its own, made
from the recipe's and its number. So a run that was killed goes on to the same result, and so do processes that
share the episodes of a step out.
"""

import math
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.encoder import EmotionEncoder
from engine.errors import RecipeError
from engine.metalearning.accelerated import Processes
from engine.metalearning.checkpoints import Position, load_checkpoint, save_checkpoint
from engine.metalearning.clip_loader import ClipLoader, Samples
from engine.metalearning.episodes import TrainingEpisode
from engine.metalearning.episodic_data import EpisodicData, read_data
from engine.metalearning.episodic_recipe import EpisodicRecipe
from engine.metalearning.episodic_result import Validation, keep_best, write_base
from engine.metalearning.events import Trained, TrainingEvent, TrainingProgress, TrainingRemark
from engine.metalearning.pace import Pace
from engine.metalearning.prototypical import EpisodeInputs, Phase, PrototypicalNetwork, inputs_of
from engine.metalearning.run_log import RunLog
from engine.metalearning.start import build_on, load_start
from engine.specaugment import SpecAugment

CHECKPOINTS, LAST, BEST = "checkpoint", "last.safetensors", "best.safetensors"
_COLUMNS = ("phase", "epoch", "loss", "accuracy", "adversarial_loss", "scale", "gradient_norm", "seconds")
_NO_TENSORBOARD = "TensorBoard is not installed: the figures go to log.csv alone."


def train_episodic(
    recipe: EpisodicRecipe, corpora_root: Path, run_folder: Path, *, device: str, recipe_text: str
) -> Iterator[TrainingEvent]:
    """Train by `recipe`; events come from the first process alone, but for the last, which every process gives.

    Raises CorpusError, RecipeError, BaseError, DeviceError, AudioError.
    """
    processes = Processes(device, bf16=recipe.training.bf16)
    if processes.count > recipe.training.accumulation:
        raise RecipeError(
            f"{processes.count} processes cannot share out a step of {recipe.training.accumulation} episodes.",
            "Start fewer, or raise accumulation.",
        )
    data = read_data(recipe, corpora_root)
    if processes.is_main:
        yield from data.remarks
        if processes.count > 1:
            yield TrainingRemark(f"Every step is shared out to {processes.count} processes.")
        yield TrainingProgress(0, 0, "Loading the encoder")
    start = load_start(recipe.base.start, recipe.model.read_layers)
    encoder = build_on(start, recipe.model.extractor, recipe.seed)
    training = EpisodicTraining(recipe, data, encoder, run_folder, processes)
    for event in training.run():
        if processes.is_main:
            yield event
    if processes.is_main:
        best = run_folder / CHECKPOINTS / BEST
        write_base(recipe, data, training.network, start.licence, best, run_folder, recipe_text)
        shutil.rmtree(run_folder / CHECKPOINTS)
    processes.wait()
    processes.end()
    yield Trained(run_folder / "base")


class EpisodicTraining:
    """One run: what is trained, and where it is."""

    def __init__(
        self,
        recipe: EpisodicRecipe,
        data: EpisodicData,
        encoder: EmotionEncoder,
        run_folder: Path,
        processes: Processes,
    ) -> None:
        self._recipe, self._plan, self._data = recipe, recipe.training, data
        self._processes = processes
        self._folder = run_folder
        self._augment = SpecAugment() if self._plan.augment else None
        corpora = len(data.train) if recipe.adversarial.enabled else 0
        torch.manual_seed(recipe.seed + 1)  # the discriminator's weights
        network = PrototypicalNetwork(encoder, corpora=corpora, strength=recipe.adversarial.strength)
        self.network = network.to(processes.device)
        self._optimiser = torch.optim.Adam(network.parameters(), lr=self._plan.learning_rate)
        self._wrapped: torch.nn.Module = self.network
        self._phase: Phase | None = None
        self._pace = Pace()  # of episodes
        self._told: set[str] = set()
        self.position = Position(data.digest)

    def run(self) -> Iterator[TrainingEvent]:
        """Train from the last checkpoint, or from the beginning, to the end."""
        yield from self._resume()
        with ExitStack() as stack:
            log = None
            if self._processes.is_main:
                log = stack.enter_context(RunLog(self._folder, _COLUMNS, self.position.step))
                if not log.has_tensorboard:
                    yield TrainingRemark(_NO_TENSORBOARD, "Install the package tensorboard to see curves.")
            loader = stack.enter_context(ClipLoader())
            while self.position.step < self._plan.steps and self.position.stale < self._plan.patience:
                yield from self._train_epoch(loader, log)
                yield from self._end_epoch(loader, log)

    @property
    def _checkpoint(self) -> Path:
        return self._folder / CHECKPOINTS / LAST

    def _resume(self) -> Iterator[TrainingEvent]:
        if self._checkpoint.is_file():
            position = load_checkpoint(self._checkpoint, self.network, self._optimiser)
            if position.clips != self._data.digest:
                raise RecipeError(
                    "The corpora are not those that this run began with.", "Choose a new folder for --out."
                )
            self.position = position
        steps = self._processes.joined([self.position.step])
        if len(set(steps)) > 1:  # the first process alone writes checkpoints
            raise RecipeError(
                f"The processes would go on from different steps: {', '.join(map(str, steps))}.",
                "Put --out on a disk that all machines share.",
            )
        if self.position.step:
            yield TrainingRemark(f"Going on after step {self.position.step} of {self._plan.steps}.")

    def _save(self) -> None:
        if self._processes.is_main:
            save_checkpoint(self._checkpoint, self.position, self.network, self._optimiser)

    def _enter(self, phase: Phase) -> None:
        self.network.enter(
            phase,
            backbone_dropout=self._recipe.model.backbone_dropout,
            checkpointing=self._plan.gradient_checkpointing,
            augmented=self._plan.augment,
        )
        if phase is not self._phase:
            self._wrapped = self._processes.wrap(self.network)
            self._phase = phase

    def _train_epoch(self, loader: ClipLoader, log: RunLog | None) -> Iterator[TrainingEvent]:
        """The steps that are left of the current epoch."""
        plan, first = self._plan, self.position.step
        phase = Phase.PROBING if first < plan.probing_steps else Phase.WHOLE
        self._enter(phase)
        last = (first // plan.steps_per_epoch + 1) * plan.steps_per_epoch
        mine = self._processes.mine(plan.accumulation)
        indices = [step * plan.accumulation + turn for step in range(first, last) for turn in mine]
        figures = torch.zeros(plan.accumulation, 3)
        yield TrainingProgress(
            first * plan.accumulation, plan.steps * plan.accumulation, self._epoch_words(phase, first)
        )
        started = time.perf_counter()
        for index, episode, samples in loader.episodes(self._data.sampler, indices):
            turn = index % plan.accumulation
            figures[turn] = self._backward(episode, samples, index, ends_step=turn == mine[-1])
            yield self._progress(index, phase, float(figures[: turn + 1, 0].sum() / (mine.index(turn) + 1)), started)
            started = time.perf_counter()
            if turn == mine[-1]:
                self._step(figures, log)
                figures = torch.zeros_like(figures)

    def _backward(self, episode: TrainingEpisode, samples: list[Samples], index: int, *, ends_step: bool) -> Tensor:
        """Add one episode's gradients; its loss, accuracy and discriminator's loss."""
        inputs = self._inputs(episode, samples, index)
        torch.manual_seed(inputs.seed)  # dropout
        with nullcontext() if ends_step else self._processes.holding_back(self._wrapped):
            loss, right, adversarial = self._wrapped(inputs, self._augment)
            # the processes' gradients are averaged, and together they must be the mean over the step's episodes
            self._processes.backward(loss * self._processes.count / self._plan.accumulation)
        return torch.stack([loss.detach() - adversarial, right, adversarial]).cpu()

    def _inputs(self, episode: TrainingEpisode, samples: list[Samples], index: int) -> EpisodeInputs:
        seed = int(np.random.SeedSequence([self._recipe.seed, index]).generate_state(1)[0])
        shape = self._recipe.episodes
        return EpisodeInputs(inputs_of(self.network.encoder, samples), shape.ways, shape.shots, episode.corpora, seed)

    def _step(self, figures: Tensor, log: RunLog | None) -> None:
        """One optimiser step from the gradients of all its episodes."""
        loss, right, adversarial = self._processes.assembled(figures).mean(0).tolist()
        if not math.isfinite(loss + adversarial):
            raise RecipeError(
                f"The loss is no longer a number after step {self.position.step}.",
                "Lower learning_rate, or leave bf16.",
            )
        gradients = [each.grad for each in self.network.parameters() if each.grad is not None]
        gradient_norm = float(nn.utils.get_total_norm(gradients))
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self.position = replace(self.position, step=self.position.step + 1)
        if log is not None:
            told: dict[str, float | str] = {
                "loss": loss,
                "accuracy": right,
                "scale": float(self.network.scale.detach()),
                "gradient_norm": gradient_norm,
            }
            if self._recipe.adversarial.enabled:
                told["adversarial_loss"] = adversarial
            log.write("train", self.position.step, self._where() | told | {"seconds": self._pace.seconds or 0.0})
        if self.position.step % self._plan.checkpoint_steps == 0 and self.position.step % self._plan.steps_per_epoch:
            self._save()

    def _where(self) -> dict[str, float | str]:
        epoch = math.ceil(self.position.step / self._plan.steps_per_epoch)
        return {"phase": str(self._phase), "epoch": str(epoch)}

    def _progress(self, index: int, phase: Phase, loss: float, started: float) -> TrainingProgress:
        self._pace.took(time.perf_counter() - started)
        episodes = self._plan.steps * self._plan.accumulation
        message = self._epoch_words(phase, index // self._plan.accumulation)
        remaining_s = self._pace.left_s((episodes - index - 1) / self._processes.count)
        return TrainingProgress(index + 1, episodes, message, loss, remaining_s)

    def _epoch_words(self, phase: Phase, step: int) -> str:
        epochs = self._plan.probing_epochs + self._plan.epochs
        return f"{phase.capitalize()}, epoch {step // self._plan.steps_per_epoch + 1} of {epochs} at most"

    def _end_epoch(self, loader: ClipLoader, log: RunLog | None) -> Iterator[TrainingEvent]:
        """Validate, keep the weights if they are the best so far, and write the checkpoint."""
        step, epoch = self.position.step, self.position.step // self._plan.steps_per_epoch
        validation = None
        for event in self._validate(loader):
            if isinstance(event, Validation):
                validation = event
            else:
                yield event
        if validation is not None:
            best = self.position.best_loss is None or validation.loss < self.position.best_loss
            if best:
                self.position = replace(self.position, best_loss=validation.loss, best_epoch=epoch, stale=0)
                if self._processes.is_main:
                    keep_best(self._folder / CHECKPOINTS / BEST, self.network, validation)
            elif self._phase is Phase.WHOLE:
                self.position = replace(self.position, stale=self.position.stale + 1)
            if log is not None:
                log.write(
                    "validation", step, self._where() | {"loss": validation.loss, "accuracy": validation.accuracy}
                )
            told = "the best so far" if best else f"the best was epoch {self.position.best_epoch}"
            yield TrainingRemark(f"Epoch {epoch} ({self._phase}): {validation.in_words()}; {told}.")
        yield from self._unreadable(loader)
        self._save()
        self._processes.wait()

    def _unreadable(self, loader: ClipLoader) -> Iterator[TrainingRemark]:
        """What any of the processes could not read, a file once."""
        found = [(error.message, error.hint) for error in loader.refusals()]
        for message, hint in self._processes.joined(found):
            if message not in self._told:
                self._told.add(message)
                yield TrainingRemark(f"{message.rstrip('.')}: episodes with it are drawn anew.", hint)

    @torch.no_grad()
    def _validate(self, loader: ClipLoader) -> Iterator[TrainingEvent | Validation]:
        """Loss and accuracy on the same validation episodes after every epoch; nothing without such data."""
        sampler = self._data.validation_sampler
        if sampler is None:
            return
        self.network.eval()
        table = torch.zeros(self._plan.validation_episodes, 2)
        done = self.position.step * self._plan.accumulation
        for index, episode, samples in loader.episodes(sampler, self._processes.mine(len(table))):
            with self._processes.autocast():
                loss, right, _ = self.network(self._inputs(episode, samples, index))
            table[index] = torch.stack([loss, right]).cpu()
            message = f"Validating, episode {index + 1} of {len(table)}"
            yield TrainingProgress(done, self._plan.steps * self._plan.accumulation, message)
        names = [sampler.names[position] for position in sampler.usable]
        yield Validation.of(self._processes.assembled(table), names)
