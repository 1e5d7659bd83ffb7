"""Every kind of model in the loop of ours against the library's own, and what the protocol promises of all of them."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from engine.backbones import Backbone
from engine.backbones.protocol import Frames
from engine.encoder import build_backbone
from engine.specaugment import ClipMasks, SpecAugment
from tests.engine.backbones.family import KINDS, LAYERS, build
from tests.engine.conftest import tiny_encoder, voice

ALL_LAYERS = tuple(range(LAYERS + 1))
EVERY_BACKBONE = [*KINDS, "compact"]


def any_backbone(kind: str) -> Backbone:
    return tiny_encoder().backbone if kind == "compact" else build(kind, (1, 3))


def clips(backbone: Backbone, durations_s: tuple[float, ...] = (1.0, 0.87)) -> list[Tensor]:
    return [backbone.front_end(torch.from_numpy(voice(seed, length))) for seed, length in enumerate(durations_s)]


def masks_of(backbone: Backbone, inputs: list[Tensor], seed: int = 0) -> list[ClipMasks]:
    return backbone.draw_masks(inputs, SpecAugment(), torch.Generator().manual_seed(seed))


def assert_same_frames(one: Frames, other: Frames) -> None:
    """On the frames that are real; the rest is padding, and whatever."""
    assert torch.equal(one.lengths, other.lengths)
    for clip, length in enumerate(one.lengths.tolist()):
        torch.testing.assert_close(one.hidden[:, clip, :length], other.hidden[:, clip, :length], atol=5e-5, rtol=1e-4)


def library_input(kind: str, backbone: Backbone, samples: Tensor) -> Tensor:
    if kind.startswith("w2v-bert"):
        return backbone.front_end(samples).T[None]
    return ((samples - samples.mean()) / samples.std(correction=0))[None]


@pytest.mark.parametrize("kind", EVERY_BACKBONE)
@pytest.mark.parametrize("duration_s", [0.02, 0.7])
def test_clips_of_one_length_go_through_the_front_end_at_once_as_one_by_one(kind: str, duration_s: float) -> None:
    backbone = any_backbone(kind)
    samples = [
        torch.from_numpy(gain * voice(seed, 1.0)[: round(16_000 * duration_s)]) for seed, gain in enumerate((1, 0.01))
    ]
    if kind == "compact" and duration_s < 0.1:
        samples = [nn.functional.pad(each, (0, 1600)) for each in samples]
    together = backbone.front_end_of_equals(torch.stack(samples))
    for ours, each in zip(together, samples, strict=True):
        torch.testing.assert_close(ours, backbone.front_end(each), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_every_state_in_a_padded_batch_is_the_librarys_own_of_the_clip_alone(kind: str) -> None:
    backbone = build(kind, ALL_LAYERS)
    samples = [torch.from_numpy(voice(seed, length)) for seed, length in enumerate((1.0, 0.87))]
    with torch.no_grad():
        frames = backbone.encode([backbone.front_end(each) for each in samples])
        for clip, each in enumerate(samples):
            library = backbone.model(library_input(kind, backbone, each), output_hidden_states=True)
            length = int(frames.lengths[clip])
            assert library.last_hidden_state.shape[1] == length
            for layer in ALL_LAYERS[:-1]:
                ours = frames.hidden[layer, clip, :length]
                torch.testing.assert_close(ours, library.hidden_states[layer][0], atol=5e-5, rtol=1e-4)
            # the highest is read as the model gives it out: behind its last norm, where it has one there
            ours = frames.hidden[LAYERS, clip, :length]
            torch.testing.assert_close(ours, library.last_hidden_state[0], atol=5e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_attention_is_pytorchs_own(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = build(kind)
    seen = []
    real = torch.nn.functional.scaled_dot_product_attention

    def spy(*arguments: Any, **settings: Any) -> Tensor:
        seen.append(settings.get("attn_mask"))
        return real(*arguments, **settings)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", spy)
    with torch.no_grad():
        backbone.encode(clips(backbone, (0.9, 0.9)))
    assert len(seen) == LAYERS
    if not kind.startswith(("wavlm", "w2v-bert")):  # these have biases of position
        assert seen == [None] * LAYERS, "clips of one length need no mask"


@pytest.mark.parametrize("kind", EVERY_BACKBONE)
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_the_lower_part_and_the_upper_make_the_whole(kind: str, depth: int) -> None:
    backbone = any_backbone(kind)
    inputs = clips(backbone)
    masks = masks_of(backbone, inputs)
    with torch.no_grad():
        whole = backbone.encode_masked(inputs, masks)
        lowered = backbone.lower(inputs, masks, depth)
        assert_same_frames(backbone.upper(lowered, depth), whole)
        assert_same_frames(backbone.upper(lowered[1:], depth), backbone.encode_masked(inputs[1:], masks[1:]))
    kept = len([layer for layer in backbone.read_layers if layer < depth]) + 1
    sizes = [(kept, int(length), backbone.hidden_size) for length in whole.lengths]
    assert [tuple(each.shape) for each in lowered] == sizes


@pytest.mark.parametrize("kind", EVERY_BACKBONE)
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_gradients_of_what_is_above_are_those_of_the_whole(kind: str, depth: int) -> None:
    backbone = any_backbone(kind)
    inputs = [each.double() for each in clips(backbone)]
    backbone.double()
    masks = masks_of(backbone, inputs)
    weights = torch.randn(len(backbone.read_layers), 1, 1, backbone.hidden_size, dtype=torch.float64)

    def gradients(frames: Frames) -> dict[str, Tensor]:
        backbone.zero_grad()
        (frames.hidden * frames.mask[None, :, :, None] * weights).square().sum().backward()
        above = backbone.transformer_layers[depth:].named_parameters()
        return {name: parameter.grad.clone() for name, parameter in above if parameter.grad is not None}

    whole = gradients(backbone.encode_masked(inputs, masks))
    with torch.no_grad():
        lowered = backbone.lower(inputs, masks, depth)
    parts = gradients(backbone.upper(lowered, depth))
    assert len(whole) > 5
    if kind.startswith("wavlm") and depth == 0:
        assert any("rel_attn_embed" in name for name in whole)
    assert parts.keys() == whole.keys()
    for name, gradient in whole.items():
        torch.testing.assert_close(parts[name], gradient, atol=1e-10, rtol=1e-8, msg=name)


@pytest.mark.parametrize("kind", EVERY_BACKBONE)
def test_a_clip_does_not_depend_on_what_else_is_in_its_batch(kind: str) -> None:
    backbone = any_backbone(kind)
    inputs = clips(backbone, (1.0, 0.87, 0.9))
    with torch.no_grad():
        together = backbone.encode(inputs)
        for clip, each in enumerate(inputs):
            alone = backbone.encode([each])
            length = int(alone.lengths[0])
            assert length == int(together.lengths[clip])
            ours = together.hidden[:, clip, :length]
            torch.testing.assert_close(ours, alone.hidden[:, 0], atol=5e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", EVERY_BACKBONE)
def test_masks_do_not_depend_on_what_else_is_in_the_batch_before_it(kind: str) -> None:
    backbone = any_backbone(kind)
    inputs = clips(backbone)
    first = masks_of(backbone, inputs)[0]
    alone = masks_of(backbone, inputs[:1])[0]
    assert torch.equal(first.time, alone.time)
    assert torch.equal(first.channels, alone.channels)
    with torch.no_grad():
        clean = backbone.encode(inputs).hidden
        masked = [
            backbone.encode(inputs, SpecAugment(), torch.Generator().manual_seed(seed)).hidden for seed in (1, 1, 2)
        ]
    assert torch.equal(masked[0], masked[1])
    assert not torch.allclose(masked[0], masked[2])
    assert not torch.allclose(masked[0], clean)


@pytest.mark.parametrize("kind", EVERY_BACKBONE)
def test_checkpointing_changes_no_gradient_and_works_in_parts(kind: str) -> None:
    backbone = any_backbone(kind)
    inputs = clips(backbone)
    found = []
    for backbone.checkpointing in (False, True):
        backbone.zero_grad()
        lowered = backbone.lower(inputs, None, 1)
        backbone.upper(lowered, 1).hidden.square().sum().backward()
        found.append({name: each.grad for name, each in backbone.named_parameters() if each.grad is not None})
    assert len(found[0]) > 20
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(gradient, found[1][name]) for name, gradient in found[0].items())


@pytest.mark.parametrize("kind", EVERY_BACKBONE)
def test_layers_in_half_precision_give_single_precision_out(kind: str) -> None:
    backbone = any_backbone(kind)
    inputs = clips(backbone)
    with torch.no_grad():
        exact = backbone.encode(inputs)
        backbone.transformer_layers.bfloat16()
        backbone.compute_dtype = torch.bfloat16
        rounded = backbone.encode(inputs)
        lowered = backbone.lower(inputs, None, 2)
        in_parts = backbone.upper(lowered, 2)
    assert rounded.hidden.dtype == torch.float32
    real = exact.mask[None, :, :, None]
    error = ((rounded.hidden - exact.hidden) * real).norm() / (exact.hidden * real).norm()
    assert 1e-6 < error < 0.03
    assert ((in_parts.hidden - rounded.hidden) * real).norm() / (exact.hidden * real).norm() < 0.03


@pytest.mark.parametrize("kind", EVERY_BACKBONE)
def test_under_autocast_it_is_trained_in_half_precision_as_well(kind: str) -> None:
    backbone = any_backbone(kind)
    inputs = clips(backbone)
    found = []
    for enabled in (False, True):
        backbone.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            frames = backbone.encode(inputs)
        assert frames.hidden.dtype == torch.float32
        # not the mean square: where the last thing is a norm that is a constant, and its gradient rounding errors
        directions = torch.randn(frames.hidden.shape, generator=torch.Generator().manual_seed(0))
        (frames.hidden * directions * frames.mask[None, :, :, None]).mean().backward()
        gradients = [each.grad.flatten() for each in backbone.transformer_layers.parameters() if each.grad is not None]
        found.append(torch.cat(gradients))
    assert not torch.equal(found[0], found[1])
    assert torch.nn.functional.cosine_similarity(found[0], found[1], dim=0) > 0.98


@pytest.mark.parametrize("kind", EVERY_BACKBONE)
def test_a_specification_builds_the_same_architecture(kind: str) -> None:
    backbone = any_backbone(kind)
    again = build_backbone(backbone.specification()).eval()
    again.load_state_dict(backbone.state_dict())
    inputs = clips(backbone)
    with torch.no_grad():
        assert torch.equal(again.encode(inputs).hidden, backbone.encode(inputs).hidden)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("samples", [1, 160, 400, 800])
def test_the_shortest_of_clips_has_a_frame(kind: str, samples: int) -> None:
    backbone = any_backbone(kind)
    with torch.no_grad():
        hidden = backbone.encode([backbone.front_end(torch.from_numpy(voice(0)[:samples]))]).hidden
    assert hidden.shape[2] >= 1
    assert hidden.isfinite().all()
