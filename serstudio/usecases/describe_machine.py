"""The machine in one line, for the welcome page; it also warms up the process that it runs in."""

import os
from collections.abc import Iterator

from engine.adaptation import resolve_settings
from engine.adaptation.estimate import estimate_adaptation_s, time_step_s
from engine.bases import load_base
from engine.device import describe_device, resolve_device
from serstudio.usecases.events import Done, Event
from serstudio.usecases.requests import DescribeMachine, MachineDescribed


def describe_machine(request: DescribeMachine) -> Iterator[Event]:  # noqa: ARG001 - all use-cases take one
    """Time a few steps on the best device."""
    device = resolve_device("auto")
    base = load_base()
    base.encoder.to(device)
    settings = resolve_settings(base.recommended)
    step_s = time_step_s(base, settings)
    seconds = estimate_adaptation_s(base, settings, step_s)
    name = describe_device(device) if device.type == "cuda" else f"CPU, {os.cpu_count()} cores"
    text = f"{name}: adapting takes about {_rounded(seconds)}"
    devices = ("cuda", "cpu") if device.type == "cuda" else ("cpu",)
    yield Done(MachineDescribed(text, devices, seconds, step_s, base.recommended))


def _rounded(seconds: float) -> str:
    """An estimate must not look more exact than it is."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 100:
        return f"{round(seconds / 5) * 5} s"
    return f"{round(seconds / 60)} minutes"
