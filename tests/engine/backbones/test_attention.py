"""Attention in bf16 with a gradient, on a processor: in fp32 where frames are few, and the same to bf16's exactness."""

import pytest
import torch
from torch import Tensor, nn

from engine.backbones.attention import ATTENTION, attend
from engine.backbones.compact import CompactBackbone
from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from tests.engine.conftest import TINY_WHISPER, wav2vec2_config


def heads(frames: int) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(2, 3, frames, 16) for _ in range(3)]


def gradients(values: list[Tensor], mask: Tensor | None, dtype: torch.dtype) -> list[Tensor]:
    leaves = [value.to(dtype).requires_grad_() for value in values]
    mixed = attend(*leaves, mask)
    assert mixed.dtype is dtype
    mixed.float().square().sum().backward()
    return [mixed.detach().float(), *(leaf.grad.float() for leaf in leaves if leaf.grad is not None)]


@pytest.mark.parametrize("kind", ["none", "mask", "bias"])
@pytest.mark.parametrize("frames", [40, 201])
def test_bf16_gives_what_fp32_does_to_its_exactness(kind: str, frames: int) -> None:
    mask = None
    if kind == "mask":
        mask = (torch.arange(frames) < torch.tensor([frames, frames - 9])[:, None])[:, None, None, :]
    elif kind == "bias":
        mask = torch.randn(2, 3, frames, frames)
    half_mask = mask.bfloat16() if mask is not None and mask.is_floating_point() else mask
    exact = gradients(heads(frames), mask, torch.float32)
    half = gradients(heads(frames), half_mask, torch.bfloat16)
    assert len(exact) == len(half) == 4
    for one, other in zip(exact, half, strict=True):
        assert (one - other).norm() < 0.02 * one.norm()


def test_few_frames_that_are_tuned_are_attended_to_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.dtype] = []
    plain = nn.functional.scaled_dot_product_attention

    def watched(query: Tensor, *others: Tensor, **named: object) -> Tensor:
        seen.append(query.dtype)
        return plain(query, *others, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", watched)
    with torch.autocast("cpu", torch.bfloat16):
        for values, tuned in ((heads(40), True), (heads(40), False), (heads(201), True)):
            attend(*(value.bfloat16().requires_grad_(tuned) for value in values), None)
    assert seen == [torch.float32, torch.bfloat16, torch.bfloat16]


def test_the_librarys_layers_attend_so() -> None:
    compact = CompactBackbone(TINY_WHISPER, (2, 3))
    assert compact.layers[0].self_attn.config._attn_implementation == ATTENTION
    other = Wav2Vec2Backbone(wav2vec2_config(), (2,))
    assert other.transformer_layers[0].attention.config._attn_implementation == ATTENTION
    assert ATTENTION not in str(other.specification())
