"""Only what is to be tuned is tuned."""

import dataclasses

import pytest
import torch
from torch import nn

from engine.adaptation import AdaptationSettings, Adapted, adapt
from engine.adaptation.trained import trained_parameters
from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from engine.bases import Base
from engine.encoder import EmotionEncoder
from engine.errors import LabellingError
from engine.extractors import GatedLinearUnit, MeanFC, MeanPooling
from tests.engine.conftest import labelled, tiny_encoder, wav2vec2_config


def changed_names(base: Base, trained: str) -> set[str]:
    settings = AdaptationSettings(steps=2, learning_rate=1e-3, trained=trained)
    *_, adapted = adapt(base, labelled([3, 3]), ("anger", "joy"), settings)
    assert isinstance(adapted, Adapted)
    before = dict(base.encoder.named_parameters())
    for name, parameter in adapted.encoder.named_parameters():
        assert parameter.requires_grad == before[name].requires_grad, "as it was"
    return {name for name, value in adapted.encoder.named_parameters() if not torch.equal(value, before[name])}


@pytest.fixture
def base() -> Base:
    return Base("tiny", tiny_encoder(MeanFC), standardised=False, licence="none")


def test_all_changes_every_part(base: Base) -> None:
    changed = changed_names(base, "all")
    for part in ("backbone.conv1", "backbone.layers.0", "backbone.layers.2", "extractor.project"):
        assert any(name.startswith(part) for name in changed), part


def test_norms_changes_layer_norms_only(base: Base) -> None:
    changed = changed_names(base, "norms")
    assert changed
    modules = dict(base.encoder.named_modules())
    for name in changed:
        assert isinstance(modules[name.rpartition(".")[0]], nn.LayerNorm), name


def test_top_1_changes_the_highest_layer_and_the_extractor(base: Base) -> None:
    changed = changed_names(base, "top-1")
    assert {name.rpartition(".")[0].split(".")[0] for name in changed} == {"backbone", "extractor"}
    assert all(name.startswith(("backbone.layers.2.", "extractor.")) for name in changed)


def test_extractor_changes_the_extractor_only(base: Base) -> None:
    assert changed_names(base, "extractor") == {"extractor.project.weight", "extractor.project.bias"}


@pytest.mark.parametrize("trained", ["extractor", "projection"])
def test_an_extractor_without_weights_cannot_be_tuned(base: Base, trained: str) -> None:
    weightless = dataclasses.replace(base, encoder=tiny_encoder(MeanPooling))
    with pytest.raises(LabellingError, match=f"nothing to tune under '{trained}'"):
        changed_names(weightless, trained)


@pytest.mark.parametrize("trained", ["norms", "top-1", "extractor"])
def test_the_wav2vec2_family_has_such_parts_too(trained: str) -> None:
    backbone = Wav2Vec2Backbone(wav2vec2_config(), (4,))
    encoder = EmotionEncoder(backbone, GatedLinearUnit(32, 1))
    names = {id(parameter): name for name, parameter in encoder.named_parameters()}
    chosen = [names[id(parameter)] for parameter in trained_parameters(encoder, trained)]
    starts = {"norms": "backbone.model.", "top-1": ("backbone.model.encoder.layers.3.", "extractor."),
              "extractor": "extractor."}  # fmt: skip
    assert chosen
    assert all(name.startswith(starts[trained]) for name in chosen)
