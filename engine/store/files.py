"""Which files of a folder make a model, what its card says of its licence, and how many parameters it has."""

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BaseError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
SHARDS = "model.safetensors.index.json"
PICKLED = "pytorch_model.bin"
PICKLED_SHARDS = "pytorch_model.bin.index.json"
CARD = "README.md"
LICENCE_UNSTATED = "as stated by the publisher of the base"
_EXTRAS = ("preprocessor_config.json", "emotions.safetensors", CARD, "LICENSE", "LICENSE.md", "LICENSE.txt")
_LONGEST_HEADER = 100 * 2**20  # bytes of JSON; the format's own limit


@dataclass(frozen=True)
class ModelFiles:
    """Names of the files of a model's folder. `pickled`: its weights must be rewritten first."""

    weights: tuple[str, ...]
    others: tuple[str, ...]
    pickled: bool

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.others, *self.weights)


def model_files(folder: Path) -> ModelFiles:
    """The files that a model needs; safetensors before pickled weights where a folder has both. Raises BaseError."""
    if not (folder / CONFIG).is_file():
        raise BaseError(f"{folder} holds no model.", f"A model is a folder with {CONFIG} and {WEIGHTS} in it.")
    others = (CONFIG, *(name for name in _EXTRAS if (folder / name).is_file()))
    if (folder / WEIGHTS).is_file():
        return ModelFiles((WEIGHTS,), others, pickled=False)
    if (folder / SHARDS).is_file():
        return ModelFiles(_shards(folder, SHARDS), (*others, SHARDS), pickled=False)
    if (folder / PICKLED).is_file():
        return ModelFiles((PICKLED,), others, pickled=True)
    if (folder / PICKLED_SHARDS).is_file():
        return ModelFiles(_shards(folder, PICKLED_SHARDS), others, pickled=True)
    raise BaseError(f"{folder} has no weights.", f"They are in {WEIGHTS} or {PICKLED}: copy that file there too.")


def _shards(folder: Path, index: str) -> tuple[str, ...]:
    """The weight files that an index lists, all of them there and none outside the folder."""
    try:
        listed = json.loads((folder / index).read_text(encoding="utf-8"))["weight_map"]
        names = sorted({str(name) for name in listed.values()})
    except (OSError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise BaseError(f"The {index} of {folder} cannot be read.", "Copy the model's folder again.") from error
    missing = [name for name in names if Path(name).name != name or not (folder / name).is_file()]
    if missing or not names:
        raise BaseError(f"{folder} lacks {', '.join(missing) or 'its weights'}.", "Copy the model's folder again.")
    return tuple(names)


def licence_of(folder: Path) -> str:
    """As the configuration of a base of ours or the card's front matter states it."""
    config = read_config(folder)
    if isinstance(config.get("licence"), str):
        return str(config["licence"])
    try:
        lines = (folder / CARD).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return LICENCE_UNSTATED
    return next((value for key, value in _front_matter(lines) if key == "license" and value), LICENCE_UNSTATED)


def _front_matter(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Plain `key: value` lines between the first two `---`, with the hub's identifiers as they are written."""
    if not lines or lines[0].strip() != "---":
        return
    for line in lines[1:]:
        if line.strip() == "---":
            return
        key, colon, value = line.partition(":")
        if colon and not key.startswith((" ", "-", "#")):
            yield key.strip(), _WRITTEN.get(value.strip().strip("'\""), value.strip().strip("'\""))


_WRITTEN = {
    "apache-2.0": "Apache-2.0",
    "mit": "MIT",
    "cc0-1.0": "CC0 1.0",
    "cc-by-4.0": "CC BY 4.0",
    "cc-by-sa-4.0": "CC BY-SA 4.0",
    "cc-by-nc-4.0": "CC BY-NC 4.0",
    "cc-by-nc-sa-4.0": "CC BY-NC-SA 4.0",
    "other": "",
    "unknown": "",
}


def read_config(folder: Path) -> dict[str, object]:
    """`config.json`; empty where it cannot be read."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def parameters_of(folder: Path, weights: tuple[str, ...]) -> int:
    """Numbers in the weights, counted from the headers of safetensors files, which are whole. Raises BaseError."""
    return sum(_numbers_in(folder / name) for name in weights)


def _numbers_in(path: Path) -> int:
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > _LONGEST_HEADER:
                raise ValueError(length)
            header = json.loads(file.read(length))
        tensors = [tensor for name, tensor in header.items() if name != "__metadata__"]
        end = max((int(tensor["data_offsets"][1]) for tensor in tensors), default=0)
        if path.stat().st_size != 8 + length + end:
            raise ValueError(end)
        return sum(math.prod(map(int, tensor["shape"])) for tensor in tensors)
    except (OSError, struct.error, LookupError, TypeError, AttributeError, ValueError) as error:
        raise BaseError(f"{path} is damaged.", "Get the file again.") from error
