from pathlib import Path

import torch
from transformers import Wav2Vec2Model

from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from engine.bases import load_base
from engine.encoder import build_backbone, build_encoder
from engine.specaugment import SpecAugment
from tests.engine.backbones.family import build
from tests.engine.conftest import voice, wav2vec2_config


def test_the_convolutions_are_frozen_and_all_else_that_is_used_is_trained(wav2vec2_folder: Path) -> None:
    encoder = load_base(f"hf:{wav2vec2_folder}").encoder
    encoder.embed([encoder.front_end(voice(0))], SpecAugment(), torch.Generator().manual_seed(0)).sum().backward()
    without = {name for name, parameter in encoder.backbone.model.named_parameters() if parameter.grad is None}
    fixed = {name for name, parameter in encoder.backbone.model.named_parameters() if not parameter.requires_grad}
    assert without == fixed
    assert all(name.startswith(("feature_extractor.", "encoder.layer_norm.")) for name in fixed)


def test_a_lower_layer_is_read_raw_and_the_models_own_highest_behind_its_norm() -> None:
    torch.manual_seed(0)
    library = Wav2Vec2Model(wav2vec2_config()).eval()
    samples = torch.from_numpy(voice(0))
    for top in (3, 4):
        backbone = Wav2Vec2Backbone(wav2vec2_config(), (top,)).eval()
        backbone.model.load_state_dict(library.state_dict(), strict=False)
        with torch.no_grad():
            ours = backbone.encode([backbone.front_end(samples)]).hidden[0]
            given = library(((samples - samples.mean()) / samples.std(correction=0))[None], output_hidden_states=True)
        expected = given.last_hidden_state if top == 4 else given.hidden_states[3]
        torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-3)


def test_a_folder_of_before_there_was_the_key_reads_its_highest_layer_raw() -> None:
    backbone = build("xls-r", (4,))
    specification = backbone.specification()
    assert specification.pop("final_norm") is True
    old = build_backbone(specification).eval()
    old.load_state_dict(backbone.state_dict())
    inputs = [backbone.front_end(torch.from_numpy(voice(0)))]
    with torch.no_grad():
        raw, normed = old.encode(inputs).hidden, backbone.encode(inputs).hidden
        assert not torch.allclose(raw, normed)
        assert torch.equal(backbone.model.encoder.layer_norm(raw), normed)


def test_a_base_read_lower_than_it_was_made_passes_no_norm() -> None:
    specification = build("xls-r", (4,)).specification() | {"read_layers": [2]}
    assert build_backbone(specification).specification()["final_norm"] is False


def test_masked_frames_take_the_learnt_embedding_and_masked_channels_are_zero() -> None:
    backbone = build("xls-r")
    inputs = [backbone.front_end(torch.from_numpy(voice(0, 2.0)))]
    masks = backbone.draw_masks(inputs, SpecAugment(), torch.Generator().manual_seed(3))
    assert masks[0].time.any()
    assert masks[0].channels.any()
    seen = []
    hook = backbone.model.encoder.pos_conv_embed.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    with torch.no_grad():
        backbone.encode_masked(inputs, masks)
    hook.remove()
    state, embedding = seen[0][0], backbone.model.masked_spec_embed
    assert not state[:, masks[0].channels].any()
    kept = ~masks[0].channels
    assert torch.equal(state[masks[0].time][:, kept], embedding[kept].expand(int(masks[0].time.sum()), -1))


def test_a_specification_builds_the_same_encoder(wav2vec2_folder: Path) -> None:
    encoder = load_base(f"hf:{wav2vec2_folder}").encoder
    again = build_encoder(encoder.specification())
    again.load_state_dict(encoder.state_dict())
    with torch.no_grad():
        assert torch.equal(again.embed([again.front_end(voice(0))]), encoder.embed([encoder.front_end(voice(0))]))
