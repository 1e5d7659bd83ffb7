"""Tuning within the memory that there is: what it would take, how to take less, and what to do when it runs out."""

import gc
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.adaptation.clips import PreparedClip
from engine.adaptation.drawn import Drawn
from engine.adaptation.settings import AdaptationSettings, Remark
from engine.adaptation.tuned_copy import TunedCopy
from engine.encoder import MOST_CLIPS_IN_BATCH
from engine.errors import MemoryShortError
from engine.memory import free_bytes
from engine.out_of_memory import give_back

_MOST_WHERE_ALL_IS_KEPT = 32  # a graph holds all batches anyway, and one of 20 clips is a tenth faster than 16 and 4
_USED_OF_FREE = 0.9  # estimates are not exact
_CLOSE = "Close other programs, or tune less of the model: LoRA, the layer norms or the extractor."


@dataclass(frozen=True)
class Thrift:
    """checkpointing: layers keep nothing and are computed again backwards; most_clips: in one graph (None: all)."""

    checkpointing: bool = False
    most_clips: int | None = None

    def apply(self, tuned: TunedCopy) -> None:
        tuned.encoder.backbone.checkpointing = self.checkpointing
        tuned.encoder.most_clips_in_batch = self.most_in_batch

    @property
    def most_in_batch(self) -> int:
        """Clips that go through the encoder together."""
        return self.most_clips or (MOST_CLIPS_IN_BATCH if self.checkpointing else _MOST_WHERE_ALL_IS_KEPT)

    @staticmethod
    def end(tuned: TunedCopy) -> None:
        """As an encoder is that nobody tunes."""
        tuned.encoder.backbone.checkpointing = False
        tuned.encoder.most_clips_in_batch = MOST_CLIPS_IN_BATCH


LADDER = (
    Thrift(),
    Thrift(checkpointing=True),
    Thrift(checkpointing=True, most_clips=4),
    Thrift(checkpointing=True, most_clips=1),
)


class TooLittleError(MemoryError):
    """What is free does not do for the thriftiest way, by measure: no use in trying."""


class Ladder:
    """Where an attempt runs (`place`) and how thrifty it is (`thrift`): down is thriftier, at the end the processor."""

    def __init__(self, place: torch.device) -> None:
        self.place = place
        self._rung = 0

    @property
    def thrift(self) -> Thrift:
        return LADDER[self._rung]

    def fit(self, tuned: TunedCopy, clips: Sequence[PreparedClip], settings: AdaptationSettings) -> Remark | None:
        """Go down as far as what is free demands, and what to tell the user of it. TooLittleError if no rung does."""
        needs, free = step_bytes(tuned, clips, settings), free_bytes(self.place)
        fitting = [rung for rung, need in enumerate(needs) if need <= _USED_OF_FREE * free and rung >= self._rung]
        if not fitting:
            raise TooLittleError(f"a step takes {min(needs)} bytes, and {free} are free")
        went_down = fitting[0] > self._rung
        self._rung = fitting[0]
        self.thrift.apply(tuned)
        if not went_down:
            return None
        return Remark(
            f"Memory is short ({free / 1e9:.1f} GB free): much is computed twice instead of kept, which takes about a "
            "third longer.",
            _CLOSE,
        )

    def descend(self, *, tunes: bool) -> Remark:
        """After memory has run out: the next attempt, and what to tell the user. MemoryShortError if none is left."""
        _give_back()
        if tunes and self._rung + 1 < len(LADDER):
            self._rung += 1
            return Remark("Memory ran out: starting again in smaller parts, which takes longer.", _CLOSE)
        return self.leave()

    def leave(self) -> Remark:
        """Go to the processor. MemoryShortError where this is it."""
        if self.place.type == "cpu":
            raise MemoryShortError(
                f"There is too little memory for this: {free_bytes(self.place) / 1e9:.1f} GB are free.", _CLOSE
            )
        _give_back()
        self.place, self._rung = torch.device("cpu"), 0
        return Remark("The GPU cannot do this: starting again on the processor, which takes longer.", _CLOSE)


def step_bytes(tuned: TunedCopy, clips: Sequence[PreparedClip], settings: AdaptationSettings) -> list[int]:
    """What a step takes beyond what is taken now, for each of LADDER: measured on the longest window, by one forward.

    Gradients, Adam's two moments, what is kept for the way back, and what one layer takes when computed again.
    """
    longest = max((window for clip in clips for window in clip.windows), key=lambda window: window.shape[-1])
    with torch.no_grad():
        state = tuned.encoder.lower([longest], None, tuned.depth)[0]
    layers = tuned.encoder.backbone.depth - tuned.depth
    try:
        fixed, window = _kept_bytes(tuned, longest, state, settings.precision)
        tuned.encoder.backbone.checkpointing = True
        _, spared = _kept_bytes(tuned, longest, state, settings.precision)
    finally:
        tuned.encoder.backbone.checkpointing = False
    sizes = [parameter.nbytes for parameter in tuned.parameters]
    fixed += 3 * sum(sizes)
    one_by_one = sum(sizes) - max(sizes)  # gradients that are never there with the others (`Optimiser`)
    again = (window - spared) / max(1, layers)  # one layer at a time
    spared += layers * state[-1].nbytes  # the layers' inputs, which checkpointing keeps by itself
    windows = _windows_in_a_step(clips, settings) / longest.shape[-1]
    batches = [min(windows, thrift.most_clips or MOST_CLIPS_IN_BATCH) for thrift in LADDER]
    graphs = [windows if thrift.most_clips is None else batch for thrift, batch in zip(LADDER, batches, strict=True)]
    needs = [
        fixed + (graph * spared + batch * again if thrift.checkpointing else graph * window)
        for thrift, graph, batch in zip(LADDER, graphs, batches, strict=True)
    ]
    in_backward = [thrift.checkpointing and thrift.most_clips is None for thrift in LADDER]
    return [round(need - (one_by_one if used_up else 0)) for need, used_up in zip(needs, in_backward, strict=True)]


def _windows_in_a_step(clips: Sequence[PreparedClip], settings: AdaptationSettings) -> int:
    """The most front-end steps that the clips of one step of tuning can have."""
    lengths: dict[int, list[int]] = defaultdict(list)
    for clip in clips:
        lengths[clip.label].append(max(window.shape[-1] for window in clip.windows))
    drawn = [sorted(group)[-settings.most_clips_per_label :] for group in lengths.values()]
    return sum(sum(group) * (2 if settings.method == "pmf" or len(group) == 1 else 1) for group in drawn)


def _kept_bytes(tuned: TunedCopy, window: Tensor, state: Tensor, precision: str) -> tuple[int, int]:
    """What a forward keeps for the way back: whatever the number of windows, and for each window like this one."""
    one, two = (
        _saved_bytes(Drawn(tuned, [window] * n, None, [state] * n if tuned.depth else None, precision)) for n in (1, 2)
    )
    return max(0, 2 * one - two), max(0, two - one)


def _saved_bytes(drawn: Drawn) -> int:
    """What the graph of `drawn.embed()` keeps, less what is there anyhow (weights, the windows themselves)."""
    encoder = drawn.tuned.encoder
    there = [*encoder.parameters(), *encoder.buffers(), *drawn.inputs, *(drawn.states or ())]
    known = {tensor.untyped_storage().data_ptr() for tensor in there}
    kept: dict[int, int] = {}

    held: list[Tensor] = []  # while the graph is built, so that no memory is given out twice

    def note(tensor: Tensor) -> None:  # and keep nothing in the graph: an output that it keeps would never be freed
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
            held.append(tensor.detach())

    with torch.autograd.graph.saved_tensors_hooks(note, lambda _: _):
        drawn.embed()
    return sum(kept.values())


def _give_back() -> None:
    """Free what a failed attempt has left."""
    gc.collect()
    give_back()
