"""What a training starts from: a pre-trained backbone, and a fresh extractor on top."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from engine.backbones.compact import CompactBackbone
from engine.backbones.pretrained import is_pretrained_folder, load_pretrained, transformers_folder
from engine.backbones.protocol import Backbone
from engine.base_folder import is_base_folder, load_backbone
from engine.choices import BUNDLED_ENCODERS
from engine.encoder import EmotionEncoder
from engine.errors import BaseError, RecipeError
from engine.extractors import build_extractor
from engine.resources import resource
from engine.store import not_here, read_record, stored_folder

AS_PUBLISHED = "as published"  # `training["backbone"]` of a base whose backbone was left alone
TUNED = "tuned"
_WHISPER = "whisper:"


@dataclass(frozen=True)
class Start:
    """A pre-trained backbone and the licence of its weights."""

    backbone: Backbone
    licence: str


def load_start(name: str, read_layers: tuple[int, ...] = ()) -> Start:
    """The backbone called `name`, read at `read_layers` (none: the highest one). On the CPU.

    compact-encoder, compact-encoder-deep: bundled, as published (`bundled_encoder`); whisper:FOLDER: the encoder of a
    Whisper model; hf:FOLDER-OR-ID: one of transformers' wav2vec2 family; else the name of a model in the store, or the
    folder of a base. Raises BaseError, RecipeError.
    """
    if name.startswith("hf:"):
        base = load_pretrained(transformers_folder(name), name, read_layers)
        return Start(base.encoder.backbone, base.licence)
    if name.startswith(_WHISPER):
        return _load_whisper(Path(name.removeprefix(_WHISPER)), read_layers)
    stored = stored_folder(name)
    if stored is not None and is_pretrained_folder(stored):
        return Start(load_pretrained(stored, name, read_layers).encoder.backbone, read_record(stored).licence)
    folder = resource(f"bases/{name}") if name in BUNDLED_ENCODERS else stored or Path(name)
    if not is_base_folder(folder):
        if (absent := not_here(name)) is not None:
            raise absent
        raise RecipeError(
            f"[base] cannot start from '{name}'.",
            f"Use {' or '.join(BUNDLED_ENCODERS)}, a name that 'serstudio models list' shows, whisper:FOLDER, "
            "hf:FOLDER, or the folder of a base.",
        )
    backbone, config = load_backbone(folder, read_layers)
    if name in BUNDLED_ENCODERS and config["training"].get("backbone") != AS_PUBLISHED:
        raise RecipeError(
            "The bundled encoder has been trained further.",
            "Start from the published one: whisper:FOLDER, a folder with openai/whisper-base.",
        )
    return Start(backbone, config["licence"])


def _load_whisper(folder: Path, read_layers: tuple[int, ...]) -> Start:
    """The encoder in a folder as transformers writes it, whether the decoder is there or not."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        stored = load_file(folder / "model.safetensors")
        weights = {name.rpartition("encoder.")[2]: tensor for name, tensor in stored.items() if "decoder." not in name}
        backbone = CompactBackbone(config, read_layers or (int(config["encoder_layers"]),))
        backbone.load_state_dict({name: weights[name].float() for name in backbone.state_dict()})
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise BaseError(
            f"{folder} holds no Whisper encoder with these layers.",
            "It needs the config.json and model.safetensors of a Whisper model.",
        ) from error
    return Start(backbone, "MIT (encoder of OpenAI's Whisper)")


def build_on(start: Start, extractor: str, seed: int) -> EmotionEncoder:
    """An encoder with a fresh extractor of that kind, its weights drawn from `seed`. Raises RecipeError."""
    backbone = start.backbone
    layers = len(backbone.read_layers)
    torch.manual_seed(seed)
    try:
        built = build_extractor({"kind": extractor, "hidden_size": backbone.hidden_size, "layers": layers})
    except KeyError as error:
        raise RecipeError(f"There is no extractor '{extractor}'.", "The paper's best is glu.") from error
    if not any(parameter.requires_grad for parameter in built.parameters()):
        raise RecipeError(f"The extractor '{extractor}' has nothing to train.", "The paper's best is glu.")
    return EmotionEncoder(backbone, built)
