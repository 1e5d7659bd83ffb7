"""Writing safetensors files."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.fingerprint import same_bits


def write_weights(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write `tensors` to `path`. Raises OSError, SafetensorError.

    safetensors lets nobody but the owner read what it writes. Models are handed on, so the file gets the mode of
    any other new file of this user.
    """
    path.touch()
    mode = path.stat().st_mode
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(stored, path, None if metadata is None else dict(metadata))
    path.chmod(mode)


def fits_half(tensor: Tensor) -> bool:
    """Whether half precision loses nothing of `tensor`: weights that were published so, and not tuned since."""
    return tensor.is_floating_point() and same_bits(tensor, tensor.to(torch.float16).to(tensor.dtype))


def smallest(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`tensors`, those in half precision that lose nothing by it."""
    return {name: tensor.to(torch.float16) if fits_half(tensor) else tensor for name, tensor in tensors.items()}
