"""Seconds an adaptation step and an adaptation take, against the loops of the papers: one run, one table of ratios.

Every variant runs in a process of its own, so that its peak of memory is its own, on the same 4 x 5 clips of 3 s. The
first run warms up and counts operations; the second is timed, step by step. What ours spends once (front end, measuring
memory, embeddings, head) is the run less its steps. Where layers are frozen their states are kept as they are drawn,
and on a GPU steps are recorded, so the first steps cost more: there all 25 are run. Elsewhere a few are timed.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, StepTaken, adapt
from engine.adaptation.recorded import nothing_recorded
from engine.bases import Base
from engine.bench.arithmetic import count_flops, finish, seconds_of
from engine.bench.reference_loop import run_steps
from engine.bench.subjects import LABELS, as_tensors, labelled_clips, make_base, make_reference, read_recording
from engine.errors import MemoryShortError
from engine.memory import PeakMemory
from engine.out_of_memory import ran_out_of_memory

STEPS = 25
_ON_FROZEN_LAYERS = ("top-4", "top-4-norms", "top-1", "extractor", "projection")


@dataclass(frozen=True)
class Variant:
    """`reference`: "pmf" or "disjoint" for a plain loop; None for ours, with the rest."""

    name: str
    reference: str | None = None
    method: str = "disjoint"
    trained: str = "all"
    precision: str = "auto"


@dataclass(frozen=True)
class Measured:
    """Seconds and operations a step, and of what is done once; peak of the process's memory while adapting."""

    step_s: float
    once_s: float
    step_flops: int
    once_flops: int
    peak_bytes: int | None

    @property
    def adaptation_s(self) -> float:
        return self.once_s + STEPS * self.step_s

    @property
    def adaptation_flops(self) -> int:
        return self.once_flops + STEPS * self.step_flops


VARIANTS = (
    Variant("(a) P>M>F, plain, fp32", reference="pmf"),
    Variant("(b) disjoint, plain, fp32", reference="disjoint"),
    Variant("(c) ours, all layers, fp32", precision="fp32"),
    Variant("(c) ours, all layers"),
    Variant("(c) ours, lora", trained="lora"),
    Variant("(c) ours, norms", trained="norms"),
    Variant("(c) ours, top-4", trained="top-4"),
    Variant("(c) ours, top-4-norms", trained="top-4-norms"),
    Variant("(c) ours, extractor", trained="extractor"),
    Variant("(c) ours, projection", trained="projection"),
    Variant("(c) ours, logistic head, nothing tuned", method="logistic"),
)


def measure_each(
    subject: str, variants: Sequence[Variant], clips: Path, device: str, steps: int
) -> Iterator[tuple[Variant, Measured | None]]:
    """Each variant in a fresh process, one after the other; None where memory does not do. `steps` are timed."""
    for variant in variants:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            try:
                measured = pool.submit(measure, subject, variant, clips, device, steps).result()
            except (MemoryShortError, BrokenExecutor):  # what the system killed breaks the pool
                measured = None
            except (RuntimeError, MemoryError) as error:
                if not ran_out_of_memory(error):
                    raise
                measured = None
        yield variant, measured


def measure(subject: str, variant: Variant, folder: Path, device_name: str, steps: int) -> Measured:
    """One variant, in this process."""
    device = torch.device(device_name)
    clips = labelled_clips(read_recording(folder))
    if variant.reference is None:
        return _measure_ours(make_base(subject), clips, variant, device, steps)
    network = make_reference(subject).to(device)
    run = partial(run_steps, network, as_tensors(clips, device), disjoint=variant.reference == "disjoint")
    with PeakMemory(device) as peak:
        flops = count_flops(partial(run, 1))
    timed = STEPS if device.type == "cuda" else max(1, steps - 1)  # it has warmed up, and spends nothing before
    return Measured(seconds_of(partial(run, timed), device) / timed, 0.0, flops, 0, peak.bytes)


def _measure_ours(
    base: Base, clips: Sequence[LabelledClip], variant: Variant, device: torch.device, steps: int
) -> Measured:
    base.encoder.to(device)
    settings = AdaptationSettings(method=variant.method, trained=variant.trained, precision=variant.precision)
    if variant.method != "disjoint" or variant.trained in _ON_FROZEN_LAYERS or device.type == "cuda":
        steps = STEPS

    def run(count: int) -> list[float]:
        """Adapt; when it began, and when each step was done. MemoryError where it has to leave the device."""
        times = [time.perf_counter()]
        for event in adapt(base, clips, LABELS, replace(settings, steps=count)):
            if isinstance(event, Adapted) and event.encoder.device.type != device.type:
                raise MemoryError(f"{variant.name} went to the processor")
            if isinstance(event, StepTaken):
                finish(device)
                times.append(time.perf_counter())
        return times

    with PeakMemory(device) as peak:
        with nothing_recorded():
            once_flops, flops = (count_flops(partial(run, count)) for count in (0, steps))
        times = run(steps)
        whole_s = time.perf_counter() - times[0]
    step_s = _mean_step(times[1:])
    return Measured(step_s, whole_s - steps * step_s, (flops - once_flops) // steps, once_flops, peak.bytes)


def _mean_step(done: Sequence[float]) -> float:
    """Seconds between steps that were done at these times; 0 where there was none."""
    return (done[-1] - done[0]) / (len(done) - 1) if len(done) > 1 else 0.0
