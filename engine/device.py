"""Which device computes, and what to tell the user about it."""

import os
import platform

import torch

from engine.choices import DEVICES
from engine.errors import DeviceError

_MISSING = {
    "cuda": "This machine has no CUDA device that torch can use.",
    "mps": "This machine has no Apple GPU that torch can use.",
}

_NAMES = {"cuda": "The CUDA device", "mps": "The Apple GPU"}
_TRIED_OUT: set[str] = set()  # GPUs that have computed something for this process

_CUDA_WITH_BF16 = (8, 0)  # Ampere; older cards emulate it, slower than fp32
_CPU_FLAGS_OF_BF16 = ("avx512_bf16", "amx_bf16")  # dot products of bf16 pairs in hardware, summed in fp32


def available_devices() -> tuple[str, ...]:
    """Names of what computes here, the best first; the processor is always the last."""
    return tuple(name for name in ("cuda", "mps", "cpu") if _is_there(name) and not why_unusable(name))


def _is_there(name: str) -> bool:
    if name == "cuda":
        return torch.cuda.is_available()
    return torch.backends.mps.is_available() if name == "mps" else name == "cpu"


def why_unusable(name: str) -> str:
    """Why, in PyTorch's words, a device that is there cannot compute; empty if it can, or is not there at all.

    PyTorch also lists cards that it has no kernels for, because they are too old, and those that another program has
    for itself, or has filled.
    """
    if name == "cpu" or name in _TRIED_OUT or not _is_there(name):
        return ""
    try:
        probe = torch.ones(2, 2, device=name)
        float((probe @ probe).sum())
    except (RuntimeError, NotImplementedError) as error:
        return str(error).strip().splitlines()[0].removesuffix(".")
    _TRIED_OUT.add(name)
    return ""


def is_lacking(device: torch.device, error: Exception) -> bool:
    """Whether `error` is how PyTorch says that an Apple GPU lacks an operator, or a kind of number."""
    if device.type != "mps":
        return False
    told = str(error).lower()
    words = "mps" in told and any(each in told for each in ("not implemented", "not support", "unsupported"))
    return isinstance(error, NotImplementedError | TypeError) or (isinstance(error, RuntimeError) and words)


def resolve_device(name: str = "auto") -> torch.device:
    """`auto` takes CUDA, else Apple's MPS, else the processor. DeviceError if one is asked for that is not there."""
    if name == "auto":
        return torch.device(available_devices()[0])
    if name not in DEVICES:
        raise DeviceError(f"Unknown device '{name}'.", f"Use one of {', '.join(DEVICES)}.")
    if not _is_there(name):
        raise DeviceError(_MISSING[name], "Use --device cpu or auto.")
    if why := why_unusable(name):
        raise DeviceError(f"{_NAMES[name]} cannot be used: {why}.", "Use --device cpu or auto.")
    return torch.device(name)


def has_fast_bf16(device: torch.device) -> bool:
    """Whether matrix products in bf16 are done in hardware there, so that they beat fp32. Apple's are not."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= _CUDA_WITH_BF16
    if device.type == "cpu":
        flags = torch.cpu.get_capabilities()
        return any(flags.get(name, False) for name in _CPU_FLAGS_OF_BF16)
    return False


def describe_device(device: torch.device) -> str:
    """One line for results and for the welcome page, e.g. `AMD EPYC, 2 cores` or `NVIDIA H200, 151 GB`."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name}, {properties.total_memory / 1e9:.0f} GB"
    if device.type == "mps":
        return f"Apple GPU ({platform.machine()}), up to {torch.mps.recommended_max_memory() / 1e9:.0f} GB"
    return f"{_cpu_name()}, {os.cpu_count()} cores"


def _cpu_name() -> str:
    """The processor's name where the system tells it (Linux), else its architecture."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - not a real file
            names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0].replace("(R)", "") if names else f"CPU ({platform.machine()})"
