"""Where a training was: weights, optimiser state and position in one safetensors file, written whole or not at all."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.weights_file import write_weights

_STATE = "state"
_MODEL, _OPTIMISER = "model.", "optimiser."


@dataclass(frozen=True)
class Position:
    """`step` optimiser steps are done; everything random follows from the seed and the episode's number.

    best_loss: the lowest validation loss so far, of epoch `best_epoch` (0: none yet); stale: epochs of the whole
    model since then. clips: a digest of the clips that are trained on.
    """

    clips: str
    step: int = 0
    best_loss: float | None = None
    best_epoch: int = 0
    stale: int = 0


def save_checkpoint(path: Path, position: Position, model: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Write the checkpoint in place of an earlier one. Raises RecipeError."""
    tensors = {f"{_MODEL}{name}": tensor for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, tensor in optimiser.state.get(parameter, {}).items():
            tensors[f"{_OPTIMISER}{key}/{name}"] = tensor
    write_tensors(path, tensors, {_STATE: json.dumps(asdict(position))})


def read_position(path: Path) -> Position:
    """Where the checkpoint's training was. Raises RecipeError."""
    try:
        with safe_open(path, "pt") as file:
            return Position(**json.loads((file.metadata() or {})[_STATE]))
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise _damaged(path) from error


def load_checkpoint(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> Position:
    """Fill `model` and `optimiser` from the checkpoint. Raises RecipeError."""
    position = read_position(path)
    try:
        tensors = load_file(path)
        model.load_state_dict(
            {name.removeprefix(_MODEL): each for name, each in tensors.items() if name.startswith(_MODEL)}
        )
        state = optimiser.state_dict()
        state["state"] = _optimiser_state(tensors, model)
        optimiser.load_state_dict(state)
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise _damaged(path) from error
    return position


def _damaged(path: Path) -> RecipeError:
    return RecipeError(f"The checkpoint {path} is damaged.", "Delete it to start from the beginning.")


def _optimiser_state(tensors: Mapping[str, Tensor], model: nn.Module) -> dict[int, dict[str, Tensor]]:
    """By the number that the optimiser gives a parameter: its place in `named_parameters`."""
    numbers = {name: number for number, (name, _) in enumerate(model.named_parameters())}
    state: dict[int, dict[str, Tensor]] = {}
    for stored, tensor in tensors.items():
        if stored.startswith(_OPTIMISER):
            key, name = stored.removeprefix(_OPTIMISER).split("/", 1)
            state.setdefault(numbers[name], {})[key] = tensor
    return state


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """A safetensors file that replaces the one at `path` only when it is on the disk whole. Raises RecipeError."""
    part = path.with_name(f".{path.name}")  # the next one overwrites it, should this process be killed here
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_weights(part, tensors, metadata)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, SafetensorError) as error:
        raise RecipeError(f"The checkpoint could not be written to {path}.", "Is the disk full?") from error
    finally:
        part.unlink(missing_ok=True)
