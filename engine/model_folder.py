"""An adapted model as a folder: `model.safetensors`, `config.json`, `README.md`. Nothing is ever unpickled.

The folder holds the head, the labels, and the encoder: whole, so that it can be given away and depends on nothing, or
as a delta to its base (`engine.delta`), which is then looked for beside it and on this machine (`engine.kept_base`).
Version 4 of the format brought heads with a projection of their own, version 3 deltas. Version 1 knew prototypes only,
as vectors that were still to be standardised; it is read as the head that gives the same answers to the bit.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.checksums import sha256_of
from engine.choices import Recommended
from engine.delta import Delta, whole_state
from engine.delta_facts import DeltaFacts
from engine.device import resolve_device
from engine.encoder import EmotionEncoder, build_encoder
from engine.errors import DeviceError, ModelFolderError
from engine.heads import COSINE_SCALE, Head, prototype_head
from engine.heads.frame import Frame
from engine.heads.speakers import SpeakerOffsets
from engine.kept_base import find_base, missing_base
from engine.known_emotions import KnownEmotions
from engine.out_of_memory import moved
from engine.weights_file import smallest, write_weights

FORMAT = "serstudio-model"
FORMAT_VERSION = 4
_FORMAT_VERSION_BEFORE = 3  # what needs no more says so, and opens in the app of before
_ENCODER = "encoder."  # how names of its tensors begin in the weights file
_HEAD_TENSORS = ("weight", "bias", "centre", "spread")
_EMOTION = "emotions."  # how names of what is known of them begin there
_PROJECTION = "head.projection"  # of a head that has one; nothing else in the folder tells of it
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"


@dataclass(frozen=True)
class LabelSpec:
    """A label as the user made it; `clips` and `speakers` tell what the model knows it from."""

    name: str
    colour: str
    symbol: str
    key: str
    clips: int
    speakers: int


@dataclass(frozen=True)
class AdaptedModel:
    """A model that classifies. `origin` says how it was made (JSON values only).

    `speakers`: the offsets of the voices that it knows, where it was made without these (`for_speaker`).
    `standardised`, `cosine_scale`, `recommended` and `emotions` are those of the base, for the model can be one itself.
    """

    encoder: EmotionEncoder
    head: Head
    labels: tuple[LabelSpec, ...]
    language: str
    base: str
    base_licence: str
    standardised: bool
    origin: Mapping[str, Any]
    speakers: SpeakerOffsets | None = None
    cosine_scale: float = COSINE_SCALE
    recommended: Recommended = field(default_factory=Recommended)
    emotions: KnownEmotions | None = None

    def to(self, device: torch.device) -> "AdaptedModel":
        """This model with its encoder and head on `device`."""
        speakers = None if self.speakers is None else self.speakers.to(device)
        return replace(self, encoder=self.encoder.to(device), head=self.head.to(device), speakers=speakers)

    def for_speaker(self, name: str) -> "AdaptedModel":
        """This model for one voice that it knows (`SpeakerOffsets.named`). Raises ModelFolderError if it does not."""
        if self.speakers is None or not self.speakers.names:
            raise ModelFolderError(
                "This model does not tell one speaker from another.", "Adapt with --speaker-mean, or name no speaker."
            )
        known = self.speakers.named(name)
        if known is None:
            raise ModelFolderError(
                f"The model knows no speaker '{name}'.", f"It knows {', '.join(self.speakers.names)}."
            )
        return replace(self, head=self.head.shifted(self.speakers.of(known)))


def save_model(model: AdaptedModel, folder: Path, card: str, delta: Delta | None = None) -> None:
    """Write `model` into `folder`, which must exist and be empty. Raises ModelFolderError.

    delta: what its encoder is as a difference (`engine.delta.difference`); None writes it whole, each tensor in half
    precision where that loses nothing.
    """
    if delta is None:
        tensors = {_ENCODER + name: tensor for name, tensor in smallest(model.encoder.state_dict()).items()}
    else:
        tensors = dict(delta.tensors)
    tensors |= {f"head.{name}": getattr(model.head, name) for name in _HEAD_TENSORS}
    if model.head.projection is not None:
        tensors[_PROJECTION] = model.head.projection
    if model.speakers is not None:
        tensors |= {"speakers.vectors": model.speakers.vectors, "speakers.overall": model.speakers.overall}
    if model.emotions is not None:
        tensors |= {_EMOTION + name: offset for name, offset in model.emotions.by_name().items()}
    config = {
        "format": FORMAT,
        "format_version": _FORMAT_VERSION_BEFORE if model.head.projection is None else FORMAT_VERSION,
        "language": model.language,
        "labels": [asdict(label) for label in model.labels],
        "base": model.base,
        "base_licence": model.base_licence,
        "standardised": model.standardised,
        "cosine_scale": model.cosine_scale,
        "recommended": asdict(model.recommended),
        "head": {"kind": model.head.kind, "scale": model.head.scale, "plain": model.head.plain},
        "speakers": None if model.speakers is None else list(model.speakers.names),
        "encoder": model.encoder.specification(),
        "origin": dict(model.origin),
    }
    if delta is not None:
        config["delta"] = asdict(delta.facts)
    try:
        weights = folder / WEIGHTS
        write_weights(weights, tensors)
        config["weights_sha256"] = sha256_of(weights)
        text = json.dumps(config, ensure_ascii=False, indent=1, sort_keys=True)
        (folder / CONFIG).write_text(text + "\n", encoding="utf-8")
        (folder / CARD).write_text(card, encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise ModelFolderError(f"The model could not be written to {folder}.", "Is the disk full?") from error


def load_model(folder: Path | str, device: str = "auto") -> AdaptedModel:
    """Read a model folder and put it on `device`. Raises ModelFolderError, DeviceError."""
    folder = Path(folder)
    target = resolve_device(device)
    config = _read_config(folder)
    try:
        if sha256_of(folder / WEIGHTS) != config["weights_sha256"]:
            raise _damaged(folder, "its weights differ from those that were written")
        tensors = _read_weights(folder)
        encoder = build_encoder(config["encoder"])
        encoder.load_state_dict(_encoder_state(folder, config, tensors, encoder))
        model = AdaptedModel(
            encoder=encoder,
            head=_head(tensors, config),
            labels=tuple(LabelSpec(**label) for label in config["labels"]),
            language=config["language"],
            base=config["base"],
            base_licence=config["base_licence"],
            standardised=config["standardised"],
            origin=config["origin"],
            speakers=_speakers(tensors, config.get("speakers")),
            cosine_scale=float(config["cosine_scale"]),
            recommended=Recommended(**config.get("recommended", {})),
            emotions=KnownEmotions.from_names(_beginning(_EMOTION, tensors)),
        )
    except OSError as error:
        raise _unreadable(folder, error) from error
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise _damaged(folder, "its parts do not fit together") from error
    if len(model.labels) != len(model.head.weight):
        raise _damaged(folder, "its head has not one row a label")
    return _placed(model, target, by_name=device != "auto")


def _placed(model: AdaptedModel, target: torch.device, *, by_name: bool) -> AdaptedModel:
    """The model on `target`, or on the processor where that has too little memory. DeviceError if it was asked for."""
    if moved(model.encoder, target):
        return model.to(target)
    if by_name:
        raise DeviceError("The GPU has too little free memory for this model.", "Close other programs, or use the CPU.")
    return model


def read_origin(folder: Path) -> Mapping[str, Any]:
    """How the model in `folder` was made, without loading it. Raises ModelFolderError."""
    origin: dict[str, Any] = _read_config(folder).get("origin", {})
    return origin


def is_model_folder(folder: Path) -> bool:
    """Whether `folder` claims to hold an adapted model."""
    try:
        return (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file()
    except OSError:  # a folder that may not be looked into
        return False


def _read_config(folder: Path) -> dict[str, Any]:
    if not is_model_folder(folder):
        raise ModelFolderError(
            f"{folder} holds no adapted model.", f"A model folder has a {CONFIG} and a {WEIGHTS} in it."
        )
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        version = int(config["format_version"])
        known = config["format"] == FORMAT and "weights_sha256" in config
    except OSError as error:
        raise _unreadable(folder, error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, f"its {CONFIG} cannot be read") from error
    if not known:
        raise ModelFolderError(f"{folder} was not written by SER Studio.", "Export a model with it first.")
    if version > FORMAT_VERSION:
        raise ModelFolderError(f"{folder} was written by a newer SER Studio.", "Install the newest version.")
    return config


def _read_weights(folder: Path) -> dict[str, Tensor]:
    """What is not the encoder's (copied into it anyway) gets memory of its own: the last bits of a product can depend
    on where in its file a head lay, and a whole model and a delta are laid out differently.
    """
    stored = load_file(folder / WEIGHTS)
    return {name: value if name.startswith(_ENCODER) else value.clone() for name, value in stored.items()}


def _encoder_state(
    folder: Path, config: dict[str, Any], tensors: dict[str, Tensor], encoder: EmotionEncoder
) -> dict[str, Tensor]:
    """All tensors of the encoder, by their names in it. Raises ModelFolderError where a delta has lost its base."""
    if "delta" not in config:
        return _beginning(_ENCODER, tensors)
    facts = DeltaFacts.read(config["delta"])
    names = encoder.state_dict().keys()
    for base in find_base(folder, facts, config["encoder"]):
        state = whole_state(tensors, names, base, facts)
        if state is not None:
            return state
    raise missing_base(facts)


def _beginning(words: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those tensors whose names begin with `words`, by what comes after."""
    return {name.removeprefix(words): value for name, value in tensors.items() if name.startswith(words)}


def _head(tensors: dict[str, Tensor], config: dict[str, Any]) -> Head:
    """The head of any version. KeyError, TypeError or ValueError where it is not whole."""
    if int(config["format_version"]) == 1:
        frame = Frame(tensors["prototypes.centre"], tensors["prototypes.spread"])
        head = prototype_head(tensors["prototypes.vectors"], frame, float(config["cosine_scale"]))
    else:
        parts = {name: tensors[f"head.{name}"] for name in _HEAD_TENSORS}
        facts = config["head"]
        plain = bool(facts.get("plain", False))
        projection = tensors.get(_PROJECTION)
        head = Head(kind=str(facts["kind"]), scale=float(facts["scale"]), plain=plain, projection=projection, **parts)
    if not head.is_finite:
        raise ValueError("the head has values that are not numbers")
    return head


def _speakers(tensors: dict[str, Tensor], names: list[str] | None) -> SpeakerOffsets | None:
    if names is None:
        return None
    return SpeakerOffsets(tuple(names), tensors["speakers.vectors"], tensors["speakers.overall"])


def _unreadable(folder: Path, error: OSError) -> ModelFolderError:
    return ModelFolderError(
        f"The model in {folder} could not be read ({error.strerror or error}).",
        "Check that you may read the files in it, or copy them again.",
    )


def _damaged(folder: Path, why: str) -> ModelFolderError:
    return ModelFolderError(f"The model in {folder} is damaged: {why}.", "Ask for the folder again, or export again.")
