"""How long what is kept for all methods took, so that it is charged to none of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Stopwatch:
    """Seconds on the wall, over all the times that it ran."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self, device: torch.device) -> Iterator[None]:
        """Also until `device` has done what it was given meanwhile, and not what it was given before."""
        _wait_for(device)
        started = time.perf_counter()
        yield
        _wait_for(device)
        self.seconds += time.perf_counter() - started


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
