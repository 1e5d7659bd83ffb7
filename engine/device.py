"""Which device computes, and what to tell the user about it."""

import os
import platform

import torch

from engine.choices import DEVICES
from engine.errors import DeviceError


def resolve_device(name: str = "auto") -> torch.device:
    """`auto` takes CUDA where there is one. DeviceError if `cuda` is asked for and missing, or unknown."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceError("This machine has no CUDA device that torch can use.", "Use --device cpu or auto.")
    if name not in DEVICES:
        raise DeviceError(f"Unknown device '{name}'.", f"Use one of {', '.join(DEVICES)}.")
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """One line for results and for the welcome page, e.g. `CPU, 2 cores` or `NVIDIA H200, 139 GB`."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name}, {properties.total_memory / 2**30:.0f} GB"
    return f"{_cpu_name()}, {os.cpu_count()} cores"


def _cpu_name() -> str:
    """The processor's name where the system tells it (Linux), else its architecture."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - not a real file
            names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0].replace("(R)", "") if names else f"CPU ({platform.machine()})"
