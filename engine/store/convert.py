"""Pickled weights to safetensors: a program of its own, started by `conversion`, never imported.

    python -I convert.py OUT IN [IN ...]

Unpickling can run any program. `weights_only` lets nothing but tensors through; should that ever fail, this process
cannot do much: it has no environment, limits on memory, time and what it writes, and it stops at the first attempt to
open a connection, start a program, or write to any file but OUT. It ends when its standard input does, that is, with
whoever started it. On standard output: one JSON line a tensor
({"bytes": so far}), last {"done": tensors} or {"refused": why}.
"""

import contextlib
import json
import os
import re
import struct
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

_MEMORY_BEYOND_FILES = 12 * 2**30  # bytes of address space; torch with CUDA maps several GiB before it does anything
_CPU_S = 1800
_TOLD = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}
_FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.fork",
    "os.forkpty",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.mkdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.kill",
    "shutil.",
    "ctypes.dlopen",
    "urllib.",
    "http.",
    "ftplib.",
    "smtplib.",
    "pty.",
    "webbrowser.",
)


class RefusedError(Exception):
    """The file holds something else than plain tensors by name."""


def limit(files_bytes: int) -> None:
    """What this process may use at most. Windows has no such limits: there, the rest has to do."""
    try:
        import resource
    except ImportError:
        return
    # twice the files: tensors are mapped, one is copied at a time, and old files cannot be mapped
    for kind, most in (
        (resource.RLIMIT_AS, 2 * files_bytes + _MEMORY_BEYOND_FILES),
        (resource.RLIMIT_FSIZE, 2 * files_bytes + 2**24),
        (resource.RLIMIT_CPU, _CPU_S),
        (resource.RLIMIT_CORE, 0),
    ):
        _soft, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError):  # macOS lists RLIMIT_AS and does not take it
            resource.setrlimit(kind, (most, most))


def lock(written: Path) -> None:
    """From here on, this process reads files and writes `written`, and does nothing else."""

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(_FORBIDDEN):
            raise PermissionError(f"{event} is not allowed here")
        if event == "open" and _writes(arguments) and str(arguments[0]) != str(written):
            raise PermissionError(f"writing {arguments[0]} is not allowed here")

    sys.addaudithook(refuse)


def _writes(arguments: tuple[object, ...]) -> bool:
    mode, flags = (*arguments[1:3], None, None)[:2]
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))


def tensors_of(path: Path) -> dict[str, object]:
    """Name to tensor, mapped from the file where its format allows."""
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
    except PermissionError:
        raise
    except Exception as error:
        raise RefusedError(_why(str(error))) from error
    if not isinstance(content, Mapping) or not content:
        raise RefusedError("it holds no list of weights")
    strange = [key for key, value in content.items() if not isinstance(key, str) or not _plain(value)]
    if strange:
        raise RefusedError(f"'{strange[0]}' in it is no plain tensor")
    return dict(content)


def _why(message: str) -> str:
    """What torch found, out of its page of advice."""
    forbidden = re.search(r"GLOBAL ([\w.]+)", message)
    if forbidden:
        return f"it asks for {forbidden[1]}"
    found = re.search(r"error: *(.+)", message)
    return (found[1] if found else message).split(". ")[0].splitlines()[0][:200] or "it is unreadable"


def _plain(value: object) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.layout is torch.strided and _dtype(value) in _TOLD


def _dtype(value: object) -> str:
    return str(getattr(value, "dtype", "")).removeprefix("torch.")


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def write(path: Path, tensors: Mapping[str, object]) -> Iterator[int]:
    """Write a safetensors file, tensor by tensor, so that no second copy of all is held; yields bytes so far.

    The format: https://github.com/huggingface/safetensors, "Format".
    """
    import torch

    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, tensor in tensors.items():
        assert isinstance(tensor, torch.Tensor)
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _TOLD[_dtype(tensor)], "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            assert isinstance(tensor, torch.Tensor)
            if tensor.numel():
                file.write(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data)
            yield file.tell()


def end_with_parent() -> None:
    """Ends this process when its standard input closes: whoever started it is gone."""
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> int:
    """Convert; 0 done, 1 refused."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    written, *sources = map(Path, sys.argv[1:])
    limit(sum(path.stat().st_size for path in sources))
    import numpy  # noqa: F401  # before the lock: loading them opens libraries
    import torch

    torch.set_num_threads(1)
    lock(written)
    try:
        tensors: dict[str, object] = {}
        for path in sources:
            tensors |= tensors_of(path)
        for size in write(written, tensors):
            print(json.dumps({"bytes": size}), flush=True)  # noqa: T201
    except (RefusedError, PermissionError, MemoryError) as error:
        print(json.dumps({"refused": str(error) or type(error).__name__}), flush=True)  # noqa: T201
        return 1
    print(json.dumps({"done": len(tensors)}), flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the thread still reads
