"""The machine in one line, for the welcome page; it also warms up the process that it runs in."""

import os
from collections.abc import Iterator

from engine.adaptation import resolve_settings
from engine.adaptation.estimate import estimate_adaptation_s, known_step_seconds, step_seconds
from engine.bases import load_base
from engine.device import available_devices, describe_device, resolve_device
from engine.out_of_memory import moved
from engine.precision_choice import chosen_precision
from serstudio.usecases.events import Done, Event
from serstudio.usecases.requests import DescribeMachine, MachineDescribed


def describe_machine(request: DescribeMachine) -> Iterator[Event]:
    """Look at the best device; what takes long to measure was measured once and is kept."""
    base = load_base()
    moved(base.encoder, resolve_device("auto"))
    device = base.encoder.device
    settings = resolve_settings(base.recommended)
    precision = chosen_precision(base.encoder)
    seconds = estimate_adaptation_s(base, settings)
    step_s = step_seconds(base, settings) if request.tuning else known_step_seconds(base, settings)
    name = f"CPU, {os.cpu_count()} cores" if device.type == "cpu" else describe_device(device)
    text = f"{name}: adapting takes {_rounded(seconds)}"
    emotions = () if base.emotions is None else base.emotions.names
    yield Done(MachineDescribed(text, available_devices(), seconds, step_s, precision, base.recommended, emotions))


def _rounded(seconds: float) -> str:
    """An estimate must not look more exact than it is."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 100:
        return f"about {round(seconds / 5) * 5} s"
    return f"about {round(seconds / 60)} minutes"
