"""The bundled encoder: the lower layers of Whisper base's encoder (Radford et al. 2022, MIT licence).

Whisper is trained on 30 s windows padded with silence. The encoder works on a clip's own frames just as
well if the sinusoidal positions are cut to them, which is 10 times less work for a 3 s clip.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoderLayer

from engine.audio.log_mel import LogMel
from engine.backbones.attention import ATTENTION
from engine.backbones.protocol import Backbone, padding_mask
from engine.specaugment import ClipMasks, SpecAugment

MEL_RATE_HZ = 100.0
LAYERS_OF_EMOTION = (2, 3)  # measured: emotion sits low in this encoder, words on top


class CompactBackbone(Backbone):
    """Whisper's convolutions and as many of its layers as are read.

    `config` holds transformers' WhisperConfig names (d_model, encoder_layers, ...); layers above the
    highest one read are not built at all.
    """

    def __init__(self, config: dict[str, Any], read_layers: tuple[int, ...] = LAYERS_OF_EMOTION) -> None:
        super().__init__()
        whisper = WhisperConfig(**{key: config[key] for key in _ARCHITECTURE})
        whisper._attn_implementation = ATTENTION
        self.read_layers = read_layers
        self.hidden_size = whisper.d_model
        self._config = {key: config[key] for key in _ARCHITECTURE}
        self.log_mel = LogMel(whisper.num_mel_bins)
        self.conv1 = nn.Conv1d(whisper.num_mel_bins, whisper.d_model, kernel_size=3, padding=1)
        self.conv2 = nn.Conv1d(whisper.d_model, whisper.d_model, kernel_size=3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(whisper.max_source_positions, whisper.d_model)
        self.embed_positions.requires_grad_(requires_grad=False)
        self.layers = nn.ModuleList(WhisperEncoderLayer(whisper) for _ in range(max(read_layers)))

    def front_end(self, samples: Tensor) -> Tensor:
        """Samples (n,) to the log-mel spectrogram (bins, n // 160), 100 frames a second."""
        with torch.no_grad():
            mel: Tensor = self.log_mel(samples)
        return mel

    def front_end_of_equals(self, samples: Tensor) -> Tensor:
        return self.front_end(samples)

    def draw_masks(self, inputs: Sequence[Tensor], augment: SpecAugment, generator: torch.Generator) -> list[ClipMasks]:
        return [augment.draw(mel.shape[-1], mel.shape[0], MEL_RATE_HZ, generator) for mel in inputs]

    def first_state(self, inputs: Sequence[Tensor], masks: Sequence[ClipMasks] | None) -> tuple[Tensor, list[int]]:
        if masks is not None:
            inputs = [_masked(mel, of_clip) for mel, of_clip in zip(inputs, masks, strict=True)]
        mel_lengths = [mel.shape[-1] for mel in inputs]
        mel = nn.utils.rnn.pad_sequence([mel.T for mel in inputs], batch_first=True).transpose(1, 2)
        hidden = nn.functional.gelu(self.conv1(mel))
        mask = padding_mask(mel_lengths, mel.device)
        if mask is not None:  # a lone clip's second convolution sees zeros past its end; so must a padded one's
            hidden = hidden * mask[:, None, :]
        hidden = nn.functional.gelu(self.conv2(hidden)).transpose(1, 2)
        return hidden + self.embed_positions.weight[: hidden.shape[1]], [(length + 1) // 2 for length in mel_lengths]

    def run_layer(self, index: int, state: Tensor, surroundings: Tensor | None) -> Tensor:
        output: Tensor = self.layers[index](state, surroundings)
        return output

    def specification(self) -> dict[str, Any]:
        return {"kind": "compact", "config": self._config, "read_layers": list(self.read_layers)}


_ARCHITECTURE = (
    "d_model",
    "encoder_layers",
    "encoder_attention_heads",
    "encoder_ffn_dim",
    "num_mel_bins",
    "max_source_positions",
    "activation_function",
)


def _masked(mel: Tensor, masks: ClipMasks) -> Tensor:
    """The spectrogram (bins, frames), masked with its mean: zero on mean-normalised input (the paper, section 2)."""
    hidden = masks.channels[:, None] | masks.time[None, :]
    return torch.where(hidden.to(mel.device), mel.mean(), mel)
