"""Raw self-supervised models in folders as transformers writes them: wav2vec 2.0, XLS-R, HuBERT, WavLM, w2v-BERT 2.0.

The layers above the highest one read are neither built nor read from the disk, and weights are copied tensor by
tensor into place: XLS-R 300M is 1.3 GB, and must not be there twice.
"""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from huggingface_hub import try_to_load_from_cache
from huggingface_hub.errors import HFValidationError, StrictDataclassError
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import AutoConfig, PretrainedConfig

from engine.backbones.protocol import Backbone
from engine.backbones.wav2vec2 import SUPPORTED_TYPES, Wav2Vec2Backbone
from engine.backbones.wav2vec2_bert import MODEL_TYPE, Wav2Vec2BertBackbone
from engine.base_folder import Base
from engine.choices import Recommended
from engine.encoder import EmotionEncoder
from engine.errors import BaseError
from engine.extractors import MeanPooling
from engine.store.files import CONFIG, licence_of, model_files, read_config

_MAY_BE_MISSING = "masked_spec_embed"  # a model that was fine-tuned without masks has learnt none: zeros do
_POSITIONS = "relative_key"  # of w2v-BERT 2.0; the others have no such setting
_OLD_NAMES = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}


def is_pretrained_folder(folder: Path) -> bool:
    """Whether `folder` claims to hold a model of transformers."""
    return "model_type" in read_config(folder)


def transformers_folder(name: str) -> Path:
    """The folder that `hf:FOLDER` or `hf:ID` means; an ID is looked for in the hub's local cache alone.

    Raises BaseError.
    """
    source = name.removeprefix("hf:")
    if source and Path(source).is_dir():
        return Path(source)
    cached = None
    with contextlib.suppress(HFValidationError):
        cached = try_to_load_from_cache(source, CONFIG)
    if isinstance(cached, str):
        return Path(cached).parent
    raise BaseError(f"'{source}' is not on this machine.", "Give the model's folder: hf:/path/to/folder.")


def load_pretrained(folder: Path, name: str, read_layers: tuple[int, ...] | None = None) -> Base:
    """The raw model in `folder` as a base called `name`, on the CPU in single precision.

    read_layers: None for those that `layers_to_read` says, () for the highest. Raises BaseError.
    """
    config = _config(folder)
    top = int(config.num_hidden_layers)
    layers = layers_to_read(top) if read_layers is None else read_layers or (top,)
    if max(layers) > top:
        raise BaseError(f"The model in {folder} has {top} layers.", "Read a lower layer.")
    weights = _weight_files(folder)
    try:
        backbone = _empty_backbone(config, layers, folder)
        _fill(backbone, _stored(weights), folder)
    except (OSError, AttributeError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise BaseError(f"The model in {folder} is damaged: its parts do not fit together.", _AGAIN) from error
    extractor = MeanPooling(backbone.hidden_size, len(layers))
    encoder = EmotionEncoder(backbone, extractor)
    return Base(name, encoder, standardised=True, licence=licence_of(folder), recommended=_RECOMMENDED)


# Without a meta-trained extractor tuning was not told from a better head (+1.5 ± 1.8 on prototypes, which the head
# is worth, too), at fifty times the price (results log).
_RECOMMENDED = Recommended(method="logistic", head="logistic", trained="top-4")
_AGAIN = "Copy the model's folder again, all of it."


def layers_to_read(top: int) -> tuple[int, ...]:
    """Layers from a sixth to two thirds of the depth, a twelfth apart: 4, 6 .. 16 of XLS-R's 24.

    Emotion sits low and in the middle of such models, at a height that differs from one to the next; heads weight
    the layers by the labelled clips.
    """
    return tuple(range(max(1, top // 6), max(1, 2 * top // 3) + 1, max(1, top // 12)))


def _config(folder: Path) -> PretrainedConfig:
    if not (folder / CONFIG).is_file():
        raise BaseError(f"{folder} holds no model.", "Give the model's folder: hf:/path/to/folder.")
    kind = read_config(folder).get("model_type")
    if kind not in SUPPORTED_TYPES | {MODEL_TYPE}:
        raise BaseError(
            f"{folder} is a {kind} model." if isinstance(kind, str) else f"{folder} is not a model of transformers.",
            f"Bases are of the wav2vec2 family: {', '.join(sorted(SUPPORTED_TYPES | {MODEL_TYPE}))}.",
        )
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        config.num_hidden_layers = int(config.num_hidden_layers)
    except (OSError, KeyError, TypeError, ValueError, StrictDataclassError) as error:
        raise BaseError(f"The {CONFIG} of {folder} cannot be read.", _AGAIN) from error
    positions = getattr(config, "position_embeddings_type", _POSITIONS)
    if positions != _POSITIONS:
        raise BaseError(f"{folder} has positions of the kind '{positions}'.", f"Only {_POSITIONS} is known.")
    config.add_adapter = False  # what a fine-tuned model has on top, or beside
    config.adapter_attn_dim = None
    return config


def _weight_files(folder: Path) -> list[Path]:
    files = model_files(folder)
    if files.pickled:
        raise BaseError(
            f"{folder} has no model.safetensors, only pickled weights, which are never read as they are.",
            f"Add it on the Models page, or with: serstudio models add {folder}",
        )
    return [folder / name for name in files.weights]


def _empty_backbone(config: PretrainedConfig, layers: tuple[int, ...], folder: Path) -> Backbone:
    if config.model_type == MODEL_TYPE:
        return Wav2Vec2BertBackbone(config, layers, drawn=False)
    return Wav2Vec2Backbone(config, layers, normalise=_expects_normalised(folder), drawn=False)


def _expects_normalised(folder: Path) -> bool:
    """The preprocessor's `do_normalize`, where the folder has one; the large models expect it."""
    preprocessor = folder / "preprocessor_config.json"
    if not preprocessor.is_file():
        return True
    return bool(json.loads(preprocessor.read_text(encoding="utf-8")).get("do_normalize", True))


def _stored(files: list[Path]) -> dict[str, tuple[Path, str]]:
    """Where each tensor is: file, and name in it, by its name in the bare encoder today.

    A folder may hold the encoder under a head's name (`wav2vec2.encoder...`), and weights that were named before
    PyTorch's parametrisations (`weight_g`, `weight_v`).
    """
    found: dict[str, tuple[Path, str]] = {}
    for path in files:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
        for name in names:
            _, _, inner = name.partition(".")
            bare = inner if inner.startswith(_PARTS) else name
            stem, _, last = bare.rpartition(".")
            found[f"{stem}.{_OLD_NAMES[last]}" if last in _OLD_NAMES else bare] = (path, name)
    return found


_PARTS = ("feature_extractor.", "feature_projection.", "encoder.", _MAY_BE_MISSING)


def _fill(backbone: Backbone, stored: Mapping[str, tuple[Path, str]], folder: Path) -> None:
    """Copy the weights in. Raises BaseError where one is missing, ValueError where one has another shape."""
    for name, tensor in backbone.get_submodule("model").state_dict().items():
        if name in stored:
            _copy(tensor, *stored[name])
        elif name == _MAY_BE_MISSING:
            tensor.zero_()
        else:
            raise BaseError(f"The weights in {folder} lack {name}.", _AGAIN)


def _copy(tensor: Tensor, path: Path, name: str) -> None:
    # opened anew each time: a file that stays open keeps all of it that was read in memory
    with safe_open(path, framework="pt") as file, torch.no_grad():
        values = file.get_tensor(name)
        if values.shape != tensor.shape:
            raise ValueError(f"{name} has shape {tuple(values.shape)}, not {tuple(tensor.shape)}")
        tensor.copy_(values)
