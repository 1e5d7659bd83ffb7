"""Telling encoders apart by their weights, to the bit."""

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}  # by size in bytes


def fingerprint(encoder: nn.Module) -> str:
    """SHA-256 (hexadecimal) over names, dtypes, shapes and bytes of the weights, wherever they lie."""
    return combined(digests(encoder.state_dict()))


def digests(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The SHA-256 of each tensor's dtype, shape and bytes."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashing lets other threads run
        return dict(zip(tensors, pool.map(_digest, tensors.values()), strict=True))


def combined(parts: Mapping[str, str]) -> str:
    """One digest for all of `parts`, in whatever order they come."""
    lines = "".join(f"{name} {parts[name]}\n" for name in sorted(parts))
    return hashlib.sha256(lines.encode()).hexdigest()


def same_bits(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same bytes. Unlike for `torch.equal`, -0 is not 0, and a NaN equals itself."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    left, right = (tensor.detach().contiguous().view(-1).view(_INTEGERS[tensor.itemsize]) for tensor in (one, other))
    return torch.equal(left, right.to(left.device))


def _digest(tensor: Tensor) -> str:
    data = tensor.detach().cpu().contiguous()
    digest = hashlib.sha256(f"{data.dtype} {tuple(data.shape)}\n".encode())
    digest.update(data.view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
