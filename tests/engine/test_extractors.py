import pytest
import torch

from engine.backbones import Frames
from engine.extractors import (
    EMBEDDING_SIZE,
    AttentiveStatistics,
    Extractor,
    GatedLinearUnit,
    LateralInhibition,
    LinearDiscriminant,
    MeanFC,
    MeanPooling,
    Mixture,
    PooledExtractor,
    build_extractor,
    pool_pairs,
)

HIDDEN = 24
TRAINED = [MeanFC, LateralInhibition, GatedLinearUnit]


def frames(lengths: list[int], layers: int = 1, seed: int = 0, padding: float = 0.0) -> Frames:
    torch.manual_seed(seed)
    hidden = torch.full((layers, len(lengths), max(lengths), HIDDEN), padding)
    for clip, length in enumerate(lengths):
        torch.manual_seed(1000 + clip)
        hidden[:, clip, :length] = torch.randn(layers, length, HIDDEN)
    return Frames(hidden, torch.tensor(lengths))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(3)


@pytest.mark.parametrize("kind", TRAINED)
def test_the_papers_three_give_256_numbers(kind: type[Extractor]) -> None:
    assert kind(HIDDEN, 1).eval()(frames([50, 40])).shape == (2, EMBEDDING_SIZE)


@pytest.mark.parametrize("kind", [*TRAINED, MeanPooling])
@pytest.mark.parametrize("padding", [0.0, 100.0, -100.0])
def test_padding_changes_nothing(kind: type[Extractor], padding: float) -> None:
    extractor = kind(HIDDEN, 1).eval()
    together = extractor(frames([60, 37], padding=padding))
    alone = torch.cat([extractor(frames([60])), extractor(_second_alone())])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def _second_alone() -> Frames:
    both = frames([60, 37])
    return Frames(both.hidden[:, 1:, :37], both.lengths[1:])


def test_an_embedding_that_is_pooled_has_a_block_for_each_layer_and_others_are_one_block() -> None:
    pooled = MeanPooling(HIDDEN, 3)
    assert pooled.blocks == 3
    blocks = pooled(frames([50], layers=3)).view(3, HIDDEN)
    torch.testing.assert_close(blocks.norm(dim=-1), torch.ones(3))
    assert all(kind(HIDDEN, 1).blocks == 1 for kind in TRAINED)


def test_lateral_inhibition_is_equation_1() -> None:
    extractor = LateralInhibition(HIDDEN).eval()
    torch.nn.init.normal_(extractor.bias)
    x = torch.randn(HIDDEN)
    expected = torch.zeros(HIDDEN)
    for channel in range(HIDDEN):
        drive = extractor.bias[channel].clone()
        for other in range(HIDDEN):
            if other != channel:  # ZeroDiag: a channel does not inhibit itself
                drive += x[other] * extractor.weight[channel, other]
        expected[channel] = x[channel] if drive > 0 else 0.0
    torch.testing.assert_close(x * extractor.gate(x), expected)


def test_the_step_function_passes_the_sigmoids_gradient() -> None:
    extractor = LateralInhibition(HIDDEN)
    extractor.gate(torch.randn(5, HIDDEN)).sum().backward()
    assert extractor.weight.grad is not None
    assert extractor.bias.grad is not None
    assert 0.0 < float(extractor.bias.grad.max()) <= 5 * 0.25  # sigmoid' is at most 1/4
    assert torch.diagonal(extractor.weight.grad).abs().max() == 0.0


def test_glu_is_equation_2_and_the_max_over_time() -> None:
    extractor = GatedLinearUnit(HIDDEN).eval()
    given = frames([40])
    signal = given.hidden[0, 0]
    outputs = []
    for start in range(40 - 32 + 1):
        window = signal[start : start + 32].T
        value = (extractor.convolve.weight * window).sum((1, 2)) + extractor.convolve.bias
        gate = (extractor.gate.weight * window).sum((1, 2)) + extractor.gate.bias
        outputs.append(value * torch.sigmoid(gate))
    torch.testing.assert_close(extractor(given)[0], torch.stack(outputs).amax(0), atol=1e-5, rtol=1e-4)


def test_glu_takes_a_clip_shorter_than_its_kernel() -> None:
    embedding = GatedLinearUnit(HIDDEN).eval()(frames([5]))
    assert embedding.isfinite().all()


def test_pooling_gives_unit_means_of_all_layers() -> None:
    given = frames([30], layers=2)
    embedding = MeanPooling(HIDDEN, 2)(given)[0]
    first = given.hidden[0, 0].mean(0)
    torch.testing.assert_close(embedding[:HIDDEN], first / first.norm())
    torch.testing.assert_close(embedding.norm(), torch.tensor(2.0).sqrt())


@pytest.mark.parametrize("kind", [*TRAINED, MeanPooling])
def test_a_specification_builds_the_same_architecture(kind: type[Extractor]) -> None:
    extractor = kind(HIDDEN, 1).eval()
    again = build_extractor(extractor.specification()).eval()
    again.load_state_dict(extractor.state_dict())
    torch.testing.assert_close(again(frames([50])), extractor(frames([50])))


def pooled_extractors() -> list[PooledExtractor]:
    torch.manual_seed(5)
    attentive = AttentiveStatistics(HIDDEN, 2, width=16, embedding_size=12)
    attentive.channel_mean = torch.randn(2 * HIDDEN)
    discriminant = LinearDiscriminant(HIDDEN, 2, 5)
    discriminant.directions = torch.randn(2 * HIDDEN, 5)
    mixture = Mixture([discriminant, attentive])
    mixture.centre, mixture.scale = torch.randn(17), torch.rand(17)
    turned = Mixture([discriminant, attentive], size=6)
    turned.centre, turned.scale, turned.axes = mixture.centre, mixture.scale, torch.randn(17, 6)
    return [attentive, discriminant, mixture, turned]


@pytest.mark.parametrize("number", [0, 1, 2, 3])
@pytest.mark.parametrize("second", [37, 36, 1])
@pytest.mark.parametrize("padding", [0.0, 100.0])
def test_padding_changes_nothing_where_frames_are_pooled(number: int, second: int, padding: float) -> None:
    extractor = pooled_extractors()[number].eval()
    both = frames([60, second], layers=2, padding=padding)
    alone = Frames(both.hidden[:, 1:, :second], both.lengths[1:])
    torch.testing.assert_close(extractor(both)[1:], extractor(alone), atol=1e-5, rtol=1e-5)


def test_pairs_of_frames_are_averaged_and_an_odd_last_one_stands_alone() -> None:
    hidden = torch.arange(6.0).reshape(1, 1, 6, 1)
    pooled, mask = pool_pairs(Frames(hidden, torch.tensor([5])))
    assert pooled.flatten().tolist() == [0.5, 2.5, 4.0]
    assert mask.tolist() == [[True, True, True]]


def test_attention_is_what_weighs_the_statistics() -> None:
    extractor = AttentiveStatistics(HIDDEN, 1, width=16, embedding_size=12).eval()
    clip = frames([40])
    even = extractor(clip)
    last = extractor.attention[-1]
    assert isinstance(last, torch.nn.Linear)
    torch.nn.init.normal_(last.weight, std=30.0)
    assert not torch.allclose(extractor(clip), even)


def test_a_mixture_is_its_parts_side_by_side() -> None:
    attentive, discriminant, mixture, turned = pooled_extractors()
    clip = frames([44, 30], layers=2)
    assert isinstance(mixture, Mixture)
    assert isinstance(turned, Mixture)
    parts = torch.cat([discriminant.eval()(clip), attentive.eval()(clip)], dim=1)
    side_by_side = (parts - mixture.centre) * mixture.scale
    torch.testing.assert_close(mixture.eval()(clip), side_by_side)
    torch.testing.assert_close(turned.eval()(clip), side_by_side @ turned.axes)
    assert turned.embedding_size == 6


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_pooled_extractors_are_made_again_from_their_specification(number: int) -> None:
    extractor = pooled_extractors()[number].eval()
    again = build_extractor(extractor.specification()).eval()
    again.load_state_dict(extractor.state_dict())
    clip = frames([50], layers=2)
    torch.testing.assert_close(again(clip), extractor(clip))
    assert again.embedding_size == extractor.embedding_size


def test_only_pooled_extractors_can_be_mixed() -> None:
    with pytest.raises(ValueError, match="cannot be mixed"):
        build_extractor({"kind": "mixture", "parts": [MeanPooling(HIDDEN, 1).specification()]})


# --- folding a projection in ------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(6))
def test_a_projection_that_is_folded_in_is_what_would_come_after(number: int) -> None:
    extractor = [*pooled_extractors(), MeanFC(HIDDEN, 2), LateralInhibition(HIDDEN, 2)][number].eval()
    size = extractor.embedding_size
    projection = torch.eye(size) + 0.1 * torch.randn(size, size)
    clip = frames([50, 37], layers=2)
    expected = extractor(clip) @ projection
    assert extractor.fold(projection)
    torch.testing.assert_close(extractor(clip), expected, atol=1e-5, rtol=1e-4)
    again = build_extractor(extractor.specification()).eval()
    again.load_state_dict(extractor.state_dict())
    assert torch.equal(again(clip), extractor(clip)), "it travels"


@pytest.mark.parametrize("kind", [GatedLinearUnit, MeanPooling])
def test_an_extractor_whose_last_step_is_not_linear_says_so_and_stays(kind: type[Extractor]) -> None:
    extractor = kind(HIDDEN, 1).eval()
    before = extractor(frames([50])).detach().clone()
    assert not extractor.fold(2 * torch.eye(extractor.embedding_size))
    assert torch.equal(extractor(frames([50])), before)
