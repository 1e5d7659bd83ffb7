"""Weights that a base has in common with the base in the folder beside it: stored there, once.

Two of the published alternatives' bundled bases sit on the very encoder in `compact-encoder`; without this each would
carry it again. `python -m engine.shared_weights RUN/base resources/bases/NAME` makes such a base of a whole one.
"""

import argparse
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.checksums import sha256_of, write_sums
from engine.choices import COMPACT_ENCODER
from engine.weights_file import write_weights

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
KEY = "shared"  # in a base's configuration


def load_weights(folder: Path, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """All weights of the base in `folder`, its neighbour's too. Raises OSError, SafetensorError, KeyError, ValueError
    where the neighbour is another than it was.
    """
    stored = load_file(folder / WEIGHTS)
    shared = config.get(KEY)
    if shared is None:
        return stored
    beside = folder.parent / shared["folder"] / WEIGHTS
    if sha256_of(beside) != shared["sha256"]:
        raise ValueError(f"{beside} is not the one that its weights are shared with")
    others = load_file(beside)
    return stored | {name: others[other] for name, other in shared["names"].items()}


def share_weights(whole: Path, neighbour: Path, target: Path) -> int:
    """Copy the base in `whole` to `target`, beside `neighbour`, without what that one holds; bytes that are left.

    Weights are the same where they are so as numbers, whatever precision each folder stores them in. Raises OSError,
    SafetensorError, ValueError where `target` is not beside `neighbour`.
    """
    if target.resolve().parent != neighbour.resolve().parent:
        raise ValueError(f"{target} does not lie beside {neighbour}")
    own, others = load_file(whole / WEIGHTS), load_file(neighbour / WEIGHTS)
    names = {name: found for name, tensor in own.items() if (found := _same(tensor, others)) is not None}
    config = json.loads((whole / CONFIG).read_text(encoding="utf-8"))
    if names:
        config[KEY] = {"folder": neighbour.name, "sha256": sha256_of(neighbour / WEIGHTS), "names": names}
    target.mkdir(exist_ok=True)
    write_weights(target / WEIGHTS, {name: own[name] for name in own if name not in names}, {"format": "pt"})
    shutil.copyfile(whole / CARD, target / CARD)
    text = json.dumps(config, ensure_ascii=False, indent=1, sort_keys=True)
    (target / CONFIG).write_text(text + "\n", encoding="utf-8")
    write_sums(target, (WEIGHTS, CONFIG, CARD))
    return (target / WEIGHTS).stat().st_size


def _same(tensor: Tensor, others: Mapping[str, Tensor]) -> str | None:
    """The name of an equal tensor; small ones are not worth it."""
    if tensor.numel() < 64 or not tensor.is_floating_point():
        return None
    for name, other in others.items():
        if other.shape == tensor.shape and torch.equal(other.float(), tensor.float()):
            return name
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("whole", type=Path, help="a base as training made it")
    parser.add_argument("target", type=Path, help=f"where it goes, beside the one called {COMPACT_ENCODER}")
    arguments = parser.parse_args()
    share_weights(arguments.whole, arguments.target.parent / COMPACT_ENCODER, arguments.target)


if __name__ == "__main__":
    main()
