"""The least time that the sums alone take: floating-point operations over the measured rate of a matrix product."""

import time
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

_ROWS, _WIDTH, _INNER = 3000, 1024, 4096  # frames of 20 clips of 3 s through XLS-R's feed-forward layer
_SECONDS = 1.0
_PRODUCTS_AT_A_TIME = 50


def count_flops(work: Callable[[], object]) -> int:
    """Floating-point operations of the matrix products, convolutions and attention in `work`, also backwards."""
    counter = FlopCounterMode(display=False)
    with counter:
        work()
    return int(counter.get_total_flops())


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations a second of the best of the runs within a second: (3000, 1024) by a linear layer to 4096.

    A GPU is given many products at a time: one takes it less than telling it, and hearing that it is done.
    """
    times = 1 if device.type == "cpu" else _PRODUCTS_AT_A_TIME
    rows = torch.randn(_ROWS, _WIDTH, device=device, dtype=dtype)
    layer = nn.Linear(_WIDTH, _INNER, device=device, dtype=dtype)
    best, began = float("inf"), time.perf_counter()
    with torch.no_grad():
        layer(rows)
        while time.perf_counter() - began < _SECONDS:
            finish(device)
            started = time.perf_counter()
            for _ in range(times):
                layer(rows)
            finish(device)
            best = min(best, (time.perf_counter() - started) / times)
    return 2 * _ROWS * _WIDTH * _INNER / best


def finish(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Seconds until `work`, and what it gave to the device, is done."""
    finish(device)
    started = time.perf_counter()
    work()
    finish(device)
    return time.perf_counter() - started
