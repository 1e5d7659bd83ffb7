"""w2v-BERT 2.0 (Seamless Communication 2023): a Conformer on filter banks, self-supervised on 143 languages.

The library's modules are used as they are, in a loop of ours (see `wav2vec2`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torchaudio.compliance import kaldi

from engine.audio.decode import MODEL_RATE_HZ
from engine.backbones.library import LibraryBackbone
from engine.backbones.protocol import padding_mask
from engine.specaugment import ClipMasks

MODEL_TYPE = "wav2vec2-bert"
_STACKED = 2  # neighbouring 10 ms frames make one of 20 ms
_INT16 = 2.0**15  # Kaldi's filter banks expect samples of this scale
_SHORTEST = 560  # samples that one frame is made of: two windows of 25 ms, 10 ms apart


@dataclass(frozen=True)
class _Surroundings:
    """The real frames, (clips, frames) for the convolutions and (clips, 1, 1, frames) for attention; None: all."""

    real: Tensor | None
    attended: Tensor | None


class Wav2Vec2BertBackbone(LibraryBackbone):
    """w2v-BERT; its `config.position_embeddings_type` is `relative_key`: each layer has its own."""

    frame_rate_hz = 50.0

    def front_end(self, samples: Tensor) -> Tensor:
        """Samples (n,) to filter banks (features, frames), 50 frames a second, each bank at zero mean, unit variance.

        The same numbers as transformers' SeamlessM4TFeatureExtractor. Clips too short for one frame are padded with
        silence to it.
        """
        samples = nn.functional.pad(samples, (0, max(0, _SHORTEST - samples.shape[-1])))
        bins = self.model.config.feature_projection_input_dim // _STACKED
        with torch.no_grad():
            banks = kaldi.fbank(
                samples[None] * _INT16, num_mel_bins=bins, window_type="povey", sample_frequency=float(MODEL_RATE_HZ)
            )
            banks = (banks - banks.mean(0)) / torch.sqrt(banks.var(0) + 1e-7)
        frames = len(banks) // _STACKED
        stacked: Tensor = banks[: frames * _STACKED].reshape(frames, -1).T
        return stacked

    def first_state(self, inputs: Sequence[Tensor], masks: Sequence[ClipMasks] | None) -> tuple[Tensor, list[int]]:
        lengths = [each.shape[-1] for each in inputs]
        banks = nn.utils.rnn.pad_sequence([each.T for each in inputs], batch_first=True)
        state, _ = self.model.feature_projection(banks)
        state = self.masked(state, masks)
        real = padding_mask(lengths, state.device)
        if real is not None:
            state = state * real[:, :, None]
        return self.model.encoder.dropout(state), lengths

    def surroundings(self, lengths: Sequence[int], device: torch.device) -> _Surroundings:
        real = padding_mask(lengths, device)
        return _Surroundings(real, None if real is None else real[:, None, None, :])

    def run_layer(self, index: int, state: Tensor, surroundings: _Surroundings) -> Tensor:
        output: Tensor = self.transformer_layers[index](
            state,
            attention_mask=surroundings.attended,
            conv_attention_mask=surroundings.real,
        )
        return output

    def specification(self) -> dict[str, Any]:
        return {"kind": MODEL_TYPE, "config": self.model.config.to_dict(), "read_layers": list(self.read_layers)}
