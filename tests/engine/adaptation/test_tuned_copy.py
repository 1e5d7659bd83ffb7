"""A copy to be tuned takes no memory for what is not; LoRA is merged to what its factors say."""

import dataclasses

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from engine.adaptation import AdaptationSettings, Adapted, adapt
from engine.adaptation.clips import embed_whole, prepare
from engine.adaptation.disjoint import disjoint_draw
from engine.adaptation.lora import RANK, LowRank, add_low_rank
from engine.adaptation.trained import frozen_layers
from engine.adaptation.tuned_copy import copy_for_tuning, shared_copy
from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from engine.bases import Base
from engine.choices import TRAINED
from engine.encoder import EmotionEncoder
from engine.extractors import AttentiveStatistics, GatedLinearUnit, MeanFC
from engine.heads import class_means
from engine.low_rank import merged
from engine.specaugment import SpecAugment
from tests.engine.conftest import labelled, tiny_encoder, wav2vec2_config


def xls_r(read_layers: tuple[int, ...] = (2, 4), layers: int = 6) -> EmotionEncoder:
    torch.manual_seed(0)
    backbone = Wav2Vec2Backbone(wav2vec2_config(num_hidden_layers=layers), read_layers)
    return EmotionEncoder(backbone, GatedLinearUnit(32, len(read_layers)))


def tune(encoder: EmotionEncoder, trained: str, **changes: object) -> Adapted:
    settings = AdaptationSettings(steps=2, learning_rate=1e-2, trained=trained, **changes)
    base = Base("tiny", encoder, standardised=False, licence="none")
    *_, adapted = adapt(base, labelled([3, 3]), ("anger", "joy"), settings)
    assert isinstance(adapted, Adapted)
    return adapted


@pytest.mark.parametrize("trained", [each for each in TRAINED if each != "projection"])
@pytest.mark.parametrize("make", [lambda: tiny_encoder(AttentiveStatistics), xls_r])
def test_what_is_not_tuned_is_the_same_memory_and_the_base_stays_as_it_was(make: object, trained: str) -> None:
    encoder = make()  # type: ignore[operator]
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    adapted = tune(encoder, trained)
    for name, value in adapted.encoder.state_dict().items():
        same_memory = value.data_ptr() == encoder.state_dict()[name].data_ptr()
        assert torch.equal(encoder.state_dict()[name], before[name])
        assert same_memory == torch.equal(value, before[name]) or trained == "all", name
    changed = [n for n, v in adapted.encoder.state_dict().items() if not torch.equal(v, before[n])]
    assert changed
    assert (adapted.lora is not None) == (trained == "lora")
    assert [p.requires_grad for p in adapted.encoder.parameters()] == [p.requires_grad for p in encoder.parameters()]
    assert adapted.encoder.specification() == encoder.specification()
    assert list(adapted.encoder.state_dict()) == list(before)


def test_a_copy_that_tunes_nothing_is_all_shared(tiny_base: Base) -> None:
    copied = shared_copy(tiny_base.encoder)
    assert copied is not tiny_base.encoder
    for ours, theirs in zip(copied.parameters(), tiny_base.encoder.parameters(), strict=True):
        assert ours.data_ptr() == theirs.data_ptr()
        assert ours is not theirs


# --- lora ------------------------------------------------------------------------------------------


def test_lora_is_added_to_every_linear_map_of_the_layers_and_begins_at_nothing() -> None:
    encoder = xls_r()
    clips = prepare(encoder, labelled([2]))
    before = embed_whole(encoder, clips)
    copied = shared_copy(encoder)
    add_low_rank(copied, 0)
    assert torch.equal(embed_whole(copied, clips), before)
    assert sum(isinstance(module, LowRank) for module in copied.modules()) == 4 * 6
    assert not any(isinstance(module, LowRank) for module in encoder.modules())


def test_lora_is_merged_to_the_bits_that_its_factors_give() -> None:
    encoder = xls_r()
    adapted = tune(encoder, "lora")
    assert adapted.lora is not None
    assert len(adapted.lora) == 4 * 6
    before, after = encoder.state_dict(), adapted.encoder.state_dict()
    for name, value in after.items():
        if name in adapted.lora:
            down, up = adapted.lora[name]
            assert (down.shape[0], up.shape[1]) == (RANK, RANK)
            assert torch.equal(value, merged(before[name], (down, up)))
            assert not torch.equal(value, before[name])
        else:
            assert torch.equal(value, before[name]), name


def test_merged_lora_embeds_as_it_did_beside_the_weights() -> None:
    tuned = copy_for_tuning(xls_r(), "lora", seed=3)
    for parameter in tuned.parameters:
        torch.nn.init.normal_(parameter, std=0.1)
    clips = prepare(tuned.encoder, labelled([2, 1]))
    before = embed_whole(tuned.encoder, clips)
    assert tuned.finish().lora is not None
    torch.testing.assert_close(embed_whole(tuned.encoder, clips), before, rtol=1e-4, atol=1e-5)


# --- projection ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: tiny_encoder(AttentiveStatistics), xls_r])
def test_a_projection_is_the_heads_and_the_encoder_stays_the_bases_own(make: object) -> None:
    encoder = make()  # type: ignore[operator]
    adapted = tune(encoder, "projection")
    for name, value in adapted.encoder.state_dict().items():
        assert value.data_ptr() == encoder.state_dict()[name].data_ptr()
    assert list(adapted.encoder.state_dict()) == list(encoder.state_dict())
    assert adapted.encoder.specification() == encoder.specification()
    assert adapted.lora is None
    assert adapted.head.projection is not None
    assert 1e-3 < (adapted.head.projection - torch.eye(encoder.embedding_size)).abs().max() < 0.1, "two steps of Adam"


def test_a_projection_begins_at_nothing() -> None:
    encoder = xls_r()
    clips = prepare(encoder, labelled([2]))
    tuned = copy_for_tuning(encoder, "projection")
    torch.testing.assert_close(embed_whole(tuned.encoder, clips), embed_whole(encoder, clips))
    assert [parameter.shape for parameter in tuned.parameters] == [(encoder.embedding_size, encoder.embedding_size)]


def test_a_projections_first_step_goes_down_the_gradient_of_the_episode() -> None:
    """Adam's first step is the rate times the gradient's sign, whatever its size."""
    encoder, clips = xls_r(), labelled([4, 4])
    base = Base("tiny", encoder, standardised=False, licence="none")
    settings = AdaptationSettings(steps=1, learning_rate=1e-3, trained="projection", augment=SpecAugment(0, 0, 0, 0))
    *_, adapted = adapt(base, clips, ("anger", "joy"), settings)
    assert isinstance(adapted, Adapted)
    assert adapted.head.projection is not None

    prepared = prepare(encoder, clips)
    episode = disjoint_draw(prepared, settings)(torch.Generator().manual_seed(settings.seed))
    labels = torch.tensor([clip.label for clip in clips])
    projection = torch.eye(encoder.embedding_size, requires_grad=True)
    embeddings = embed_whole(encoder, prepared) @ projection
    prototypes = class_means(embeddings[list(episode.support)], labels[list(episode.support)], 2)
    query = list(episode.query)
    cosines = normalize(embeddings[query], dim=1) @ normalize(prototypes, dim=1).T
    (gradient,) = torch.autograd.grad(cross_entropy(base.cosine_scale * cosines, labels[query]), projection)
    clear = gradient.abs() > 1e-2 * gradient.abs().max()
    moved = adapted.head.projection - torch.eye(encoder.embedding_size)
    torch.testing.assert_close(moved[clear], -1e-3 * gradient[clear].sign(), rtol=1e-2, atol=1e-6)
    assert clear.sum() > 100


# --- what lies below -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trained", "compact", "wav2vec2"),
    [
        ("all", 0, 0),
        ("lora", 0, 0),
        ("norms", 0, 0),
        ("top-4", 0, 2),  # the compact one has 3 layers: all of them
        ("top-4-norms", 0, 2),
        ("top-1", 2, 5),
        ("extractor", 3, 6),
        ("projection", 3, 6),
    ],
)
def test_how_many_layers_can_be_computed_once(trained: str, compact: int, wav2vec2: int) -> None:
    assert copy_for_tuning(tiny_encoder(MeanFC), trained).depth == compact
    assert copy_for_tuning(xls_r((2, 6)), trained).depth == wav2vec2


def test_a_norm_above_the_layers_takes_part_after_them() -> None:
    encoder = xls_r((6,))
    norm = encoder.backbone.model.encoder.layer_norm
    assert frozen_layers(encoder, [*encoder.extractor.parameters()]) == 6
    assert frozen_layers(encoder, [*norm.parameters()]) == 0, "known to be somewhere: nothing is kept"


def test_norms_of_the_top_leave_the_rest_alone() -> None:
    encoder = dataclasses.replace(Base("x", xls_r((2, 6)), standardised=False, licence="none")).encoder
    adapted = tune(encoder, "top-4-norms")
    before = encoder.state_dict()
    changed = {n for n, v in adapted.encoder.state_dict().items() if not torch.equal(v, before[n])}
    assert changed
    for name in changed:
        assert "layer_norm" in name
        assert name.startswith(tuple(f"backbone.model.encoder.layers.{number}." for number in (2, 3, 4, 5)))
