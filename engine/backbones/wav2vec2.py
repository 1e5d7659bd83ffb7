"""Any encoder of transformers' wav2vec2 family: wav2vec 2.0, XLS-R, HuBERT, WavLM.

XLS-R 300M (Babu et al. 2021) is the backbone of the main paper. The whole model is wrapped, not rewritten;
SpecAugment is applied by a hook after the feature projection, where the library itself masks in training.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig

from engine.backbones.protocol import Backbone, Frames
from engine.specaugment import SpecAugment

SUPPORTED_TYPES = frozenset({"wav2vec2", "hubert", "wavlm"})


class Wav2Vec2Backbone(Backbone):
    """A wav2vec2-type transformer read at `read_layers`; layers above the highest are cut off.

    `config`: transformers' configuration; `normalise`: whether the model expects each clip at zero mean and
    unit variance (its preprocessor's `do_normalize`).
    """

    def __init__(self, config: PretrainedConfig, read_layers: tuple[int, ...], *, normalise: bool = True) -> None:
        super().__init__()
        config.apply_spec_augment = False  # masking is ours, so that it is seeded and works in eval mode
        config.layerdrop = 0.0
        config.num_hidden_layers = max(read_layers)
        self.model = AutoModel.from_config(config)
        self.read_layers = read_layers
        self.hidden_size = config.hidden_size
        self._normalise = normalise
        self._masks: tuple[Tensor, Tensor] | None = None
        self.model.feature_projection.register_forward_hook(self._mask_projected)

    @property
    def frame_rate_hz(self) -> float:
        stride = 1
        for factor in self.model.config.conv_stride:
            stride *= factor
        return 16_000 / stride

    def front_end(self, samples: Tensor) -> Tensor:
        """Samples (n,), normalised where the model was trained so; short clips are padded to one frame."""
        if self._normalise:
            samples = (samples - samples.mean()) / torch.sqrt(samples.var(unbiased=False) + 1e-7)
        shortest = 400
        return nn.functional.pad(samples, (0, max(0, shortest - samples.shape[-1])))

    def encode(
        self,
        inputs: Sequence[Tensor],
        augment: SpecAugment | None = None,
        generator: torch.Generator | None = None,
    ) -> Frames:
        sample_lengths = torch.tensor([len(samples) for samples in inputs], device=inputs[0].device)
        lengths = self.model._get_feat_extract_output_lengths(sample_lengths)
        waves = nn.utils.rnn.pad_sequence(list(inputs), batch_first=True)
        attention_mask = None
        if bool((sample_lengths != waves.shape[1]).any()):
            steps = torch.arange(waves.shape[1], device=waves.device)
            attention_mask = (steps < sample_lengths[:, None]).long()
        if augment is not None and generator is not None:
            self._masks = (
                augment.time_mask(lengths.cpu(), self.frame_rate_hz, generator).to(waves.device),
                augment.channel_mask(len(inputs), self.hidden_size, generator).to(waves.device),
            )
        try:
            output = self.model(waves, attention_mask=attention_mask, output_hidden_states=True)
        finally:
            self._masks = None
        return Frames(torch.stack([output.hidden_states[index] for index in self.read_layers]), lengths)

    def _mask_projected(self, _module: nn.Module, _inputs: object, output: Any) -> Any:
        """Learnt mask embedding on masked frames, zero on masked channels (wav2vec 2.0, section 3.1)."""
        if self._masks is None:
            return None
        projected = output[0] if isinstance(output, tuple) else output
        time, channels = self._masks
        projected = torch.where(time[:, :, None], self.model.masked_spec_embed.to(projected.dtype), projected)
        projected = torch.where(channels[:, None, :], 0.0, projected)
        return (projected, *output[1:]) if isinstance(output, tuple) else projected

    @property
    def transformer_layers(self) -> nn.ModuleList:
        layers: nn.ModuleList = self.model.encoder.layers
        return layers

    def can_share_batch(self, shortest: int, longest: int) -> bool:
        # group-norm models (wav2vec2-base, HuBERT-base) normalise over time, so padding would change them
        if self.model.config.feat_extract_norm != "layer":
            return shortest == longest
        return longest <= 1.2 * shortest

    def specification(self) -> dict[str, Any]:
        return {
            "kind": "wav2vec2-family",
            "config": self.model.config.to_dict(),
            "read_layers": list(self.read_layers),
            "normalise": self._normalise,
        }


def config_from_dict(config: dict[str, Any]) -> PretrainedConfig:
    """transformers' configuration object from its JSON form."""
    values = dict(config)
    return AutoConfig.for_model(values.pop("model_type"), **values)


def middle_layer(config: PretrainedConfig) -> int:
    """Half of the depth: the layers that a raw self-supervised model carries emotion in (12 of XLS-R's 24)."""
    return max(1, int(config.num_hidden_layers) // 2)
