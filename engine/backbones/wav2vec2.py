"""Any encoder of transformers' wav2vec2 family: wav2vec 2.0, XLS-R, HuBERT, WavLM, UniSpeech.

XLS-R 300M (Babu et al. 2021) is the backbone of the main paper. The library's modules are used as they are; the
loop over them is ours, so that a run can stop at a layer and go on from it, and SpecAugment acts after the feature
projection, where the library itself masks in training.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, PretrainedConfig

from engine.audio.decode import MODEL_RATE_HZ
from engine.backbones.library import LibraryBackbone
from engine.backbones.protocol import padding_mask
from engine.backbones.wavlm import positions, run_wavlm_layer
from engine.specaugment import ClipMasks

SUPPORTED_TYPES = frozenset({"wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat"})


class Wav2Vec2Backbone(LibraryBackbone):
    """A wav2vec2-type transformer.

    `normalise`: whether the model expects each clip at zero mean and unit variance (its preprocessor's
    `do_normalize`); `final_norm`: whether the highest layer read passes the norm that the model ends in (None: if it
    is the model's own highest, as the library's `last_hidden_state` does).
    """

    def __init__(
        self,
        config: PretrainedConfig,
        read_layers: tuple[int, ...],
        *,
        normalise: bool = True,
        final_norm: bool | None = None,
        drawn: bool = True,
    ) -> None:
        ends_in_norm = bool(getattr(config, "do_stable_layer_norm", False))
        if final_norm is None:
            final_norm = max(read_layers) == config.num_hidden_layers
        super().__init__(config, read_layers, drawn=drawn)
        self.frame_rate_hz = MODEL_RATE_HZ / math.prod(config.conv_stride)
        self._normalise = normalise
        self._norm_first = ends_in_norm
        self._final_norm = final_norm and ends_in_norm
        self.model.feature_extractor._freeze_parameters()
        if ends_in_norm and not self._final_norm:
            self.model.encoder.layer_norm.requires_grad_(requires_grad=False)  # it is there and nothing passes it

    def front_end(self, samples: Tensor) -> Tensor:
        """Samples (n,) to the convolutional features (channels, frames), 50 a second, of this clip alone.

        They are never trained in adaptation (as in the model's own fine-tuning). Group-norm models normalise over
        time, so that padding would change them. Clips too short for one frame are padded with silence to it.
        """
        with torch.no_grad():
            return self.convolve(samples)

    def front_end_of_equals(self, samples: Tensor) -> Tensor:
        with torch.no_grad():
            return self._convolved(samples)

    def convolve(self, samples: Tensor) -> Tensor:
        """The same as `front_end`, with its gradient: for a training that takes the convolutions along."""
        return self._convolved(samples[None])[0]

    def _convolved(self, samples: Tensor) -> Tensor:
        if self._normalise:
            mean, variance = samples.mean(-1, keepdim=True), samples.var(-1, unbiased=False, keepdim=True)
            samples = (samples - mean) / torch.sqrt(variance + 1e-7)
        samples = nn.functional.pad(samples, (0, max(0, self._shortest - samples.shape[-1])))
        features: Tensor = self.model.feature_extractor(samples)
        return features

    @property
    def _shortest(self) -> int:
        """Samples that one frame is made of (400 in all published models: 25 ms)."""
        needed = 1
        config = self.model.config
        for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
            needed = (needed - 1) * stride + kernel
        return needed

    def first_state(self, inputs: Sequence[Tensor], masks: Sequence[ClipMasks] | None) -> tuple[Tensor, list[int]]:
        lengths = [each.shape[-1] for each in inputs]
        features = nn.utils.rnn.pad_sequence([each.T for each in inputs], batch_first=True)
        projected = self.model.feature_projection(features)
        state = self.masked(projected[0] if isinstance(projected, tuple) else projected, masks)
        encoder = self.model.encoder
        mask = padding_mask(lengths, state.device)
        if mask is not None:  # the positional convolution of a lone clip sees zeros past its end
            state = state * mask[:, :, None]
        state = state + self._positions(state, lengths)
        if not self._norm_first:
            state = encoder.layer_norm(state)
        return encoder.dropout(state), lengths

    def _positions(self, state: Tensor, lengths: Sequence[int]) -> Tensor:
        """What the positional convolution adds: (clips, frames, hidden size)."""
        embed = self.model.encoder.pos_conv_embed
        if getattr(embed, "batch_norm", None) is None or len(set(lengths)) == 1:
            positions: Tensor = embed(state)
            return positions
        # some HuBERTs have a norm before it, which makes something out of padding: one clip at a time
        clips = [embed(state[row : row + 1, :length])[0] for row, length in enumerate(lengths)]
        return nn.utils.rnn.pad_sequence(clips, batch_first=True)

    def surroundings(self, lengths: Sequence[int], device: torch.device) -> Any:
        if self.model.config.model_type == "wavlm":
            return positions(self.transformer_layers[0], max(lengths), padding_mask(lengths, device))
        return super().surroundings(lengths, device)

    def run_layer(self, index: int, state: Tensor, surroundings: Any) -> Tensor:
        layer = self.transformer_layers[index]
        if self.model.config.model_type == "wavlm":
            return run_wavlm_layer(layer, state, surroundings, norm_first=self._norm_first)
        output: Tensor = layer(state, attention_mask=surroundings)
        return output

    def top_state(self, state: Tensor) -> Tensor:
        if not self._final_norm:
            return state
        norm = self.model.encoder.layer_norm
        normed: Tensor = norm(state.to(norm.weight.dtype))
        return normed

    def specification(self) -> dict[str, Any]:
        return {
            "kind": "wav2vec2-family",
            "config": self.model.config.to_dict(),
            "read_layers": list(self.read_layers),
            "normalise": self._normalise,
            "final_norm": self._final_norm,
        }


def config_from_dict(config: dict[str, Any]) -> PretrainedConfig:
    """transformers' configuration object from its JSON form."""
    values = dict(config)
    return AutoConfig.for_model(values.pop("model_type"), **values)
