"""A base, and its folder: `config.json`, `model.safetensors`, `README.md` (the model card), `SHA256SUMS`, and
`emotions.safetensors` where the base knows emotions by their names, a vector each.

The folder holds all that adaptation starts from and how it was made: the architecture, the weights (half
precision allowed), the licence that they inherit, what adaptation was measured to be best for it, and the
recipe, corpora, seed and figures of its training. Nothing is ever unpickled.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.backbones.protocol import Backbone
from engine.checksums import write_sums, wrong_sums
from engine.choices import Recommended
from engine.encoder import EmotionEncoder, build_backbone, build_encoder
from engine.errors import BaseError
from engine.heads import COSINE_SCALE
from engine.known_emotions import KnownEmotions
from engine.shared_weights import CARD, CONFIG, WEIGHTS, load_weights
from engine.weights_file import write_weights

FORMAT = "serstudio-base"
FORMAT_VERSION = 1
EMOTIONS = "emotions.safetensors"
_EXTRACTOR = "extractor."  # in the weights file; the backbone's tensors have the names that they were published under
_DTYPES = {"float16": torch.float16, "float32": torch.float32}


@dataclass(frozen=True)
class Base:
    """An encoder to start from.

    `standardised`: whether its embeddings need it (see `engine.heads.frame`); `recommended`: how it is best adapted;
    `cosine_scale`: learnt in meta-training and kept as it is in adaptation; `training`: how it was made;
    `emotions`: what it knows of emotions by their names.
    """

    name: str
    encoder: EmotionEncoder
    standardised: bool
    licence: str
    recommended: Recommended = field(default_factory=Recommended)
    cosine_scale: float = COSINE_SCALE
    training: Mapping[str, Any] = field(default_factory=dict)
    emotions: KnownEmotions | None = None

    def known_by_name(self, labels: Sequence[str]) -> Tensor | None:
        """What it knows of `labels` by their names (labels, embedding size); see `KnownEmotions.of_labels`."""
        return None if self.emotions is None else self.emotions.of_labels(labels)

    def labels_known(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Those of `labels` of which `known_by_name` tells something."""
        return () if self.emotions is None else tuple(labels[position] for position in self.emotions.places(labels))


def save_base(base: Base, folder: Path, card: str, training: Mapping[str, Any], dtype: str = "float32") -> None:
    """Write `base` as `folder`, whole or not at all; an earlier base there is replaced. Raises BaseError.

    training: JSON values (recipe text, clips a corpus, seed, figures); dtype: "float32" or "float16".
    """
    if folder.exists() and any(folder.iterdir()) and not is_base_folder(folder):
        raise BaseError(f"{folder} is not empty.", "Choose a new folder.")
    staging = folder.with_name(f".{folder.name}")
    shutil.rmtree(staging, ignore_errors=True)  # of a writer that was killed
    try:
        staging.mkdir(parents=True)
        tensors = {name: tensor.to(_DTYPES[dtype]) for name, tensor in _tensors(base.encoder).items()}
        write_weights(staging / WEIGHTS, tensors, {"format": "pt"})
        if base.emotions is not None:
            write_emotions(base.emotions, staging)
        (staging / CARD).write_text(card, encoding="utf-8")
        write_config(base, staging, training, dtype)
        _replace(folder, staging)
    except (OSError, SafetensorError) as error:
        raise BaseError(f"The base could not be written to {folder}.", "Is the disk full?") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_emotions(emotions: KnownEmotions, folder: Path) -> None:
    """Write what a base knows of emotions by their names into its folder."""
    write_weights(folder / EMOTIONS, emotions.by_name())


def _read_emotions(folder: Path) -> KnownEmotions | None:
    if not (folder / EMOTIONS).is_file():
        return None
    return KnownEmotions.from_names(load_file(folder / EMOTIONS))


def write_config(base: Base, folder: Path, training: Mapping[str, Any], dtype: str) -> None:
    """Write `config.json` and the checksums of a folder whose weights and card are there."""
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": base.name,
        "encoder": base.encoder.specification(),
        "dtype": dtype,
        "standardised": base.standardised,
        "cosine_scale": base.cosine_scale,
        "licence": base.licence,
        "recommended": asdict(base.recommended),
        "training": dict(training),
    }
    text = json.dumps(config, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")
    write_sums(folder, (WEIGHTS, CONFIG, CARD, *([EMOTIONS] if (folder / EMOTIONS).is_file() else [])))


def is_base_folder(folder: Path) -> bool:
    """Whether `folder` claims to hold a base."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("format") == FORMAT


def load_base_folder(folder: Path) -> Base:
    """Read a base, on the CPU in single precision. Raises BaseError."""
    config = _read_config(folder)
    try:
        encoder = build_encoder(config["encoder"])
        _fill(_tensors(encoder), load_weights(folder, config))
        return Base(
            name=config["name"],
            encoder=encoder,
            standardised=config["standardised"],
            licence=config["licence"],
            recommended=Recommended(**config["recommended"]),
            cosine_scale=float(config["cosine_scale"]),
            training=config["training"],
            emotions=_read_emotions(folder),
        )
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise _damaged(folder, "its parts do not fit together") from error


def load_backbone(folder: Path, read_layers: tuple[int, ...] = ()) -> tuple[Backbone, Mapping[str, Any]]:
    """A base's backbone alone, read at `read_layers` or at its highest one, and the folder's configuration.

    Raises BaseError, also where the folder does not hold as many layers.
    """
    config = _read_config(folder)
    try:
        specification = dict(config["encoder"]["backbone"])
        specification["read_layers"] = read_layers or (max(specification["read_layers"]),)
        backbone = build_backbone(specification)
        stored = load_weights(folder, config)
        if not set(backbone.state_dict()) <= set(stored):
            raise BaseError(f"{folder} holds fewer than {max(read_layers)} layers.", "Read a lower layer.")
        _fill(backbone.state_dict(), stored)
        return backbone, config
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise _damaged(folder, "its parts do not fit together") from error


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """All weights of a base under their names in the encoder, in single precision. Raises BaseError."""
    config = _read_config(folder)
    try:
        stored = load_weights(folder, config)
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise _damaged(folder, "its weights cannot be read") from error
    return {
        name if name.startswith(_EXTRACTOR) else f"backbone.{name}": tensor.float()
        if tensor.is_floating_point()
        else tensor
        for name, tensor in stored.items()
    }


def _read_config(folder: Path) -> dict[str, Any]:
    """The configuration of a folder that is whole. Raises BaseError."""
    if not is_base_folder(folder):
        raise BaseError(f"{folder} holds no base.", f"A base is a folder with {CONFIG} and {WEIGHTS} in it.")
    if not (folder / WEIGHTS).is_file():
        raise _damaged(folder, f"it has no {WEIGHTS}")
    try:
        wrong = wrong_sums(folder)
    except OSError as error:
        raise BaseError(
            f"The base in {folder} could not be read ({error.strerror or error}).",
            "Check that you may read the files in it, or copy them again.",
        ) from error
    if wrong:
        raise _damaged(folder, f"the checksum of {', '.join(wrong)} is wrong")
    config: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    version = config.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise BaseError(f"{folder} was written by a newer SER Studio.", "Install the newest version.")
    return config


def _tensors(encoder: EmotionEncoder) -> dict[str, Tensor]:
    """Every tensor of the encoder under its name in the weights file."""
    return dict(encoder.backbone.state_dict()) | {
        _EXTRACTOR + name: tensor for name, tensor in encoder.extractor.state_dict().items()
    }


def _fill(tensors: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> None:
    """Copy the weights in. More may be stored than is built: layers above the highest one read are not."""
    with torch.no_grad():
        for name, tensor in tensors.items():
            if stored[name].shape != tensor.shape:
                raise ValueError(f"{name} has shape {tuple(stored[name].shape)}, not {tuple(tensor.shape)}")
            tensor.copy_(stored[name])


def _replace(folder: Path, staging: Path) -> None:
    """Put `staging` where `folder` is, by renaming."""
    if folder.exists():
        old = staging.with_name(f"{staging.name}-old")
        shutil.rmtree(old, ignore_errors=True)  # of a writer that was killed at the last line below
        folder.rename(old)
        staging.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        staging.rename(folder)


def _damaged(folder: Path, why: str) -> BaseError:
    return BaseError(f"The base in {folder} is damaged: {why}.", "Ask for the folder again, or make it again.")
