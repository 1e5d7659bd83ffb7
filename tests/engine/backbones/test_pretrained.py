"""Folders of models as publishers write them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2BertModel,
    Wav2Vec2ForCTC,
    Wav2Vec2Model,
    WhisperConfig,
)

from engine.backbones.pretrained import layers_to_read, load_pretrained
from engine.backbones.wav2vec2_bert import Wav2Vec2BertBackbone
from engine.bases import load_base
from engine.encoder import EmotionEncoder
from engine.errors import BaseError
from engine.extractors import MeanPooling
from tests.engine.backbones.family import CONFIGS, KINDS
from tests.engine.conftest import voice, wav2vec2_config


def embedding(encoder: EmotionEncoder) -> torch.Tensor:
    with torch.no_grad():
        return encoder.embed([encoder.front_end(voice(0))])


def rewrite(folder: Path, names: dict[str, str]) -> None:
    """Rename parts of the weights' names, as another publisher would have written them."""
    weights = load_file(folder / "model.safetensors")
    for old, new in names.items():
        weights = {name.replace(old, new): tensor for name, tensor in weights.items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_in_its_lower_and_middle_layers(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    AutoModel.from_config(CONFIGS[kind]()).save_pretrained(tmp_path)
    library = AutoModel.from_pretrained(tmp_path).eval()
    base = load_pretrained(tmp_path, "mine")
    assert base.name == "mine"
    assert base.standardised
    assert base.encoder.backbone.read_layers == (1, 2)
    assert isinstance(base.encoder.extractor, MeanPooling)
    assert base.encoder.extractor.blocks == 2
    own = base.encoder.backbone.model.state_dict()
    stored = library.state_dict()
    assert all(torch.equal(tensor, stored[name]) for name, tensor in own.items())
    assert sum("layers.3." in name for name in own) == 0
    assert embedding(base.encoder).isfinite().all()


@pytest.mark.parametrize(
    ("top", "read"),
    [(24, (4, 6, 8, 10, 12, 14, 16)), (12, (2, 3, 4, 5, 6, 7, 8)), (6, (1, 2, 3, 4)), (2, (1,)), (1, (1,))],
)
def test_layers_from_a_sixth_to_two_thirds_of_the_depth(top: int, read: tuple[int, ...]) -> None:
    assert layers_to_read(top) == read


def test_layers_that_are_asked_for(wav2vec2_folder: Path) -> None:
    def read(layers: tuple[int, ...]) -> tuple[int, ...]:
        return load_pretrained(wav2vec2_folder, "x", layers).encoder.backbone.read_layers

    assert read((1, 3)) == (1, 3)
    assert read(()) == (4,)
    with pytest.raises(BaseError, match="has 4 layers"):
        read((5,))


@pytest.mark.parametrize("old", [False, True])
def test_a_model_with_a_head_and_names_of_old_holds_the_same_encoder(
    old: bool, wav2vec2_folder: Path, tmp_path: Path
) -> None:
    with_head = Wav2Vec2ForCTC(wav2vec2_config(vocab_size=20, adapter_attn_dim=4))
    with_head.wav2vec2.load_state_dict(load_file(wav2vec2_folder / "model.safetensors"), strict=False)
    with_head.save_pretrained(tmp_path / "with-head")
    if old:
        names = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
        rewrite(tmp_path / "with-head", names)
    expected = embedding(load_base(f"hf:{wav2vec2_folder}").encoder)
    assert torch.equal(embedding(load_base(f"hf:{tmp_path / 'with-head'}").encoder), expected)


def test_weights_in_several_files_and_in_half_precision(wav2vec2_folder: Path, tmp_path: Path) -> None:
    model = Wav2Vec2Model.from_pretrained(wav2vec2_folder)
    model.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert (tmp_path / "shards" / "model.safetensors.index.json").is_file()
    whole = load_base(f"hf:{wav2vec2_folder}").encoder
    assert torch.equal(embedding(load_base(str(tmp_path / "shards")).encoder), embedding(whole))
    model.half().save_pretrained(tmp_path / "half")
    halved = load_base(str(tmp_path / "half")).encoder
    assert {tensor.dtype for tensor in halved.state_dict().values()} == {torch.float32}
    torch.testing.assert_close(embedding(halved), embedding(whole), atol=1e-2, rtol=1e-2)


def test_a_model_without_a_mask_embedding_is_masked_with_zeros(tmp_path: Path) -> None:
    Wav2Vec2Model(wav2vec2_config()).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights.pop("masked_spec_embed")
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    assert not load_base(str(tmp_path)).encoder.backbone.model.masked_spec_embed.any()


@pytest.mark.parametrize("normalised", [True, False])
def test_clips_are_normalised_as_the_preprocessor_says(normalised: bool, wav2vec2_folder: Path) -> None:
    (wav2vec2_folder / "preprocessor_config.json").write_text(json.dumps({"do_normalize": normalised}))
    encoder = load_base(str(wav2vec2_folder)).encoder
    loud, quiet = (encoder.front_end(np.float32(gain) * voice(0)) for gain in (1.0, 0.1))
    assert torch.allclose(loud, quiet, atol=1e-3) == normalised


def test_filter_banks_are_the_librarys_own(tmp_path: Path) -> None:
    torch.manual_seed(0)
    backbone = Wav2Vec2BertBackbone(CONFIGS["w2v-bert-2.0"](), (4,))
    for duration_s in (0.5, 1.005, 2.0):
        samples = voice(0, duration_s)
        library = SeamlessM4TFeatureExtractor()(samples, sampling_rate=16_000, return_tensors="pt")
        real = int(library["attention_mask"].sum())
        ours = backbone.front_end(torch.from_numpy(samples))
        assert ours.shape == (160, real)
        torch.testing.assert_close(ours.T, library["input_features"][0, :real], atol=2e-3, rtol=1e-3)


def test_the_licence_is_that_of_the_models_card(wav2vec2_folder: Path) -> None:
    assert load_base(str(wav2vec2_folder)).licence == "as stated by the publisher of the base"
    (wav2vec2_folder / "README.md").write_text("---\nlanguage: multilingual\nlicense: apache-2.0\n---\n# XLS-R\n")
    assert load_base(str(wav2vec2_folder)).licence == "Apache-2.0"


# --- what cannot be read ---------------------------------------------------------------------------


def test_pickled_weights_are_refused_with_the_way_to_convert_them(wav2vec2_folder: Path) -> None:
    (wav2vec2_folder / "model.safetensors").unlink()
    torch.save({}, wav2vec2_folder / "pytorch_model.bin")
    with pytest.raises(BaseError, match="safetensors") as caught:
        load_base(f"hf:{wav2vec2_folder}")
    assert "serstudio models add" in caught.value.hint


@pytest.mark.parametrize("name", ["hf:facebook/wav2vec2-xls-r-300m", "hf:/nowhere/at/all", "hf:"])
def test_what_is_not_on_this_machine_is_not_fetched(name: str) -> None:
    with pytest.raises(BaseError, match="not on this machine"):
        load_base(name)


def test_another_kind_of_model_is_refused_in_words(tmp_path: Path) -> None:
    WhisperConfig(d_model=8, encoder_attention_heads=2).save_pretrained(tmp_path)
    with pytest.raises(BaseError, match="is a whisper model"):
        load_base(f"hf:{tmp_path}")


def test_positions_of_another_kind_are_refused_in_words(tmp_path: Path) -> None:
    config = CONFIGS["w2v-bert-2.0"]()
    config.position_embeddings_type = "rotary"
    Wav2Vec2BertModel(config).save_pretrained(tmp_path)
    with pytest.raises(BaseError, match="positions of the kind 'rotary'"):
        load_base(str(tmp_path))


@pytest.mark.parametrize("content", ["{", '{"model_type": "wav2vec2", "num_hidden_layers": "many"}', "[]", "{}"])
def test_a_broken_configuration_is_refused_in_words(content: str, wav2vec2_folder: Path) -> None:
    (wav2vec2_folder / "config.json").write_text(content)
    with pytest.raises(BaseError):
        load_base(f"hf:{wav2vec2_folder}")


def test_a_folder_without_weights_is_refused_in_words(wav2vec2_folder: Path) -> None:
    (wav2vec2_folder / "model.safetensors").unlink()
    with pytest.raises(BaseError, match="has no weights"):
        load_base(f"hf:{wav2vec2_folder}")


def test_a_missing_weight_is_named(wav2vec2_folder: Path) -> None:
    rewrite(wav2vec2_folder, {"encoder.layers.1.layer_norm.weight": "encoder.layers.1.layer_norm.mislaid"})
    with pytest.raises(BaseError, match=r"lack encoder\.layers\.1\.layer_norm\.weight"):
        load_base(f"hf:{wav2vec2_folder}")


@pytest.mark.parametrize("damage", ["cut", "other size"])
def test_damaged_weights_are_refused_in_words(damage: str, wav2vec2_folder: Path, tmp_path: Path) -> None:
    weights = wav2vec2_folder / "model.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])
    else:
        Wav2Vec2Model(wav2vec2_config(hidden_size=64)).save_pretrained(tmp_path / "larger")
        weights.write_bytes((tmp_path / "larger" / "model.safetensors").read_bytes())
    with pytest.raises(BaseError, match="is damaged"):
        load_base(f"hf:{wav2vec2_folder}")


def test_an_unknown_base_is_refused_in_words() -> None:
    with pytest.raises(BaseError, match="no base called 'nonsense'"):
        load_base("nonsense")
