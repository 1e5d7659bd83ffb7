"""The network that is meta-trained: gradients, what is frozen, what drops out, and that it can learn."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from engine.backbones.protocol import Frames
from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from engine.encoder import EmotionEncoder
from engine.extractors import GatedLinearUnit, LateralInhibition, MeanFC
from engine.metalearning.adversarial import CorpusDiscriminator, reverse_gradient
from engine.metalearning.prototypical import EpisodeInputs, Phase, PrototypicalNetwork, cosine_logits
from engine.specaugment import SpecAugment
from tests.engine.conftest import tiny_encoder, voice, wav2vec2_config


def episode_of(
    encoder: EmotionEncoder, ways: int = 2, shots: int = 1, queries: int = 2, seed: int = 0
) -> EpisodeInputs:
    """Voices of a pitch for each way."""
    order = [
        (way, take) for takes in (range(shots), range(shots, shots + queries)) for way in range(ways) for take in takes
    ]
    samples = [voice(1000 * seed + 10 * way + take, 0.4, 100.0 * 1.6**way) for way, take in order]
    inputs = tuple(encoder.front_end(each) for each in samples)
    return EpisodeInputs(inputs, ways, shots, corpora=(seed % 2,) * ways, seed=seed)


def entered(network: PrototypicalNetwork, phase: Phase, **changes: bool) -> PrototypicalNetwork:
    """`network` in `phase`, deterministic unless `changes` say otherwise."""
    network.enter(phase, **({"backbone_dropout": False, "checkpointing": False, "augmented": False} | changes))
    return network


def still(network: PrototypicalNetwork) -> PrototypicalNetwork:
    """Without dropout, so that two passes can be compared."""
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout | torch.nn.Dropout1d):
            module.p = 0.0
    return network


def gradients(network: PrototypicalNetwork) -> dict[str, Tensor]:
    return {name: each.grad.clone() for name, each in network.named_parameters() if each.grad is not None}


def test_the_reversal_keeps_values_and_multiplies_gradients_by_minus_lambda() -> None:
    inputs = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, 4, dtype=torch.float64)
    assert torch.equal(reverse_gradient(inputs, 0.01), inputs)
    (reverse_gradient(inputs, 0.01) * weights).sum().backward()
    torch.testing.assert_close(inputs.grad, -0.01 * weights, rtol=1e-12, atol=0)


def test_a_reversed_function_has_minus_lambda_times_its_numerical_gradient() -> None:
    inputs = torch.randn(5, dtype=torch.float64, requires_grad=True)

    def twice_reversed(values: Tensor) -> Tensor:  # two reversals: the plain gradient times lambda squared
        return reverse_gradient(reverse_gradient(values, 0.5), 2.0).sin().sum()

    assert torch.autograd.gradcheck(twice_reversed, (inputs,))
    (once,) = torch.autograd.grad(reverse_gradient(inputs, 0.01).sin().sum(), inputs)
    step = 1e-6
    numerical = ((inputs + step).sin() - (inputs - step).sin()) / (2 * step)
    torch.testing.assert_close(once, -0.01 * numerical, rtol=1e-6, atol=1e-9)


def test_the_discriminator_descends_and_the_backbone_ascends() -> None:
    torch.manual_seed(0)
    discriminator = CorpusDiscriminator(8, corpora=3, strength=0.25).eval()
    plain = CorpusDiscriminator(8, corpora=3, strength=-1.0).eval()  # -(-1): no reversal
    plain.load_state_dict(discriminator.state_dict())
    grads = []
    for each in (discriminator, plain):
        hidden = torch.linspace(-1, 1, 2 * 40 * 8).view(1, 2, 40, 8).requires_grad_()
        logits = each(Frames(hidden, torch.tensor([40, 33])))
        assert logits.shape == (2, 3)
        torch.nn.functional.cross_entropy(logits, torch.tensor([0, 2])).backward()
        grads.append((hidden.grad, each.glu.convolve.weight.grad))
    torch.testing.assert_close(grads[0][0], -0.25 * grads[1][0])
    torch.testing.assert_close(grads[0][1], grads[1][1])


def test_logits_are_scaled_cosines_to_means_of_unnormalised_embeddings() -> None:
    support = torch.tensor([[[4.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [0.0, 3.0]]])
    query = torch.tensor([[2.0, 0.0]])
    logits = cosine_logits(support, query, torch.tensor(10.0))
    torch.testing.assert_close(logits, torch.tensor([[10 * 2 / math.sqrt(5), 0.0]]))


def test_probing_trains_the_extractor_alone_and_then_all_is_trained() -> None:
    network = entered(PrototypicalNetwork(tiny_encoder(GatedLinearUnit)), Phase.PROBING)
    network(episode_of(network.encoder))[0].backward()
    assert set(gradients(network)) == {
        "log_scale", "encoder.extractor.convolve.weight", "encoder.extractor.convolve.bias",
        "encoder.extractor.gate.weight", "encoder.extractor.gate.bias",
    }  # fmt: skip
    entered(network, Phase.WHOLE)
    network.zero_grad()
    network(episode_of(network.encoder))[0].backward()
    touched = set(gradients(network))
    fixed = "encoder.backbone.embed_positions.weight"
    assert touched == {name for name, _ in network.named_parameters()} - {fixed}


@pytest.mark.parametrize(
    ("kind", "dropout", "share"),
    [
        (MeanFC, torch.nn.Dropout, 0.5),
        (LateralInhibition, torch.nn.Dropout, 0.5),
        (GatedLinearUnit, torch.nn.Dropout1d, 0.1),
    ],
)
def test_the_extractors_drop_what_the_paper_says(
    kind: Callable[[int], torch.nn.Module], dropout: type[torch.nn.Module], share: float
) -> None:
    """Section 4.4: half of what enters a fully connected layer; a tenth of the channels of the GLU's convolution."""
    torch.manual_seed(0)
    extractor = kind(64)
    dropped = [module for module in extractor.modules() if isinstance(module, torch.nn.Dropout | torch.nn.Dropout1d)]
    assert [(type(module), module.p) for module in dropped] == [(dropout, share)]
    seen: list[tuple[Tensor, Tensor]] = []
    dropped[0].register_forward_hook(lambda module, inputs, output: seen.append((inputs[0], output)))
    extractor.train()(Frames(torch.randn(1, 40, 50, 64), torch.full((40,), 50)))
    ((before, after),) = seen
    if dropout is torch.nn.Dropout1d:  # whole channels of (clips, channels, steps)
        before, after = before.abs().amax(-1), after.abs().amax(-1)
    lost = (after == 0)[before != 0]
    assert float(lost.float().mean()) == pytest.approx(share, abs=0.03)


def test_dropout_acts_in_the_extractor_while_training_and_nowhere_after() -> None:
    network = entered(PrototypicalNetwork(tiny_encoder(MeanFC)), Phase.WHOLE)
    episode = episode_of(network.encoder)
    torch.manual_seed(0)
    first, second = (float(network(episode)[0].detach()) for _ in range(2))
    assert first != second
    torch.manual_seed(0)
    assert float(network(episode)[0].detach()) == first
    assert not any(module.training for module in network.encoder.backbone.modules())
    network.eval()
    assert float(network(episode)[0].detach()) == float(network(episode)[0].detach())


def xls_r(seed: int = 0) -> EmotionEncoder:
    """A tiny random encoder of XLS-R's architecture."""
    torch.manual_seed(seed)
    return EmotionEncoder(Wav2Vec2Backbone(wav2vec2_config(), (4,)), GatedLinearUnit(32))


@pytest.mark.parametrize("build", [lambda: tiny_encoder(GatedLinearUnit), xls_r])
def test_checkpointing_changes_no_gradient(build: Callable[[], EmotionEncoder]) -> None:
    found = []
    for checkpointing in (False, True):
        network = still(PrototypicalNetwork(build()))
        entered(network, Phase.WHOLE, checkpointing=checkpointing)
        network(episode_of(network.encoder))[0].backward()
        found.append(gradients(network))
    assert len(found[0]) > 20
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        assert torch.equal(gradient, found[1][name]), name


def test_checkpointing_keeps_less_in_memory() -> None:
    kept = []
    for checkpointing in (False, True):
        network = entered(PrototypicalNetwork(tiny_encoder(MeanFC)), Phase.WHOLE, checkpointing=checkpointing)
        episode, sizes = episode_of(network.encoder), []

        def pack(tensor: Tensor, sizes: list[int] = sizes) -> Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            network(episode)
        kept.append(sum(sizes))
    assert kept[1] < 0.6 * kept[0]


def test_augmentation_is_drawn_from_the_episodes_own_seed() -> None:
    network = still(entered(PrototypicalNetwork(tiny_encoder(MeanFC)), Phase.WHOLE, augmented=True))
    episode = episode_of(network.encoder, seed=5)
    masked = [float(network(episode, SpecAugment())[0].detach()) for _ in range(2)]
    assert masked[0] == masked[1] != float(network(episode)[0].detach())


def test_the_scale_starts_at_ten_and_is_learnt() -> None:
    network = entered(PrototypicalNetwork(tiny_encoder(MeanFC)), Phase.PROBING)
    assert float(network.scale.detach()) == pytest.approx(10.0)
    network(episode_of(network.encoder))[0].backward()
    assert network.log_scale.grad is not None
    assert float(network.log_scale.grad) != 0.0


def test_it_learns_one_episode_by_heart() -> None:
    network = entered(PrototypicalNetwork(tiny_encoder(GatedLinearUnit)), Phase.WHOLE)
    episode = episode_of(network.encoder, ways=3, shots=2, queries=3)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(40):
        optimiser.zero_grad()
        network(episode)[0].backward()
        optimiser.step()
    network.eval()
    loss, right, _ = network(episode)
    assert float(right) == 1.0
    assert float(loss.detach()) < 0.1
