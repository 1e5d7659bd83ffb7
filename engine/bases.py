"""Bases: the encoders that an adaptation starts from.

`compact`            the bundled one (resources/bases/compact)
`hf:FOLDER_OR_ID`    any wav2vec2-type model of transformers, from a folder or from the hub's local cache
`FOLDER`             a base that `serstudio metatrain` made (`base_folder`), or an adapted model (`model_folder`)

Nothing here opens a network connection, and weights are only ever read from safetensors.
"""

import json
from pathlib import Path

from safetensors import SafetensorError
from transformers import AutoConfig, AutoModel
from transformers.utils import logging

from engine.backbones.wav2vec2 import SUPPORTED_TYPES, Wav2Vec2Backbone, middle_layer
from engine.base_folder import Base, is_base_folder, load_base_folder
from engine.encoder import EmotionEncoder
from engine.errors import BaseError
from engine.extractors import MeanPooling
from engine.model_folder import load_model
from engine.resources import resource

__all__ = ["COMPACT", "Base", "load_base"]

COMPACT = "compact"


def load_base(name: str = COMPACT) -> Base:
    """Load a base by name, on the CPU. Raises BaseError."""
    if name == COMPACT:
        try:
            return load_base_folder(resource("bases/compact"))
        except BaseError as error:
            raise BaseError("The bundled base is missing or damaged.", "Install SER Studio again.") from error
    if name.startswith("hf:"):
        return load_transformers(name)
    if is_base_folder(Path(name)):
        return load_base_folder(Path(name))
    if (Path(name) / "config.json").is_file():
        model = load_model(Path(name))
        return Base(
            name,
            model.encoder,
            model.standardised,
            model.base_licence,
            recommended=model.recommended,
            cosine_scale=model.cosine_scale,
        )
    raise BaseError(f"There is no base called '{name}'.", "Use compact, hf:FOLDER, or the folder of a base or a model.")


def load_transformers(name: str, read_layers: tuple[int, ...] | None = None) -> Base:
    """A raw model of the wav2vec2 family, read at `read_layers` (None: in the middle; none: at its last layer).

    Raises BaseError.
    """
    source = name.removeprefix("hf:")
    try:
        config = AutoConfig.from_pretrained(source, local_files_only=True)
    except (OSError, ValueError) as error:
        raise BaseError(
            f"'{source}' is not on this machine, or is not a transformers model.",
            "Give the model's folder: hf:/path/to/folder.",
        ) from error
    if config.model_type not in SUPPORTED_TYPES:
        raise BaseError(
            f"'{source}' is a {config.model_type} model.",
            f"Bases are of the wav2vec2 family: {', '.join(sorted(SUPPORTED_TYPES))}.",
        )
    layers = (middle_layer(config),) if read_layers is None else read_layers or (config.num_hidden_layers,)
    if max(layers) > config.num_hidden_layers:
        raise BaseError(f"'{source}' has {config.num_hidden_layers} layers.", "Read a lower layer.")
    logging.disable_progress_bar()  # progress is ours to show
    try:
        model = AutoModel.from_pretrained(source, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError, SafetensorError) as error:
        raise BaseError(
            f"'{source}' has no readable model.safetensors.",
            "Only safetensors are read, never pickled weights; convert the model first.",
        ) from error
    backbone = Wav2Vec2Backbone(config, layers, normalise=_expects_normalised(source))
    weights = model.state_dict()
    backbone.model.load_state_dict({key: weights[key] for key in backbone.model.state_dict()})
    extractor = MeanPooling(backbone.hidden_size, len(layers))
    licence = "as stated by the publisher of the base"
    return Base(name, EmotionEncoder(backbone, extractor), standardised=True, licence=licence)


def _expects_normalised(source: str) -> bool:
    """The preprocessor's `do_normalize`, where the folder has one; the large models expect it."""
    preprocessor = Path(source) / "preprocessor_config.json"
    if not preprocessor.is_file():
        return True
    return bool(json.loads(preprocessor.read_text(encoding="utf-8")).get("do_normalize", True))
