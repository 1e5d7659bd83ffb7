"""Make the folder of a BYOL-A stream from a published file of weights (https://github.com/nttcslab/byol-a).

python packaging/convert_byola.py AudioNTT2020-BYOLA-64x96d2048.pth FOLDER [--statistics MEAN DEVIATION]

Then `byola:FOLDER` in a recipe's [streams]. Read the licence of the weights first: it is for evaluation, and they are
not to be passed on, nor is a model that holds them.
"""

import argparse
import json
import pickle
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from engine.checksums import sha256_of
from engine.errors import BaseError
from engine.systems.multigate.byola import CONFIG, WEIGHTS, AudioEncoder, Layout
from engine.weights_file import write_weights

_LICENCE = "NTT's own licence (BYOL-A): internal evaluation only, non-commercial, no derivatives, not to be passed on"
_NOTE = """The weights in this folder are those of {source} (sha256 {sha256}),
in half precision, with the batch norms made part of the convolutions.

They are NTT's, under the "Software license agreement for evaluation" that lies beside the file they were made from:
https://github.com/nttcslab/byol-a, LICENSE. It allows testing and evaluating what the papers of BYOL-A show, and
forbids to pass the weights on. A base that was trained with this stream holds them, and so does a model that is
adapted from it and exported whole.
"""
_HINT = "Use a published one, such as AudioNTT2020-BYOLA-64x96d2048.pth of github.com/nttcslab/byol-a."
_NAME = re.compile(r"(?:^|\.)((?:features|fc)\.\d+\.\w+)$")  # the encoder may lie inside another network
_STATISTICS = {2020: (-5.4919195, 5.0389895), 2022: (-9.660292, 4.7219563)}  # of the published examples
_YEARS = {3: 2020, 2: 2022}  # by convolutions
_VARIANCE_FLOOR = 1e-5  # of PyTorch's batch norm
_BLOCK = 4  # convolution, batch norm, ReLU, pooling: numbers in `features`
_UNFIT = (KeyError, TypeError, ValueError, RuntimeError)  # of weights that have other names or shapes


def convert(published: Path, folder: Path, statistics: tuple[float, float] | None = None) -> None:
    """Write `folder` with weights in half precision and facts. Only tensors are ever unpickled. Raises BaseError.

    statistics: mean and deviation of the log-mel spectrograms of the speech it is to hear; None: those of the
    published examples.
    """
    try:
        encoder = _encoder(_read(published), statistics)
    except (OSError, EOFError, pickle.UnpicklingError, AttributeError, *_UNFIT) as error:
        raise BaseError(f"{published} holds no weights of BYOL-A.", _HINT) from error
    state = {name: tensor.half() for name, tensor in encoder.state_dict().items()}
    if not all(bool(tensor.isfinite().all()) for tensor in state.values()):
        raise BaseError(f"{published} holds values that are not numbers.", _HINT)
    source = {"source": published.name, "sha256": sha256_of(published)}
    facts = {
        "format": "serstudio-stream",
        "stream": "byola",
        "licence": _LICENCE,
        "layout": asdict(encoder.layout),
        **source,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_weights(folder / WEIGHTS, state)
        (folder / CONFIG).write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        (folder / "LICENCE").write_text(_NOTE.format(**source), encoding="utf-8")
    except OSError as error:
        raise BaseError(f"{folder} could not be written.", "Choose another folder.") from error


def _read(published: Path) -> dict[str, Tensor]:
    """The encoder's tensors by their names in it, in double precision."""
    state = torch.load(published, map_location="cpu", weights_only=True)
    if isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        match = _NAME.search(name)
        if match and match[1] in found:
            raise ValueError("two encoders")
        if match:
            found[match[1]] = tensor.double()
    return found


def _encoder(found: Mapping[str, Tensor], statistics: tuple[float, float] | None) -> AudioEncoder:
    """The encoder of these tensors. Raises what `_UNFIT` lists."""
    blocks = sum(name.endswith("running_mean") for name in found)
    year = _YEARS[blocks]
    state = {
        f"{ours}.{part}": found[f"{theirs}.{part}"]
        for ours, theirs in (("hidden", "fc.0"), ("output", "fc.3"))
        for part in ("weight", "bias")
    }
    for block in range(blocks):
        convolution, norm = f"features.{_BLOCK * block}", f"features.{_BLOCK * block + 1}"
        scale = found[f"{norm}.weight"] / (found[f"{norm}.running_var"] + _VARIANCE_FLOOR).sqrt()
        centred = found[f"{convolution}.bias"] - found[f"{norm}.running_mean"]
        state[f"convolutions.{block}.weight"] = found[f"{convolution}.weight"] * scale[:, None, None, None]
        state[f"convolutions.{block}.bias"] = centred * scale + found[f"{norm}.bias"]
    widths = len(state["hidden.bias"]), len(state["output.bias"])
    encoder = AudioEncoder(Layout(year, *widths, *(statistics or _STATISTICS[year])))
    encoder.load_state_dict(state)
    return encoder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("published", type=Path, metavar="FILE.pth")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--statistics", type=float, nargs=2, metavar=("MEAN", "DEVIATION"))
    arguments = parser.parse_args()
    statistics = tuple(arguments.statistics) if arguments.statistics else None
    try:
        convert(arguments.published, arguments.folder, statistics)
    except BaseError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
