import pytest
import torch

from engine.backbones.protocol import Frames
from engine.extractors import build_extractor
from engine.systems.fmaml.network import ConvolutionalNetwork
from tests.engine.systems.fmaml.conftest import frames_of, tiny_network


def test_forty_coefficients_come_to_the_papers_576_numbers() -> None:
    network = ConvolutionalNetwork(40)
    assert network.embedding_size == 576
    assert network.output.weight.shape == (5 + 2, 576)
    assert network(frames_of([350])).shape == (1, 576)
    assert [each.convolve.out_channels for each in network.convolutions] == [64] * 4


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 33, 100, 937])
def test_a_clip_of_any_length_has_an_embedding_that_its_batch_does_not_change(length: int) -> None:
    base_statistics = tiny_network()
    with torch.no_grad():
        base_statistics.keep(base_statistics.embed(frames_of([50, 70]), None)[1])
        frames = frames_of([length, 140, 300])
        alone = base_statistics(Frames(frames.hidden[:, :1, :length], frames.lengths[:1]))
        together = base_statistics(frames)[:1]
    assert torch.isfinite(alone).all()
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


def test_what_lies_beyond_a_clip_does_not_matter() -> None:
    network = tiny_network()
    frames = frames_of([40, 100])
    noisy = frames.hidden.clone()
    noisy[:, 0, 40:] = 1e3
    torch.testing.assert_close(network(Frames(noisy, frames.lengths)), network(frames))
    _, clean_statistics = network.embed(frames, None)
    _, noisy_statistics = network.embed(Frames(noisy, frames.lengths), None)
    for clean, dirty in zip(clean_statistics, noisy_statistics, strict=True):
        torch.testing.assert_close(clean.mean, dirty.mean)
        torch.testing.assert_close(clean.variance, dirty.variance)


def test_statistics_are_those_of_batch_normalisation() -> None:
    network = tiny_network()
    frames = frames_of([64, 64, 64])
    block = network.convolutions[0]
    with torch.no_grad():
        seen = torch.relu(block.convolve(frames.hidden[-1].transpose(1, 2)[:, None]))
        expected = torch.nn.functional.batch_norm(seen, None, None, training=True)
        normalised, moments = block(frames.hidden[-1].transpose(1, 2)[:, None], torch.ones(3, 32, dtype=bool), None)
    torch.testing.assert_close(normalised, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(moments.mean, seen.mean((0, 2, 3)))


def test_three_pieces_are_those_of_an_adaptive_average() -> None:
    network = tiny_network()
    for length in (1, 2, 3, 4, 7, 19):
        values = torch.randn(1, length, generator=torch.Generator().manual_seed(length))
        from engine.systems.fmaml.network import _shares

        shares = _shares(torch.tensor([length]), length + 2, network.pieces)[0]
        expected = torch.nn.functional.adaptive_avg_pool1d(values[None], 3)[0]
        torch.testing.assert_close(torch.nn.functional.pad(values, (0, 2)) @ shares, expected)


def test_its_specification_makes_it_again() -> None:
    network = tiny_network(ways=4, fixed=False)
    again = build_extractor(network.specification())
    again.load_state_dict(network.state_dict())
    frames = frames_of([30, 50])
    assert torch.equal(again(frames), network(frames))
    assert again.specification() == network.specification()
