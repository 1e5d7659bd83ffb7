"""Make the speaker encoder's file from the wheel of Resemblyzer on the package index.

pip download --no-deps resemblyzer==0.1.4
python packaging/convert_ge2e.py Resemblyzer-0.1.4-py3-none-any.whl resources/streams/ge2e
"""

import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

import torch

from engine.systems.multigate.ge2e import CONFIG, WEIGHTS, SpeakerEncoder
from engine.weights_file import write_weights

_PICKLED = "resemblyzer/pretrained.pt"
_LICENCE = "Resemblyzer-0.1.4.dist-info/LICENSE"
_NOTE = """The weights in this folder are those of Resemblyzer 0.1.4 by Resemble AI (Corentin Jemine), the file
{pickled} of its wheel (sha256 of the wheel {wheel},
of that file {weights}),
in half precision and without the parts that only training needs. Their licence:

"""


def convert(wheel: Path, folder: Path) -> None:
    """Write `folder` with weights in half precision, facts and licence. Only tensors are ever unpickled."""
    with zipfile.ZipFile(wheel) as archive:
        pickled, licence = archive.read(_PICKLED), archive.read(_LICENCE).decode()
    state = torch.load(io.BytesIO(pickled), map_location="cpu", weights_only=True)["model_state"]
    encoder = SpeakerEncoder()
    encoder.load_state_dict({name: tensor for name, tensor in state.items() if not name.startswith("similarity_")})
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder / WEIGHTS, {name: tensor.half() for name, tensor in encoder.state_dict().items()})
    sums = {"wheel": hashlib.sha256(wheel.read_bytes()).hexdigest(), "weights": hashlib.sha256(pickled).hexdigest()}
    facts = {
        "format": "serstudio-stream",
        "stream": "ge2e",
        "source": "Resemblyzer 0.1.4, Resemble AI",
        "licence": "Apache-2.0 (GE2E speaker encoder of Resemblyzer)",
        "sha256": sums,
    }
    (folder / CONFIG).write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (folder / "LICENCE").write_text(_NOTE.format(pickled=_PICKLED, **sums) + licence, encoding="utf-8")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
