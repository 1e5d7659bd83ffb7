"""WavLM's attention (Chen et al. 2021): a relative position bias, gated by what is attended from.

The library computes it by a path that keeps all attention weights and looks at the weights of the projections
directly. Going through the projections themselves lets them be adapted (LoRA) or quantised like any other layer's,
and PyTorch's own scaled_dot_product_attention is faster.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.backbones.attention import attend


@dataclass(frozen=True)
class Positions:
    """bias: (heads, frames, frames), the same in every layer until it is gated; mask: (clips, frames), if padded."""

    bias: Tensor
    mask: Tensor | None


def positions(lowest_layer: Any, frames: int, mask: Tensor | None) -> Positions:
    """The relative position bias, whose weights only the lowest layer has."""
    return Positions(lowest_layer.attention.compute_bias(frames, frames), mask)


def run_wavlm_layer(layer: Any, state: Tensor, where: Positions, *, norm_first: bool) -> Tensor:
    """One layer on `state` (clips, frames, hidden size); `norm_first` is the configuration's `do_stable_layer_norm`."""
    attended = _attend(layer.attention, layer.layer_norm(state) if norm_first else state, where)
    state = state + layer.dropout(attended)
    if norm_first:
        output: Tensor = state + layer.feed_forward(layer.final_layer_norm(state))
        return output
    state = layer.layer_norm(state)
    normed: Tensor = layer.final_layer_norm(state + layer.feed_forward(state))
    return normed


def _attend(attention: Any, state: Tensor, where: Positions) -> Tensor:
    clips, frames, _ = state.shape

    def heads(values: Tensor) -> Tensor:
        return values.view(clips, frames, attention.num_heads, attention.head_dim).transpose(1, 2)

    query, key, value = (heads(project(state)) for project in (attention.q_proj, attention.k_proj, attention.v_proj))
    gates = attention.gru_rel_pos_linear(heads(state)).view(clips, attention.num_heads, frames, 2, 4).sum(-1)
    first, second = torch.sigmoid(gates).unbind(-1)
    strength = first * (second * attention.gru_rel_pos_const.squeeze(-1) - 1.0) + 2.0
    bias = (strength[..., None] * where.bias).to(query.dtype)
    if where.mask is not None:
        bias = bias.masked_fill(~where.mask[:, None, None, :], -torch.inf)
    dropout = float(attention.dropout) if attention.training else 0.0
    mixed = attend(query, key, value, bias, dropout)
    output: Tensor = attention.out_proj(mixed.transpose(1, 2).reshape(clips, frames, -1))
    return output
