"""One stretch of a training, which can be left and taken up again: AdamW, and a learning rate that falls to nothing."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.metalearning.checkpoints import Position, load_checkpoint, save_checkpoint

CHECKPOINT_STEPS = 100
_LONGEST_GRADIENT = 5.0


@dataclass(frozen=True)
class Phase:
    """module: all that is trained, its parameters in the order of `groups` (parameters and their learning rate).

    loss: of a step (the first is 1), which follows from its number alone. clips: a digest of what is trained on.
    """

    module: nn.Module
    groups: tuple[tuple[tuple[nn.Parameter, ...], float], ...]
    loss: Callable[[int], Tensor]
    steps: int
    weight_decay: float
    seed: int
    clips: str
    checkpoint: Path


@dataclass(frozen=True)
class StepDone:
    """`loss` is its cross-entropy in nats, before the step."""

    step: int
    loss: float
    seconds: float


def run_phase(phase: Phase) -> Iterator[StepDone]:
    """Train `phase.module` in place from the checkpoint, or from the beginning. Raises RecipeError."""
    groups = [{"params": list(parameters), "lr": rate} for parameters, rate in phase.groups]
    optimiser = torch.optim.AdamW(groups, weight_decay=phase.weight_decay)
    position = Position(phase.clips)
    if phase.checkpoint.is_file():
        position = load_checkpoint(phase.checkpoint, phase.module, optimiser)
        if position.clips != phase.clips:
            raise RecipeError("The corpora are not those that this run began with.", "Choose a new folder for --out.")
    for step in range(position.step + 1, phase.steps + 1):
        started = time.perf_counter()
        for group, (_, rate) in zip(optimiser.param_groups, phase.groups, strict=True):
            group["lr"] = rate * (1 + math.cos(math.pi * (step - 1) / phase.steps)) / 2
        torch.manual_seed(seed_of(phase.seed, step))  # dropout
        loss = phase.loss(step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(phase.module.parameters(), _LONGEST_GRADIENT)
        optimiser.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise RecipeError(f"The loss is no longer a number at step {step}.", "Lower the learning rates.")
        yield StepDone(step, value, time.perf_counter() - started)
        # only now: what the caller makes of the step (a log, a validation) is done again with it, if it was cut short
        if step % CHECKPOINT_STEPS == 0 or step == phase.steps:
            save_checkpoint(phase.checkpoint, replace(position, step=step), phase.module, optimiser)


def seed_of(*numbers: int) -> int:
    """One seed made of several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
