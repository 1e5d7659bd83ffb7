import pytest
import torch

from engine.backbones.protocol import Frames
from engine.encoder import EmotionEncoder
from engine.extractors import build_extractor
from engine.systems.multigate.encoding import BidirectionalLayer
from engine.systems.multigate.gates import Connections, Transitions, hard_concrete
from engine.systems.multigate.loss import ContrastiveLoss
from engine.systems.multigate.network import NEW_LANGUAGE, MultiGate, Variant
from engine.systems.multigate.streams import StreamsBackbone
from tests.engine.conftest import voice
from tests.engine.systems.multigate.conftest import tiny_network


def frames_of(streams: StreamsBackbone, durations: tuple[float, ...] = (0.5, 0.81, 0.67)) -> Frames:
    return streams.encode([streams.front_end(torch.from_numpy(voice(n, s))) for n, s in enumerate(durations)])


def test_the_weights_of_a_gate_sum_to_one_and_are_its_languages_own(streams: StreamsBackbone) -> None:
    network = tiny_network(streams)
    encoded = network.encode(network.read(frames_of(streams)))
    found = [network.gate_weights(encoded, language) for language in network.languages]
    for weights in found:
        assert weights is not None
        assert weights.shape == (3, 3)
        assert bool((weights > 0).all())
        torch.testing.assert_close(weights.sum(1), torch.ones(3))
    assert not torch.allclose(*found)  # type: ignore[arg-type]


def test_an_embedding_is_the_same_alone_and_in_any_batch(streams: StreamsBackbone) -> None:
    encoder = EmotionEncoder(streams, tiny_network(streams))
    inputs = [encoder.front_end(voice(n, s)) for n, s in enumerate((0.5, 0.53, 0.57, 1.4))]
    together = encoder.extractor(streams.encode(inputs))
    alone = torch.cat([encoder.extractor(streams.encode([each])) for each in inputs])
    torch.testing.assert_close(together, alone, atol=2e-4, rtol=1e-3)
    torch.testing.assert_close(encoder.embed(inputs), alone, atol=2e-4, rtol=1e-3)
    lowered = encoder.lower(inputs, None, 0)
    torch.testing.assert_close(encoder.embed_lowered(lowered, 0), alone, atol=2e-4, rtol=1e-3)


def test_padding_never_takes_part(streams: StreamsBackbone) -> None:
    network = tiny_network(streams)
    frames = frames_of(streams)
    dirty = frames.hidden.clone()
    dirty[:, ~frames.mask] = 9.0
    torch.testing.assert_close(network(Frames(dirty, frames.lengths)), network(frames), rtol=0, atol=1e-6)


def test_eval_is_deterministic_and_training_draws_connections(streams: StreamsBackbone) -> None:
    network = tiny_network(streams)
    encoded = network.encode(network.read(frames_of(streams)))
    torch.testing.assert_close(network.represent(encoded, "pl"), network.represent(encoded, "pl"), rtol=0, atol=0)
    network.train()
    assert not torch.allclose(network.represent(encoded, "pl"), network.represent(encoded, "pl"))


def test_hard_concrete_gates_are_in_0_to_1_with_exact_zeros_and_ones() -> None:
    torch.manual_seed(0)
    drawn = hard_concrete(torch.zeros(100, 100), torch.rand(100, 100).clamp(1e-6, 1 - 1e-6))
    assert float(drawn.min()) == 0.0
    assert float(drawn.max()) == 1.0
    assert 0.02 < float((drawn == 0).float().mean()) < 0.2
    assert float(((drawn > 0) & (drawn < 1)).float().mean()) > 0.2
    # eq. 9 by hand, u = 0.25, kappa = 2
    share = 1 / (1 + (3 / 2) ** (1 / 0.9))
    found = hard_concrete(torch.tensor(2.0).log(), torch.tensor(0.25))
    assert float(found) == pytest.approx(share * 2.1 - 0.1, abs=1e-5)
    torch.testing.assert_close(hard_concrete(torch.tensor([-9.0, 0.0, 9.0]), None), torch.tensor([0.0, 0.95, 1.0]))


def test_connections_learn_and_what_is_cut_off_takes_no_part() -> None:
    torch.manual_seed(0)
    connections, transitions = Connections(2), Transitions(2, 3)
    features = torch.randn(4, 2, 3)
    transitions(features, connections()).square().sum().backward()
    assert connections.log_kappa.grad is not None
    cut = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    expected = torch.stack([features[:, i] @ transitions.weight[i, i].T for i in range(2)], dim=1)
    torch.testing.assert_close(transitions(features, cut), expected)


@pytest.mark.parametrize("variant", list(Variant))
def test_a_variant_shares_what_it_says_and_comes_back_from_its_specification(
    variant: Variant, streams: StreamsBackbone
) -> None:
    network = tiny_network(streams, variant=variant.value)
    towers = ["all"] if variant is Variant.BASE else ["pl", "en"]
    gates = {Variant.OMOE: ["all"], Variant.MMOE: ["pl", "en"], Variant.OURS: ["pl", "en"]}.get(variant, [])
    assert list(network.towers) == towers
    assert list(network.gates) == gates
    assert list(network.connections) == (["pl", "en"] if variant is Variant.OURS else [])
    again = build_extractor(network.specification()).eval()
    again.load_state_dict(network.state_dict())
    frames = frames_of(streams)
    torch.testing.assert_close(again(frames), network(frames), rtol=0, atol=0)
    assert again(frames).shape == (3, network.embedding_size)
    new = network.for_new_language()
    assert new.languages == (NEW_LANGUAGE,)
    assert torch.isfinite(new(frames)).all()


def test_a_sequence_can_be_the_selector(streams: StreamsBackbone) -> None:
    network = tiny_network(streams, selector="compact")
    assert network.selector_size == network.size
    assert torch.isfinite(network(frames_of(streams))).all()
    with pytest.raises(ValueError, match="smell"):
        tiny_network(streams, selector="smell")


def test_a_new_language_starts_from_the_mean_of_the_trained(streams: StreamsBackbone) -> None:
    network = tiny_network(streams)
    kept = network.for_new_language(kept=network.languages)
    for new in (kept, kept.for_new_language()):
        state = network.state_dict()
        for part in ("gates.{}.weight", "connections.{}.log_kappa", "towers.{}.hidden.weight"):
            mean = (state[part.format("pl")] + state[part.format("en")]) / 2
            torch.testing.assert_close(new.state_dict()[part.format(NEW_LANGUAGE)], mean)
        torch.testing.assert_close(new.state_dict()["transitions.weight"], state["transitions.weight"])
    assert kept.languages == ("pl", "en", NEW_LANGUAGE)
    assert kept.active == NEW_LANGUAGE


def test_streams_that_do_not_fit_are_refused(streams: StreamsBackbone) -> None:
    facts = tiny_network(streams).specification()
    del facts["kind"]
    with pytest.raises(ValueError, match="channels"):
        MultiGate(**(facts | {"hidden_size": 7}))


def test_the_contrastive_loss_is_that_of_the_equations() -> None:
    torch.manual_seed(0)
    points, labels = torch.randn(7, 5), torch.tensor([0, 0, 0, 2, 2, 2, 1])
    loss = ContrastiveLoss()
    found = loss(points, labels, 2)  # the lone clip of label 1 is left out
    units = torch.nn.functional.normalize(points, dim=1)
    each = []
    for i in range(6):
        rows = {k: [j for j in range(6) if int(labels[j]) == k and j != i] for k in (0, 2)}
        scores = torch.stack(
            [10 * torch.cosine_similarity(units[i], units[rows[k]].mean(0), dim=0) - 5 for k in (0, 2)]
        )
        each.append(-scores.log_softmax(0)[0 if int(labels[i]) == 0 else 1])
    torch.testing.assert_close(found, torch.stack(each).mean())
    assert float(loss(points, labels)) == 0.0  # no emotion has more than five samples


def test_a_bidirectional_layer_is_a_packed_lstm() -> None:
    torch.manual_seed(0)
    layer, packed = BidirectionalLayer(5, 4), torch.nn.LSTM(5, 4, batch_first=True, bidirectional=True)
    state = dict(layer.onward.state_dict())
    state |= {f"{name}_reverse": tensor for name, tensor in layer.back.state_dict().items()}
    packed.load_state_dict(state)
    values, lengths = torch.randn(3, 7, 5), torch.tensor([7, 3, 1])
    states, summary = layer(values, lengths)
    outputs, (last, _) = packed(
        torch.nn.utils.rnn.pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
    )
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
    real = torch.arange(7)[None, :] < lengths[:, None]
    torch.testing.assert_close(states[real], expected[real])
    torch.testing.assert_close(summary, torch.cat([last[0], last[1]], dim=-1))
