"""Writing safetensors files."""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor


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
