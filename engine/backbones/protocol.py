"""What the rest of the engine needs of a pre-trained speech encoder."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from engine.specaugment import ClipMasks, SpecAugment

_MOST_PADDING = 1.2  # of the shortest clip's length: padded frames cost as much as real ones


@dataclass(frozen=True)
class Frames:
    """Hidden states of the layers that were asked for, in single precision whatever was computed in.

    hidden: (layers read, clips, frames, hidden size); lengths: (clips,) real frames, the rest is padding.
    """

    hidden: Tensor
    lengths: Tensor

    @property
    def mask(self) -> Tensor:
        """Boolean (clips, frames): True on real frames."""
        steps = torch.arange(self.hidden.shape[2], device=self.hidden.device)
        return steps[None, :] < self.lengths[:, None]


class Backbone(nn.Module, ABC):
    """An encoder from 16 kHz samples to frames.

    `front_end` is fixed (nothing in it is ever trained), so its output can be computed once a clip and kept;
    `encode` is the part that adaptation trains. Where the lowest layers are left alone too, `lower` is what can be
    computed once and `upper` what is trained: together they are `encode`. A clip's frames do not depend on what
    else is in its batch.
    """

    hidden_size: int
    layers: nn.ModuleList  # of a backbone that does not have them elsewhere (`transformer_layers`)
    read_layers: tuple[int, ...]  # 0 is the input of the first transformer layer, k the output of the k-th
    checkpointing: bool = False  # keep no activations inside the layers; they are computed again backwards
    compute_dtype: torch.dtype | None = None  # what the layers take, where that is not what is given to them

    @property
    def depth(self) -> int:
        """How many transformer layers are built: those up to the highest one read."""
        return max(self.read_layers)

    @abstractmethod
    def front_end(self, samples: Tensor) -> Tensor:
        """Samples (n,) at 16 kHz to this encoder's input, (features, steps). No gradient is kept."""

    def front_end_of_equals(self, samples: Tensor) -> Tensor:
        """The same of clips of one length, (clips, n) to (clips, features, steps): at once where a backbone can."""
        return torch.stack([self.front_end(each) for each in samples])

    @abstractmethod
    def draw_masks(self, inputs: Sequence[Tensor], augment: SpecAugment, generator: torch.Generator) -> list[ClipMasks]:
        """Masks for front-end outputs, clip by clip in the order given."""

    @abstractmethod
    def first_state(self, inputs: Sequence[Tensor], masks: Sequence[ClipMasks] | None) -> tuple[Tensor, list[int]]:
        """Front-end outputs, masked, to the input of the first layer (clips, frames, hidden size), and real frames."""

    @abstractmethod
    def run_layer(self, index: int, state: Tensor, surroundings: Any) -> Tensor:
        """What layer `index` (the lowest is 0) makes of `state` (clips, frames, hidden size)."""

    @abstractmethod
    def specification(self) -> dict[str, Any]:
        """JSON from which `build_backbone` makes the same architecture again."""

    @property
    def transformer_layers(self) -> nn.ModuleList:
        """The transformer layers, the lowest first."""
        return self.layers

    def surroundings(self, lengths: Sequence[int], device: torch.device) -> Any:
        """What every layer needs beside its input: which frames are real, and where the layers want it, positions."""
        mask = padding_mask(lengths, device)
        return None if mask is None else mask[:, None, None, :]

    def top_state(self, state: Tensor) -> Tensor:
        """What is read of the state at `depth`: a backbone whose model ends in a norm passes it there."""
        return state

    def can_share_batch(self, shortest: int, longest: int) -> bool:
        """Whether clips of these two numbers of steps may be padded together without much waste."""
        return longest <= _MOST_PADDING * shortest

    def encode(
        self,
        inputs: Sequence[Tensor],
        augment: SpecAugment | None = None,
        generator: torch.Generator | None = None,
    ) -> Frames:
        """Front-end outputs of several clips to frames; `augment` masks them, drawing from `generator`."""
        masks = None
        if augment is not None and generator is not None:
            masks = self.draw_masks(inputs, augment, generator)
        return self.encode_masked(inputs, masks)

    def encode_masked(self, inputs: Sequence[Tensor], masks: Sequence[ClipMasks] | None) -> Frames:
        """Front-end outputs, with masks that were drawn (one a clip) or none, to frames."""
        state, lengths = self.first_state(inputs, masks)
        return self._frames(self._climb(state, lengths, 0, self.depth), lengths)

    def lower(self, inputs: Sequence[Tensor], masks: Sequence[ClipMasks] | None, depth: int) -> list[Tensor]:
        """What layers 1 to `depth` make of each clip: (kept, frames, hidden size), without padding.

        Kept are the states of the read layers below `depth`, ascending, and last the state at `depth` itself.
        """
        state, lengths = self.first_state(inputs, masks)
        states = self._climb(state, lengths, 0, depth)
        kept = [states[layer] for layer in self._kept(depth)]
        return [torch.stack([state[row, :length] for state in kept]) for row, length in enumerate(lengths)]

    def upper(self, lowered: Sequence[Tensor], depth: int) -> Frames:
        """The rest of `encode`: what the layers above `depth` make of what `lower` gave for several clips."""
        lengths = [each.shape[1] for each in lowered]
        if len(set(lengths)) == 1:
            padded = torch.stack(list(lowered), dim=1)
        else:
            by_frame = [each.transpose(0, 1) for each in lowered]
            padded = nn.utils.rnn.pad_sequence(by_frame, batch_first=True).permute(2, 0, 1, 3)
        states = dict(zip(self._kept(depth), padded, strict=True))
        states |= self._climb(padded[-1], lengths, depth, self.depth)
        return self._frames(states, lengths)

    def _kept(self, depth: int) -> list[int]:
        """The layers whose states `lower` keeps."""
        return [*sorted({layer for layer in self.read_layers if layer < depth}), depth]

    def _climb(self, state: Tensor, lengths: Sequence[int], start: int, stop: int) -> dict[int, Tensor]:
        """The states at `start` and `stop`, and at the read layers between them, by layer."""
        states = {start: state}
        if start == stop:
            return states
        if self.compute_dtype is not None:
            state = state.to(self.compute_dtype)
        surroundings = self.surroundings(lengths, state.device)
        for index in range(start, stop):
            if self.checkpointing and torch.is_grad_enabled():
                state = checkpoint(self.run_layer, index, state, surroundings, use_reentrant=False)
            else:
                state = self.run_layer(index, state, surroundings)
            if index + 1 in self.read_layers or index + 1 == stop:
                states[index + 1] = state
        return states

    def _frames(self, states: dict[int, Tensor], lengths: Sequence[int]) -> Frames:
        read = [self.top_state(states[layer]) if layer == self.depth else states[layer] for layer in self.read_layers]
        hidden = torch.stack([_at_least_single(state) for state in read])
        return Frames(hidden, on_device(lengths, hidden.device))


def padding_mask(lengths: Sequence[int], device: torch.device) -> Tensor | None:
    """Boolean (clips, frames), True on real frames; None where no clip is padded, which is faster in every layer."""
    if len(set(lengths)) == 1:
        return None
    steps = torch.arange(max(lengths), device=device)
    return steps < on_device(lengths, device)[:, None]


def on_device(lengths: Sequence[int], device: torch.device) -> Tensor:
    """`lengths` (clips,) there. A CUDA device fills them in: a copy would make it wait, and could not be recorded."""
    if device.type == "cuda":
        runs = [(length, len(list(same))) for length, same in itertools.groupby(lengths)]
        return torch.cat([torch.full((count,), length, device=device) for length, count in runs])
    return torch.tensor(lengths, device=device)


def _at_least_single(state: Tensor) -> Tensor:
    return state.float() if state.dtype in (torch.bfloat16, torch.float16) else state
