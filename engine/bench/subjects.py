"""What is measured: the bundled base, and a network of the shape of XLS-R 300M with random weights.

Random weights take the same time as trained ones; their accuracy means nothing and is not looked at.
"""

import itertools
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2Model, WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from engine.adaptation import LabelledClip
from engine.audio.decode import AUDIO_SUFFIXES, MODEL_RATE_HZ
from engine.audio.log_mel import LogMel
from engine.audio.windows import read_windows
from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from engine.bases import Base, load_base
from engine.bench.reference_loop import Clips, ReferenceWav2Vec2, ReferenceWhisper
from engine.encoder import EmotionEncoder
from engine.extractors import GatedLinearUnit

Samples = NDArray[np.float32]

COMPACT, XLSR = "compact", "xls-r-300m"
SUBJECTS = (COMPACT, XLSR)
LABELS = ("anger", "happiness", "neutral", "sadness")  # names that a base may know
SHOTS = 5
CLIP_S = 3.0

# facebook/wav2vec2-xls-r-300m, config.json; what is not here is the library's default
_XLSR_SHAPE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "conv_bias": True,
}


def make_base(subject: str) -> Base:
    """The base that is adapted. XLS-R: all 24 layers and the paper's GLU, as `metatrain main-paper` makes it."""
    if subject == COMPACT:
        return load_base()
    torch.manual_seed(0)
    backbone = Wav2Vec2Backbone(Wav2Vec2Config(**_XLSR_SHAPE), (24,))
    encoder = EmotionEncoder(backbone, GatedLinearUnit(backbone.hidden_size))
    return Base(XLSR, encoder, standardised=False, licence="")


def make_reference(subject: str) -> nn.Module:
    """The same network as its own library makes it, with the same extractor; evaluation mode, front end frozen."""
    torch.manual_seed(0)
    if subject == COMPACT:
        bundled = load_base().encoder
        read_layers = bundled.backbone.read_layers
        shape = WhisperConfig(
            d_model=512,
            encoder_layers=max(read_layers),
            encoder_attention_heads=8,
            encoder_ffn_dim=2048,
            attn_implementation="sdpa",
        )
        encoder = WhisperEncoder(shape)
        encoder.embed_positions.requires_grad_(requires_grad=False)
        encoder.load_state_dict(bundled.backbone.state_dict(), strict=False)  # its own last norm is not read
        return ReferenceWhisper(encoder, LogMel(shape.num_mel_bins), bundled.extractor, read_layers).eval()
    model = Wav2Vec2Model(Wav2Vec2Config(**_XLSR_SHAPE))
    model.feature_extractor._freeze_parameters()
    return ReferenceWav2Vec2(model, GatedLinearUnit(model.config.hidden_size)).eval()


def read_recording(folder: Path) -> Samples:
    """A minute of speech, joined from the folder's recordings: an encoder may be faster on silence."""
    files = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in AUDIO_SUFFIXES)
    windows = itertools.chain.from_iterable(read_windows(path, 1) for path in files)
    needed, parts, have = round(len(LABELS) * SHOTS * CLIP_S * MODEL_RATE_HZ), [], 0
    for window in windows:
        parts.append(window)
        have += len(window)
        if have >= needed:
            return np.concatenate(parts)
    raise SystemExit(f"{folder} holds less than a minute of sound. Give a folder of recordings.")


def labelled_clips(recording: Samples) -> list[LabelledClip]:
    """4 x 5 clips of 3 s."""
    length = round(CLIP_S * MODEL_RATE_HZ)
    return [
        LabelledClip((recording[number * length : (number + 1) * length],), number % len(LABELS))
        for number in range(len(LABELS) * SHOTS)
    ]


def as_tensors(clips: list[LabelledClip], device: torch.device) -> Clips:
    """The same clips as the reference takes them."""
    waves = torch.from_numpy(np.stack([clip.windows[0] for clip in clips])).to(device)
    return Clips(waves, torch.tensor([clip.label for clip in clips], device=device))
