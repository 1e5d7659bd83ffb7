"""Tiny random encoders: the engine's own code on a model that takes milliseconds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2Model

from engine.adaptation import LabelledClip
from engine.backbones.compact import CompactBackbone
from engine.bases import Base
from engine.encoder import EmotionEncoder
from engine.extractors import Extractor, MeanPooling

TINY_WHISPER = {
    "d_model": 32,
    "encoder_layers": 3,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "num_mel_bins": 80,
    "max_source_positions": 1500,
    "activation_function": "gelu",
}


def tiny_encoder(extractor: Callable[[int, int], Extractor] = MeanPooling, seed: int = 0) -> EmotionEncoder:
    """A random encoder of the compact kind: 3 layers of 32, layers 2 and 3 read."""
    torch.manual_seed(seed)
    backbone = CompactBackbone(TINY_WHISPER, (2, 3))
    return EmotionEncoder(backbone, extractor(backbone.hidden_size, 2))


@pytest.fixture
def tiny_base() -> Base:
    return Base("tiny", tiny_encoder(), standardised=True, licence="none")


def wav2vec2_config(**changes: object) -> Wav2Vec2Config:
    """XLS-R's architecture (layer-norm convolutions, stable layer norm), tiny."""
    values: dict[str, object] = {
        "hidden_size": 32,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "conv_dim": (16, 16, 16),
        "conv_kernel": (10, 3, 3),
        "conv_stride": (5, 8, 8),
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 2,  # oneDNN is wrong in bf16 on AMX below 16 channels a group; XLS-R has 64
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "conv_bias": True,
    }
    return Wav2Vec2Config(**(values | changes))


@pytest.fixture
def wav2vec2_folder(tmp_path: Path) -> Path:
    """A folder as `save_pretrained` writes it, with random weights in safetensors."""
    torch.manual_seed(0)
    folder = tmp_path / "tiny-xls-r"
    Wav2Vec2Model(wav2vec2_config()).save_pretrained(folder)
    return folder


def voice(seed: int, duration_s: float = 0.8, pitch_hz: float = 150.0) -> np.ndarray:
    """Noisy harmonics (n,): enough of a voice for a spectrogram, different for every seed."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(duration_s * 16_000)) / 16_000
    glide = pitch_hz * (1 + 0.1 * random.normal() + 0.2 * random.normal() * time_s)
    tone = sum(np.sin(2 * np.pi * k * np.cumsum(glide) / 16_000) / k for k in range(1, 8))
    return (0.1 * tone + 0.01 * random.normal(size=len(time_s))).astype(np.float32)


def labelled(counts: list[int]) -> list[LabelledClip]:
    """`counts[i]` clips of label i; each label has a pitch of its own, so there is something to learn."""
    return [
        LabelledClip((voice(100 * label + index, 0.5 + 0.1 * (index % 3), 110.0 * 1.5**label),), label)
        for label, count in enumerate(counts)
        for index in range(count)
    ]
