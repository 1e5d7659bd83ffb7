"""What encoders that are transformers' own modules have in common: how they are made, masked and cut off."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, PretrainedConfig

from engine.backbones.attention import use_quick_attention
from engine.backbones.protocol import Backbone
from engine.specaugment import ClipMasks, SpecAugment


class LibraryBackbone(Backbone):
    """A model of the library, read at `read_layers`; layers above the highest are cut off.

    `config`: transformers' configuration; `drawn`: whether weights are drawn at random, which takes seconds, or left
    for the caller to fill in.
    """

    frame_rate_hz: float

    def __init__(self, config: PretrainedConfig, read_layers: tuple[int, ...], *, drawn: bool = True) -> None:
        super().__init__()
        config.apply_spec_augment = False  # masking is ours, so that it is seeded and works in eval mode
        config.layerdrop = 0.0
        config.num_hidden_layers = max(read_layers)
        self.model = _empty_or_drawn(config, drawn=drawn)
        use_quick_attention(self.model.config)
        self.read_layers = read_layers
        self.hidden_size = config.hidden_size

    @property
    def transformer_layers(self) -> nn.ModuleList:
        layers: nn.ModuleList = self.model.encoder.layers
        return layers

    def draw_masks(self, inputs: Sequence[Tensor], augment: SpecAugment, generator: torch.Generator) -> list[ClipMasks]:
        return [augment.draw(each.shape[-1], self.hidden_size, self.frame_rate_hz, generator) for each in inputs]

    def masked(self, state: Tensor, masks: Sequence[ClipMasks] | None) -> Tensor:
        """Learnt mask embedding on masked frames, zero on masked channels (wav2vec 2.0, section 3.1).

        state: (clips, frames, channels). A model that has learnt no embedding is given zeros.
        """
        if masks is None:
            return state
        embedding = getattr(self.model, "masked_spec_embed", None)
        time = nn.utils.rnn.pad_sequence([each.time for each in masks], batch_first=True).to(state.device)
        channels = torch.stack([each.channels for each in masks]).to(state.device)
        filling = state.new_zeros(()) if embedding is None else embedding.to(state.dtype)
        return torch.where(time[:, :, None], filling, state).masked_fill(channels[:, None, :], 0.0)


def _empty_or_drawn(config: PretrainedConfig, *, drawn: bool) -> Any:
    """The library's model of that configuration, with random weights or with memory for weights."""
    if drawn:
        return AutoModel.from_config(config, dtype=torch.float32)
    with torch.device("meta"):
        model = AutoModel.from_config(config, dtype=torch.float32)
    return model.to_empty(device="cpu")
