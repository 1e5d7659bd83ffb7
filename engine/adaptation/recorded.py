"""Steps of tuning as a CUDA graph: a GPU is told of them once, and then plays them again.

A step is one to three thousand kernels, and a GPU is done with most of them before Python has told it of the next. On
an H100 a graph of the same kernels takes 7 ms instead of 42 on the bundled base, and 34 instead of 120 on XLS-R 300M,
all layers tuned; recording it takes 60 to 130 ms. A graph works on the same memory each time it is played, so what is
drawn anew in a step (masks, states of frozen layers, who is asked) is copied to where it was.
"""

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from engine.adaptation.asked import Asked, InnerEpisode, LossOf
from engine.adaptation.clips import PreparedClip
from engine.adaptation.drawn import Drawn
from engine.adaptation.optimiser import Optimiser
from engine.adaptation.settings import AdaptationSettings
from engine.out_of_memory import give_back, ran_out_of_memory
from engine.specaugment import ClipMasks

_WARM_UP_STEPS = 2  # told one by one: libraries and Adam take their memory then, which must not be in the graph
_LEAST_STEPS = _WARM_UP_STEPS + 4  # fewer are not worth the recording
_ALLOWED = ContextVar("allowed", default=True)
_REFUSED: list[str] = []  # why a recording failed in this process: PyTorch 2.11 does not clean up after one


@contextmanager
def nothing_recorded() -> Iterator[None]:
    """Within, all steps are told one by one: for a counter of operations, which does not see what is played."""
    token = _ALLOWED.set(False)
    try:
        yield
    finally:
        _ALLOWED.reset(token)


def can_record(clips: Sequence[PreparedClip], settings: AdaptationSettings, device: torch.device) -> bool:
    """Whether there is a CUDA device, and every step takes the same windows: each clip has one, and all take part."""
    most = max(Counter(clip.label for clip in clips).values())
    return (
        device.type == "cuda"
        and _ALLOWED.get()
        and not _REFUSED
        and settings.steps >= _LEAST_STEPS
        and most <= settings.most_clips_per_label
        and all(len(clip.windows) == 1 for clip in clips)
    )


class StaticStep:
    """A step whose tensors stay where they are. `loss` (a scalar) is that of the last run."""

    def __init__(self, drawn: Drawn, asked: Asked, loss_of: LossOf, optimiser: Optimiser) -> None:
        device = drawn.tuned.encoder.device
        self.loss = torch.zeros((), device=device)
        self._asked = asked
        self._loss_of = loss_of
        self._optimiser = optimiser
        self._flags: Tensor | None = None  # all masks, so that one copy brings new ones
        masks: list[ClipMasks] | None = None
        if drawn.masks is not None:
            self._flags = _joined(drawn.masks).to(device)
            masks = _parts(self._flags, drawn.masks)
        states = None if drawn.states is None else [state.clone() for state in drawn.states]
        self._drawn = replace(drawn, masks=masks, states=states)

    def load(self, drawn: Drawn, asked: Asked) -> None:
        """Take what was drawn for the next run: the same windows in the same order, with other masks or states."""
        self._asked.copy_(asked)
        if self._flags is not None and drawn.masks is not None:
            self._flags.copy_(_joined(drawn.masks))
        for mine, new in zip(self._drawn.states or (), drawn.states or (), strict=True):
            mine.copy_(new)

    def run(self) -> None:
        """Forward, backward, and a step of Adam."""
        loss = self._loss_of(self._drawn.embed(), self._asked)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self.loss.copy_(loss.detach())


class RecordedSteps:
    """Takes steps that all have the same windows in the same order (`can_record`), on a CUDA device.

    `labels`: of all clips. Where the model does something that cannot be recorded, or memory does not do for a
    recording, all steps are told one by one.
    """

    def __init__(self, labels: Sequence[int], loss_of: LossOf, optimiser: Optimiser) -> None:
        self._labels = labels
        self._loss_of = loss_of
        self._optimiser = optimiser
        self._step: StaticStep | None = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._told = 0
        self._can_record = True

    def take(self, drawn: Drawn, episode: InnerEpisode) -> float:
        """One step, of the windows that were drawn for `episode`; its loss."""
        order = sorted(range(len(drawn.inputs)), key=episode.positions.__getitem__)  # the same windows in every step
        drawn = drawn.in_order(order)
        asked = Asked.of(episode, self._labels, drawn.tuned.encoder.device, _places(order))
        if self._step is None:
            self._step = StaticStep(drawn, asked, self._loss_of, self._optimiser)
        else:
            self._step.load(drawn, asked)
        if self._told == _WARM_UP_STEPS and self._can_record and self._graph is None:
            self._record(self._step)
        if self._graph is not None:
            self._graph.replay()
        elif self._told == _WARM_UP_STEPS - 1:
            self._try(self._step)
        else:
            self._tell(self._step)
        return float(self._step.loss)

    def _tell(self, step: StaticStep) -> None:
        """Run it one kernel after the other, on the stream that it will be recorded on."""
        stream = _stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            step.run()
        torch.cuda.current_stream().wait_stream(stream)
        self._told += 1

    def _try(self, step: StaticStep) -> None:
        """Tell it with an eye on whether anything in it waits for the GPU, which cannot be recorded."""
        try:
            with _waiting_fails():
                self._tell(step)
        except RuntimeError as error:
            if ran_out_of_memory(error):
                raise
            self._can_record = False
            self._optimiser.drop_gradients()
        if not self._can_record:
            self._tell(step)

    def _record(self, step: StaticStep) -> None:
        """Record `step`, which does nothing yet; or find that it cannot be."""
        current, graph = torch.cuda.current_stream(), torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=_stream(), capture_error_mode="thread_local"):
                step.run()
            self._graph = graph
        except RuntimeError as error:
            self._can_record = False
            if not ran_out_of_memory(error):
                _REFUSED.append(str(error))
        finally:
            torch.cuda.set_stream(current)  # a recording that fails leaves its own in place
        if self._graph is None:
            del graph
            self._optimiser.drop_gradients()
            give_back()


@contextmanager
def _waiting_fails() -> Iterator[None]:
    """Within, an operation that waits for the GPU raises RuntimeError."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns, once, that it does not find all of them
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


@cache
def _stream() -> torch.cuda.Stream:
    """One for all recordings: PyTorch keeps some memory for every stream that was used."""
    return torch.cuda.Stream()  # type: ignore[no-untyped-call]


def _places(order: Sequence[int]) -> list[int]:
    """Where in `order` each number is."""
    places = [0] * len(order)
    for place, number in enumerate(order):
        places[number] = place
    return places


def _joined(masks: Sequence[ClipMasks]) -> Tensor:
    return torch.cat([part for each in masks for part in (each.time, each.channels)])


def _parts(together: Tensor, masks: Sequence[ClipMasks]) -> list[ClipMasks]:
    """Masks of the sizes of `masks`, each a part of what `_joined` made."""
    sizes = [len(part) for each in masks for part in (each.time, each.channels)]
    parts = iter(torch.split(together, sizes))
    return [ClipMasks(time, channels) for time, channels in zip(parts, parts, strict=True)]
