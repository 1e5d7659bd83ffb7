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
from engine.backbones.protocol import Backbone, Frames
from engine.specaugment import SpecAugment

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
        whisper._attn_implementation = "sdpa"
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
        mel: Tensor = self.log_mel(samples)
        return mel

    def encode(
        self,
        inputs: Sequence[Tensor],
        augment: SpecAugment | None = None,
        generator: torch.Generator | None = None,
    ) -> Frames:
        if augment is not None and generator is not None:
            inputs = _mask_mel(inputs, augment, generator)
        mel_lengths = torch.tensor([mel.shape[-1] for mel in inputs], device=inputs[0].device)
        mel = nn.utils.rnn.pad_sequence([mel.T for mel in inputs], batch_first=True).transpose(1, 2)
        padded = bool((mel_lengths != mel.shape[-1]).any())
        hidden = nn.functional.gelu(self.conv1(mel))
        if padded:  # a lone clip's second convolution sees zeros past its end; so must a padded one's
            steps = torch.arange(mel.shape[-1], device=mel.device)
            hidden = hidden * (steps < mel_lengths[:, None])[:, None, :]
        hidden = nn.functional.gelu(self.conv2(hidden)).transpose(1, 2)
        lengths = (mel_lengths + 1) // 2
        hidden = hidden + self.embed_positions.weight[: hidden.shape[1]]
        attention_mask = None
        if padded:
            steps = torch.arange(hidden.shape[1], device=mel.device)
            attention_mask = (steps < lengths[:, None])[:, None, None, :]
        states = [hidden]
        for layer in self.layers:
            hidden = layer(hidden, attention_mask)
            states.append(hidden)
        return Frames(torch.stack([states[index] for index in self.read_layers]), lengths)

    @property
    def transformer_layers(self) -> nn.ModuleList:
        return self.layers

    def can_share_batch(self, shortest: int, longest: int) -> bool:
        return longest <= 1.2 * shortest

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


def _mask_mel(inputs: Sequence[Tensor], augment: SpecAugment, generator: torch.Generator) -> list[Tensor]:
    """Mask each spectrogram with its own mean, as the paper does on mean-normalised input (section 2)."""
    lengths = torch.tensor([mel.shape[-1] for mel in inputs])
    time = augment.time_mask(lengths, MEL_RATE_HZ, generator)
    channels = augment.channel_mask(len(inputs), inputs[0].shape[0], generator)
    masked = []
    for mel, length, in_time, in_channel in zip(inputs, lengths.tolist(), time, channels, strict=True):
        hidden = (in_channel[:, None] | in_time[None, :length]).to(mel.device)
        masked.append(torch.where(hidden, mel.mean(), mel))
    return masked
