"""Pickled weights become safetensors, in a process that can do nothing else, and are read back."""

import os
from collections.abc import Iterator
from pathlib import Path

from engine.errors import BaseError
from engine.store.child import child
from engine.store.files import WEIGHTS, ModelFiles, parameters_of
from engine.store.steps import Step

_PROGRAM = Path(__file__).with_name("convert.py")
_KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LD_LIBRARY_PATH", "HOME")  # what Python and torch need to start


def converted(folder: Path, files: ModelFiles) -> Iterator[Step]:
    """Rewrite the pickled weights in `folder` as one safetensors file beside them. Raises BaseError."""
    total = sum((folder / name).stat().st_size for name in files.weights)
    unfinished = folder / f".{WEIGHTS}"
    arguments = [str(unfinished), *(str(folder / name) for name in files.weights)]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"OMP_NUM_THREADS": "1"}
    refused, finished, done = "", False, 0
    try:
        with child(_PROGRAM, arguments, ["-I"], environment) as helper:
            for told in helper.told():
                if told is not None:
                    done = int(told.get("bytes", done))
                    refused, finished = str(told.get("refused", "")), "done" in told
                yield Step("Rewriting the weights as safetensors", done, total)
        if not finished:
            raise _refusal(files.weights[0], refused)
        parameters_of(folder, (unfinished.name,))
        unfinished.rename(folder / WEIGHTS)
    finally:
        unfinished.unlink(missing_ok=True)


def _refusal(name: str, why: str) -> BaseError:
    if not why:
        return BaseError(
            f"{name} could not be rewritten as safetensors: the helper process ended early.",
            "Close other programs, and see that the disk has room.",
        )
    return BaseError(
        f"{name} was refused, for it holds more than weights or is damaged: {why}.",
        "Loading it could run a program on this computer. Ask for the model as safetensors.",
    )
