import pytest
import torch

from engine.backbones import Frames
from engine.extractors import (
    EMBEDDING_SIZE,
    Extractor,
    GatedLinearUnit,
    LateralInhibition,
    MeanFC,
    MeanPooling,
    build_extractor,
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
