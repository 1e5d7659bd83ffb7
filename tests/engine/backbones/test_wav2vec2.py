from pathlib import Path

import pytest
import torch
from transformers import AutoModel, HubertConfig, HubertModel, Wav2Vec2Model, WhisperConfig

from engine.bases import load_base
from engine.encoder import build_encoder
from engine.errors import BaseError
from engine.specaugment import SpecAugment
from tests.engine.conftest import voice, wav2vec2_config


def test_it_is_the_models_own_hidden_states(wav2vec2_folder: Path) -> None:
    encoder = load_base(f"hf:{wav2vec2_folder}").encoder
    reference = AutoModel.from_pretrained(wav2vec2_folder).eval()
    samples = torch.from_numpy(voice(0))
    normalised = (samples - samples.mean()) / samples.std(correction=0)
    with torch.no_grad():
        expected = reference(normalised[None], output_hidden_states=True).hidden_states
        ours = encoder.backbone.encode([encoder.front_end(voice(0))])
    assert encoder.backbone.read_layers == (2,)  # the middle of four
    torch.testing.assert_close(ours.hidden[0], expected[2], atol=1e-4, rtol=1e-3)


def test_a_clip_does_not_depend_on_what_else_is_in_its_batch(wav2vec2_folder: Path) -> None:
    backbone = load_base(f"hf:{wav2vec2_folder}").encoder.backbone
    inputs = [backbone.front_end(torch.from_numpy(voice(seed, length))) for seed, length in enumerate((1.0, 0.9))]
    with torch.no_grad():
        together = backbone.encode(inputs)
        alone = backbone.encode(inputs[1:])
    length = int(alone.lengths[0])
    torch.testing.assert_close(together.hidden[:, 1, :length], alone.hidden[:, 0], atol=1e-4, rtol=1e-3)


def test_group_norm_models_never_share_a_batch_with_padding(tmp_path: Path) -> None:
    Wav2Vec2Model(wav2vec2_config(feat_extract_norm="group", do_stable_layer_norm=False)).save_pretrained(tmp_path)
    backbone = load_base(f"hf:{tmp_path}").encoder.backbone
    assert backbone.can_share_batch(1000, 1000)
    assert not backbone.can_share_batch(1000, 1001)


def test_masks_come_from_the_generator_and_are_off_without_one(wav2vec2_folder: Path) -> None:
    backbone = load_base(f"hf:{wav2vec2_folder}").encoder.backbone
    inputs = [backbone.front_end(torch.from_numpy(voice(0, 2.0)))]
    with torch.no_grad():
        clean, again = backbone.encode(inputs).hidden, backbone.encode(inputs).hidden
        masked = [
            backbone.encode(inputs, SpecAugment(), torch.Generator().manual_seed(seed)).hidden for seed in (1, 1, 2)
        ]
    assert torch.equal(clean, again)
    assert torch.equal(masked[0], masked[1])
    assert not torch.allclose(masked[0], masked[2])
    assert not torch.allclose(masked[0], clean)


def test_gradients_reach_the_convolutions(wav2vec2_folder: Path) -> None:
    encoder = load_base(f"hf:{wav2vec2_folder}").encoder
    encoder.embed([encoder.front_end(voice(0))], SpecAugment(), torch.Generator().manual_seed(0)).sum().backward()
    assert encoder.backbone.model.feature_extractor.conv_layers[0].conv.weight.grad is not None


def test_hubert_is_taken_too(tmp_path: Path) -> None:
    values = wav2vec2_config().to_dict()
    values.pop("model_type")
    HubertModel(HubertConfig(**values)).save_pretrained(tmp_path)
    encoder = load_base(f"hf:{tmp_path}").encoder
    masked = encoder.embed([encoder.front_end(voice(0))], SpecAugment(), torch.Generator().manual_seed(0))
    assert masked.isfinite().all()


def test_a_specification_builds_the_same_architecture(wav2vec2_folder: Path) -> None:
    encoder = load_base(f"hf:{wav2vec2_folder}").encoder
    again = build_encoder(encoder.specification())
    again.load_state_dict(encoder.state_dict())
    with torch.no_grad():
        assert torch.equal(again.embed([again.front_end(voice(0))]), encoder.embed([encoder.front_end(voice(0))]))


def test_pickled_weights_are_refused(wav2vec2_folder: Path) -> None:
    (wav2vec2_folder / "model.safetensors").unlink()
    torch.save({}, wav2vec2_folder / "pytorch_model.bin")
    with pytest.raises(BaseError, match="safetensors"):
        load_base(f"hf:{wav2vec2_folder}")


def test_what_is_not_on_this_machine_is_not_fetched() -> None:
    with pytest.raises(BaseError, match="not on this machine"):
        load_base("hf:facebook/wav2vec2-xls-r-300m")


def test_another_kind_of_model_is_refused_in_words(tmp_path: Path) -> None:
    WhisperConfig(d_model=8, encoder_attention_heads=2).save_pretrained(tmp_path)
    with pytest.raises(BaseError, match="is a whisper model"):
        load_base(f"hf:{tmp_path}")


def test_an_unknown_base_is_refused_in_words() -> None:
    with pytest.raises(BaseError, match="no base called 'nonsense'"):
        load_base("nonsense")
