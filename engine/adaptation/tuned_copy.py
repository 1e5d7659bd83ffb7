"""A copy of an encoder to be tuned, which shares with it what is not."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from engine.adaptation.lora import add_low_rank, merge_low_rank
from engine.adaptation.projection import add_projection, take_projection
from engine.adaptation.trained import LORA, PROJECTION, frozen_layers, trained_parameters
from engine.encoder import EmotionEncoder
from engine.low_rank import Factors


@dataclass(frozen=True)
class Added:
    """What tuning added beside the encoder's own weights.

    lora: what was added to which weight, by its name in the encoder; projection: (embedding size, embedding size), for
    the head. None where nothing of the kind was tuned.
    """

    lora: dict[str, Factors] | None
    projection: Tensor | None


@dataclass(frozen=True)
class TunedCopy:
    """`parameters` of `encoder` are tuned; what the layers up to `depth` make of a clip stays as it is."""

    encoder: EmotionEncoder
    parameters: tuple[nn.Parameter, ...]
    depth: int
    original: EmotionEncoder

    def finish(self) -> Added:
        """Make of it an encoder like any other, and tell what was added to it."""
        projection = take_projection(self.encoder)
        lora = merge_low_rank(self.encoder)
        pairs = zip(self.encoder.parameters(), self.original.parameters(), strict=True)
        for parameter, original in pairs:
            parameter.requires_grad = original.requires_grad
        return Added(lora or None, projection)


def copy_for_tuning(
    encoder: EmotionEncoder, trained: str, seed: int = 0, device: torch.device | None = None
) -> TunedCopy:
    """A copy of `encoder`, on its device or on `device`, of which what `trained` names will be tuned.

    Everything else is shared with `encoder`, where both are on one device, and takes no memory. `seed`: of where
    LoRA begins. Raises LabellingError (see `trained_parameters`).
    """
    additions: dict[str, Callable[[EmotionEncoder], None]] = {
        LORA: partial(add_low_rank, seed=seed),
        PROJECTION: add_projection,
    }
    add = additions.get(trained)
    named = [] if add is not None else trained_parameters(encoder, trained)
    copied = shared_copy(encoder, device, named)
    for parameter in copied.parameters():
        parameter.requires_grad = False
    if add is not None:
        add(copied)  # what is new can be trained
        tuned = trained_parameters(copied, trained)
    else:
        own = {id(parameter) for parameter in named}
        pairs = zip(copied.parameters(), encoder.parameters(), strict=True)
        tuned = [parameter for parameter, original in pairs if id(original) in own]
        for parameter in tuned:
            parameter.requires_grad = True
    return TunedCopy(copied, tuple(tuned), frozen_layers(copied, tuned), encoder)


def shared_copy(
    encoder: EmotionEncoder, device: torch.device | None = None, apart: list[nn.Parameter] | None = None
) -> EmotionEncoder:
    """A copy of `encoder` whose tensors are the same memory, but for the parameters in `apart`.

    On another device nothing can be shared, and what is there is all there is: `encoder` stays where it is.
    """
    device = device or encoder.device
    own = {id(parameter) for parameter in apart or ()}
    known: dict[int, object] = {id(buffer): buffer.to(device) for buffer in encoder.buffers()}
    for parameter in encoder.parameters():
        values = parameter.detach().to(device)
        if id(parameter) in own and values.data_ptr() == parameter.data_ptr():
            values = values.clone()
        known[id(parameter)] = nn.Parameter(values, requires_grad=parameter.requires_grad)
    return copy.deepcopy(encoder, known)
