"""How much memory is free where adapting runs, for the status bar."""

from collections.abc import Iterator

from engine.device import describe_device, resolve_device
from engine.memory import free_bytes, total_bytes
from serstudio.usecases.events import Done, Event
from serstudio.usecases.requests import MeasureMemory, MemoryMeasured

_SHORT_NAMES = {"cpu": "CPU", "mps": "Apple GPU"}


def measure_memory(request: MeasureMemory) -> Iterator[Event]:  # noqa: ARG001 - all use-cases take one
    """Of the best device; a GPU is named as its driver names it."""
    device = resolve_device("auto")
    name = _SHORT_NAMES.get(device.type) or describe_device(device).split(",")[0]
    yield Done(MemoryMeasured(name, free_bytes(device), total_bytes(device)))
