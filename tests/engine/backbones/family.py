"""Tiny random models of every kind that `hf:FOLDER` takes: 4 layers of 32 channels."""

from collections.abc import Callable

import torch
from transformers import (
    HubertConfig,
    PretrainedConfig,
    UniSpeechConfig,
    UniSpeechSatConfig,
    Wav2Vec2BertConfig,
    Wav2Vec2Config,
    WavLMConfig,
)

from engine.backbones import Backbone
from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from engine.backbones.wav2vec2_bert import Wav2Vec2BertBackbone
from tests.engine.conftest import wav2vec2_config

LAYERS = 4


def _family(kind: Callable[..., PretrainedConfig], *, stable: bool) -> PretrainedConfig:
    """`stable` models have layer norms in their convolutions too, the others a group norm, as those published."""
    norm = {"do_stable_layer_norm": stable, "feat_extract_norm": "layer" if stable else "group"}
    values = wav2vec2_config(**norm).to_dict()
    values.pop("model_type")
    return kind(**values)


def _hubert_with_batch_norm() -> PretrainedConfig:
    config = _family(HubertConfig, stable=True)
    config.conv_pos_batch_norm = True
    return config


def _bert() -> PretrainedConfig:
    return Wav2Vec2BertConfig(
        hidden_size=32,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=64,
        position_embeddings_type="relative_key",
        left_max_position_embeddings=16,
        conv_depthwise_kernel_size=7,
    )


CONFIGS: dict[str, Callable[[], PretrainedConfig]] = {
    "xls-r": lambda: _family(Wav2Vec2Config, stable=True),
    "wav2vec2-base": lambda: _family(Wav2Vec2Config, stable=False),
    "hubert-large": lambda: _family(HubertConfig, stable=True),
    "hubert-base": lambda: _family(HubertConfig, stable=False),
    "hubert-batch-norm": _hubert_with_batch_norm,
    "wavlm-large": lambda: _family(WavLMConfig, stable=True),
    "wavlm-base": lambda: _family(WavLMConfig, stable=False),
    "unispeech": lambda: _family(UniSpeechConfig, stable=True),
    "unispeech-sat": lambda: _family(UniSpeechSatConfig, stable=False),
    "w2v-bert-2.0": _bert,
}
KINDS = sorted(CONFIGS)


def build(kind: str, read_layers: tuple[int, ...] = (LAYERS,)) -> Backbone:
    """A random model of that kind, in eval mode."""
    torch.manual_seed(0)
    config = CONFIGS[kind]()
    if config.model_type == "wav2vec2-bert":
        backbone: Backbone = Wav2Vec2BertBackbone(config, read_layers)
    else:
        backbone = Wav2Vec2Backbone(config, read_layers)
    with torch.no_grad():  # as if trained: norms and gates that do something
        for name, parameter in backbone.named_parameters():
            if "norm" in name or "gru" in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return backbone.eval()
