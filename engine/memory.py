"""How much memory there is, how much is free, and how much something took at most."""

import ctypes
import re
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil
import torch

_STATUS, _CLEAR_REFS, _CGROUP = Path("/proc/self/status"), Path("/proc/self/clear_refs"), Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")
_RESET_PEAK = "5"  # proc(5): sets VmHWM back to what is resident now


def total_bytes(device: torch.device) -> int:
    """All memory of `device`; of the processor, as much of the machine's as this process may use."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    most = [psutil.virtual_memory().total, *(limit for limit, _ in _group_limits()), *(lim for lim, _ in _own_limits())]
    return int(min(most))


def free_bytes(device: torch.device) -> int:
    """Memory of `device` that could be taken now without swapping, within the limits of this process."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # PyTorch's own, to use again
        return int(torch.cuda.mem_get_info(device)[0]) + kept
    if device.type == "mps":
        taken, kept = torch.mps.current_allocated_memory(), torch.mps.driver_allocated_memory()  # kept: to use again
        room = torch.mps.recommended_max_memory() - taken
        return int(max(0, min(room, psutil.virtual_memory().available + kept - taken)))  # one memory for all programs
    _give_back()
    free = psutil.virtual_memory().available
    return int(max(0, min([free, *(limit - used for limit, used in [*_group_limits(), *_own_limits()])])))


def _give_back() -> None:
    """Return to the system what glibc keeps of memory that was freed: gigabytes after tuning a large model, which
    would be counted as taken."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if psutil.LINUX else None
    if trim is not None:
        trim(0)


def _own_limits() -> list[tuple[int, int]]:
    """(limit, used) in bytes of `ulimit -v` and `ulimit -d`, where they are set."""
    if not psutil.LINUX:
        return []
    process = psutil.Process()
    used = process.memory_info()
    pairs = [(psutil.RLIMIT_AS, used.vms), (psutil.RLIMIT_DATA, used.data)]
    limits = [(process.rlimit(kind)[0], taken) for kind, taken in pairs]
    return [(limit, taken) for limit, taken in limits if limit != psutil.RLIM_INFINITY]


def _group_limits() -> list[tuple[int, int]]:
    """(limit, used) in bytes of the control groups that this process is in (containers, batch systems)."""
    found: list[tuple[int, int]] = []
    with suppress(OSError):
        for line in _CGROUP.read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers in ("", "memory"):
                names = ("memory.max", "memory.current", "inactive_file")
                if controllers:
                    names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
                top = _GROUPS / controllers
                group = top / path.lstrip("/")
                for folder in (group, *(parent for parent in group.parents if parent.is_relative_to(top))):
                    found += _limit_of(folder, *names)
    return found


def _limit_of(folder: Path, limit: str, used: str, files: str) -> list[tuple[int, int]]:
    """A group's limit and use, less the file cache, which is given up when memory is wanted; none where unlimited."""
    try:
        most, taken = (folder / limit).read_text().strip(), int((folder / used).read_text())
        cached = re.search(rf"^{files} (\d+)$", (folder / "memory.stat").read_text(), re.MULTILINE)
    except (OSError, ValueError):  # the root group has none of them, and a container may not show its parents
        return []
    return [(int(most), taken - (int(cached[1]) if cached else 0))] if most.isdigit() else []


class PeakMemory:
    """The most memory that was taken while its block ran, in `bytes` afterwards; None where the system does not tell.

    Of a CUDA device, what tensors of this process took; of the processor, all of the process. Works for the
    whole process: blocks inside one another spoil the outer one's figure.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._before = 0
        self._reset = False
        self.bytes: int | None = None

    def __enter__(self) -> "PeakMemory":
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        elif self._device.type == "cpu":
            try:
                _CLEAR_REFS.write_text(_RESET_PEAK)
                self._reset = True
            except OSError:  # not Linux, or not allowed: the mark of before stays, and may not be passed
                self._before = _highest_resident_bytes()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.measure()

    def measure(self) -> int | None:
        """The peak up to now."""
        if self._device.type == "cuda":
            self.bytes = int(torch.cuda.max_memory_allocated(self._device))
        elif self._device.type == "cpu":
            highest = _highest_resident_bytes()
            self.bytes = highest if self._reset or highest > self._before else None
        return self.bytes


def _highest_resident_bytes() -> int:
    """The high-water mark of this process: of all its life, or since `_RESET_PEAK` where the system has that."""
    if psutil.WINDOWS:
        return int(psutil.Process().memory_info().peak_wset)
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    import resource  # there is none on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if psutil.MACOS else 1024)
