"""Attention of the library's layers, where they are tuned in bf16 on a processor.

Softmax attention is bound by more than its products there: PyTorch's bf16 kernel takes two to three times as long for
its gradient as the fp32 one on the few frames of a labelled clip, and only from some 4 s on it is the faster. 10 clips,
16 heads of 64, forwards and backwards, two threads of an Intel Xeon with AMX, bf16 and fp32, ms: 100 frames 42 and 20,
150 57 and 39, 200 56 and 53, 250 66 and 77, 468 140 and 194.
"""

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

ATTENTION = "serstudio"  # by which the library's layers find it
_PLAIN = "sdpa"
_MOST_FRAMES = 200


def use_quick_attention(config: PretrainedConfig) -> None:
    """Layers of this configuration attend as here, if they would by PyTorch's scaled_dot_product_attention."""
    if config._attn_implementation == _PLAIN:
        config._attn_implementation = ATTENTION


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float = 0.0, scale: float | None = None
) -> Tensor:
    """Attention in both directions, (clips, heads, frames, channels) throughout.

    mask: True where a frame may be attended to, or a bias that is added before the softmax; scale: of the products,
    by default 1 / sqrt(channels).
    """
    if not _is_quicker_in_fp32(query):
        return nn.functional.scaled_dot_product_attention(query, key, value, mask, dropout, scale=scale)
    if mask is not None and mask.is_floating_point():
        mask = mask.float()
    with torch.autocast(query.device.type, enabled=False):
        mixed = nn.functional.scaled_dot_product_attention(
            query.float(), key.float(), value.float(), mask, dropout, scale=scale
        )
    return mixed.to(query.dtype)


def _is_quicker_in_fp32(query: Tensor) -> bool:
    tuned = torch.is_grad_enabled() and query.requires_grad
    return tuned and query.device.type == "cpu" and query.dtype is torch.bfloat16 and query.shape[2] <= _MOST_FRAMES


def _attend_in_library(
    _module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **_others: object,
) -> tuple[Tensor, None]:
    """What the library wants of an attention function: (clips, frames, heads, channels), and no weights to look at."""
    return attend(query, key, value, attention_mask, dropout, scaling).transpose(1, 2).contiguous(), None


ALL_ATTENTION_FUNCTIONS.register(ATTENTION, _attend_in_library)
