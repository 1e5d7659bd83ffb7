"""An adapted model as a folder: `model.safetensors`, `config.json`, `README.md`. Nothing is ever unpickled.

The folder holds all that is needed to classify: the encoder whole, the prototypes, the labels. It does not
refer to the base or to the project, so that it can be given away.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.device import resolve_device
from engine.encoder import EmotionEncoder, build_encoder
from engine.errors import ModelFolderError
from engine.prototypes import Prototypes

FORMAT = "serstudio-model"
FORMAT_VERSION = 1
_CONFIG, _WEIGHTS, _CARD = "config.json", "model.safetensors", "README.md"


@dataclass(frozen=True)
class LabelSpec:
    """A label as the user made it; `clips` and `speakers` tell what its prototype was made from."""

    name: str
    colour: str
    symbol: str
    key: str
    clips: int
    speakers: int


@dataclass(frozen=True)
class AdaptedModel:
    """A model that classifies. `origin` says how it was made (JSON values only)."""

    encoder: EmotionEncoder
    prototypes: Prototypes
    labels: tuple[LabelSpec, ...]
    language: str
    base: str
    base_licence: str
    standardised: bool
    origin: Mapping[str, Any]

    def to(self, device: torch.device) -> "AdaptedModel":
        """This model with its encoder and prototypes on `device`."""
        prototypes = Prototypes(
            self.prototypes.vectors.to(device),
            self.prototypes.centre.to(device),
            self.prototypes.spread.to(device),
            self.prototypes.scale,
        )
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return AdaptedModel(**(fields | {"encoder": self.encoder.to(device), "prototypes": prototypes}))


def save_model(model: AdaptedModel, folder: Path, card: str) -> None:
    """Write `model` into `folder`, which must exist and be empty. Raises ModelFolderError."""
    tensors = {f"encoder.{name}": tensor for name, tensor in model.encoder.state_dict().items()}
    tensors["prototypes.vectors"] = model.prototypes.vectors
    tensors["prototypes.centre"] = model.prototypes.centre
    tensors["prototypes.spread"] = model.prototypes.spread
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "language": model.language,
        "labels": [asdict(label) for label in model.labels],
        "base": model.base,
        "base_licence": model.base_licence,
        "standardised": model.standardised,
        "cosine_scale": model.prototypes.scale,
        "encoder": model.encoder.specification(),
        "origin": dict(model.origin),
    }
    try:
        weights = folder / _WEIGHTS
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, weights)
        config["weights_sha256"] = _sha256(weights)
        text = json.dumps(config, ensure_ascii=False, indent=1, sort_keys=True)
        (folder / _CONFIG).write_text(text + "\n", encoding="utf-8")
        (folder / _CARD).write_text(card, encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise ModelFolderError(f"The model could not be written to {folder}.", "Is the disk full?") from error


def load_model(folder: Path | str, device: str = "auto") -> AdaptedModel:
    """Read a model folder and put it on `device`. Raises ModelFolderError, DeviceError."""
    folder = Path(folder)
    target = resolve_device(device)
    config = _read_config(folder)
    if _sha256(folder / _WEIGHTS) != config["weights_sha256"]:
        raise _damaged(folder, "its weights differ from those that were written")
    try:
        tensors = load_file(folder / _WEIGHTS)
        encoder = build_encoder(config["encoder"])
        prefix = "encoder."
        encoder.load_state_dict(
            {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        )
        prototypes = _prototypes(tensors, float(config["cosine_scale"]))
        labels = tuple(LabelSpec(**label) for label in config["labels"])
        model = AdaptedModel(
            encoder=encoder,
            prototypes=prototypes,
            labels=labels,
            language=config["language"],
            base=config["base"],
            base_licence=config["base_licence"],
            standardised=config["standardised"],
            origin=config["origin"],
        )
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise _damaged(folder, "its parts do not fit together") from error
    if len(labels) != len(prototypes.vectors):
        raise _damaged(folder, "it has not one prototype a label")
    return model.to(target)


def is_model_folder(folder: Path) -> bool:
    """Whether `folder` claims to hold an adapted model."""
    return (folder / _CONFIG).is_file() and (folder / _WEIGHTS).is_file()


def _read_config(folder: Path) -> dict[str, Any]:
    if not is_model_folder(folder):
        raise ModelFolderError(
            f"{folder} holds no adapted model.", f"A model folder has a {_CONFIG} and a {_WEIGHTS} in it."
        )
    try:
        config: dict[str, Any] = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        version = int(config["format_version"])
        known = config["format"] == FORMAT and "weights_sha256" in config
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, f"its {_CONFIG} cannot be read") from error
    if not known:
        raise ModelFolderError(f"{folder} was not written by SER Studio.", "Export a model with it first.")
    if version > FORMAT_VERSION:
        raise ModelFolderError(f"{folder} was written by a newer SER Studio.", "Install the newest version.")
    return config


def _prototypes(tensors: dict[str, Tensor], scale: float) -> Prototypes:
    prototypes = Prototypes(
        tensors["prototypes.vectors"], tensors["prototypes.centre"], tensors["prototypes.spread"], scale
    )
    if not math.isfinite(float(prototypes.vectors.sum())):
        raise ValueError("prototypes are not numbers")
    return prototypes


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(folder: Path, why: str) -> ModelFolderError:
    return ModelFolderError(f"The model in {folder} is damaged: {why}.", "Ask for the folder again, or export again.")
