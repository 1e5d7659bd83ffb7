import pytest
import torch
from torch import nn

from engine.backbones.protocol import Frames
from engine.extractors import PooledExtractor, build_extractor, pool_pairs
from engine.systems.hgfm.downstream import Classifier, build_downstream
from engine.systems.hgfm.network import AdditiveAttention, HierarchicalGrainedFeatureModel
from engine.systems.hgfm.recipe import DOWNSTREAM, ModelSection
from tests.engine.conftest import tiny_encoder, voice
from tests.engine.systems.hgfm.conftest import random_frames, small_network

LENGTHS = [9, 4, 1, 9]
SMALL = ModelSection(projected=16, state=8)


def downstream(kind: str) -> PooledExtractor:
    torch.manual_seed(0)
    return build_downstream(kind, 12, 2, SMALL).eval()


def test_the_sizes_are_those_of_the_equations() -> None:
    network = HierarchicalGrainedFeatureModel(1024, 1)
    assert network.project.weight.shape == (256, 1024)  # eq. 3: H to L
    assert network.gru_left.hidden_size == network.gru_right.hidden_size == 128  # eq. 4: h1 a direction
    assert network.embedding_size == 4 * 128 + 256  # eq. 6


def test_the_composite_vector_is_what_the_equations_say_of_one_frame() -> None:
    torch.manual_seed(1)
    network = small_network().eval()
    hidden, mask = random_frames([1, 1], 64)
    features = network.project(hidden[:, 0])
    left, _ = network.gru_left(features[:, None])
    right, _ = network.gru_right(features[:, None])
    # with a single key the attention can only be that key's value
    expected = torch.cat([left[:, 0], right[:, 0], left[:, 0], right[:, 0], features], dim=-1)
    torch.testing.assert_close(network.pool(hidden, mask), expected)


def test_both_directions_are_those_of_a_bidirectional_gru() -> None:
    torch.manual_seed(1)
    network = small_network().eval()
    hidden, mask = random_frames(LENGTHS, 64)
    features = network.project(hidden)
    both = nn.GRU(16, 8, batch_first=True, bidirectional=True)
    state = network.gru_left.state_dict() | {
        f"{name}_reverse": each for name, each in network.gru_right.state_dict().items()
    }
    both.load_state_dict(state)
    packed = nn.utils.rnn.pack_padded_sequence(features, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
    states, last = both(packed)
    expected, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True)
    left, right = network._run_gru(features, mask.sum(1))
    for number, length in enumerate(LENGTHS):
        torch.testing.assert_close(left[number, :length], expected[number, :length, :8])
        torch.testing.assert_close(right[number, :length], expected[number, :length, 8:])
    torch.testing.assert_close(network.pool(hidden, mask)[:, :16], torch.cat([last[0], last[1]], dim=-1))


def test_attention_weights_sum_to_one_over_real_frames() -> None:
    torch.manual_seed(0)
    attention = AdditiveAttention(8)
    _, mask = random_frames(LENGTHS, 8)
    values = torch.where(mask[:, :, None], torch.ones(8), torch.tensor(1e6))
    torch.testing.assert_close(attention(torch.randn(4, 8), values, mask), torch.ones(4, 8))


@pytest.mark.parametrize("kind", DOWNSTREAM)
def test_a_clip_alone_is_the_clip_in_a_padded_batch(kind: str) -> None:
    network = downstream(kind)
    hidden, mask = random_frames(LENGTHS, 24)
    together = network.pool(hidden, mask)
    assert together.shape == (4, network.embedding_size)
    for number, length in enumerate(LENGTHS):
        alone = network.pool(hidden[number : number + 1, :length], mask[number : number + 1, :length])
        torch.testing.assert_close(together[number], alone[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", DOWNSTREAM)
def test_a_tiny_batch_is_learnt_by_heart(kind: str) -> None:
    classifier = Classifier(downstream(kind).train(), 3)
    hidden, mask = random_frames([7, 5, 6, 7, 3, 4], 24)
    targets = torch.tensor([0, 1, 2, 0, 1, 2])
    optimiser = torch.optim.AdamW(classifier.parameters(), lr=1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        nn.functional.cross_entropy(classifier(hidden, mask), targets).backward()
        optimiser.step()
    classifier.eval()
    assert torch.equal(classifier(hidden, mask).argmax(-1), targets)


def test_frames_and_kept_frames_give_the_same_embedding() -> None:
    network = small_network(12).eval()
    hidden, _ = random_frames([7, 5], 24)
    frames = Frames(torch.stack([hidden[..., :12], hidden[..., 12:]]), torch.tensor([7, 5]))
    pooled, mask = pool_pairs(frames)
    assert pooled.shape == (2, 4, 24)  # two by two
    assert torch.equal(network(frames), network.pool(pooled, mask))


def test_a_clip_through_the_encoder_does_not_depend_on_its_batch() -> None:
    encoder = tiny_encoder(small_network)
    inputs = [encoder.front_end(voice(seed, 0.5 + 0.03 * seed)) for seed in range(4)]
    together = encoder.embed(inputs)
    for number, each in enumerate(inputs):
        torch.testing.assert_close(together[number], encoder.embed([each])[0], atol=1e-5, rtol=1e-5)


def test_the_specification_makes_the_same_network_again() -> None:
    network = HierarchicalGrainedFeatureModel(12, 2, projected=16, state=8, dropout=0.2)
    network.channel_mean += 0.5
    again = build_extractor(network.specification())
    assert isinstance(again, HierarchicalGrainedFeatureModel)
    again.load_state_dict(network.state_dict())
    hidden, mask = random_frames(LENGTHS, 24)
    assert torch.equal(network.eval().pool(hidden, mask), again.eval().pool(hidden, mask))
    assert again.specification() == network.specification()
    assert again.dropout.p == 0.2
