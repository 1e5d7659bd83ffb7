"""What was measured of this machine and is kept, so that it is measured once; and whether the machine is calm."""

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs
import psutil
import torch

from engine.device import describe_device
from engine.user_path import user_path

MOST_BY_OTHERS = 0.15  # of all cores' time while measuring; more, and the times tell of the others


def cache_folder() -> Path:
    """Where measurements are kept: $SERSTUDIO_CACHE, else the user's own cache folder. It may not exist."""
    named = os.environ.get("SERSTUDIO_CACHE")
    root = user_path(named) if named else platformdirs.user_cache_path("serstudio", appauthor=False)
    return root / "measurements"


def measurement_file(kind: str, device: torch.device, *of: object) -> Path:
    """Where the measurement `kind` of what `of` names is kept; for this device, PyTorch and number of threads."""
    machine = (describe_device(device), torch.__version__, torch.get_num_threads())
    text = json.dumps([machine, of], sort_keys=True, default=str)
    return cache_folder() / f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:20]}.json"


def read_measurement(file: Path) -> dict[str, Any] | None:
    """What is kept in `file`; None where there is nothing that can be read."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) else None


def can_keep(file: Path) -> bool:
    """Whether `file` could be written; its folder is made."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        return os.access(file.parent, os.W_OK)
    return False


def keep_measurement(file: Path, values: dict[str, Any]) -> None:
    """Write `values`, whole or not at all. A measurement that cannot be kept is made again: no error."""
    own = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        own.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        own.replace(file)
    with suppress(OSError):
        own.unlink(missing_ok=True)


class Others:
    """What share of all cores' time other processes take from now on."""

    def __init__(self) -> None:
        self._before = self._look()

    @property
    def share(self) -> float:
        wall_s, busy_s, own_s = (now - then for now, then in zip(self._look(), self._before, strict=True))
        return (busy_s - own_s) / max(1e-9, wall_s * (psutil.cpu_count() or 1))

    @property
    def are_calm(self) -> bool:
        return self.share <= MOST_BY_OTHERS

    @staticmethod
    def _look() -> tuple[float, float, float]:
        """Seconds by the clock, of all cores at work, and of this process at work."""
        times = psutil.cpu_times()
        return time.perf_counter(), times.user + times.system + getattr(times, "nice", 0.0), time.process_time()
