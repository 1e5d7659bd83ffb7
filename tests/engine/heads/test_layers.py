import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from engine.choices import HEADS
from engine.heads import fit_head
from engine.heads.frame import class_means, fit_frame
from engine.heads.layers import layer_weights

LABELS = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])


def layered(seed: int, noise: tuple[float, ...], size: int = 16) -> Tensor:
    """Embeddings (12, layers * size): in each layer a direction a label, and as much noise as is asked for."""
    generator = torch.Generator().manual_seed(seed)
    blocks = []
    for strength in noise:
        directions = normalize(torch.randn(3, size, generator=generator, dtype=torch.float64), dim=-1)
        blocks.append(directions[LABELS] + strength * torch.randn(12, size, generator=generator, dtype=torch.float64))
    return torch.cat(blocks, dim=-1)


def weights_of(embeddings: Tensor, layers: int, labels: Tensor = LABELS) -> Tensor:
    points = normalize(embeddings.unflatten(-1, (layers, -1)), dim=-1)
    return layer_weights(points, labels, int(labels.max()) + 1)


def test_the_layer_that_tells_labels_apart_gets_the_weight() -> None:
    weights = weights_of(layered(0, (3.0, 0.1, 3.0)), 3)
    assert float(weights.sum()) == pytest.approx(1)
    assert float(weights[1]) > 0.9


def test_layers_of_the_same_worth_share_it() -> None:
    twice = layered(1, (0.3,)).repeat(1, 2)
    torch.testing.assert_close(weights_of(twice, 2), torch.full((2,), 0.5, dtype=torch.float64))


def test_a_left_out_clip_is_not_in_its_own_prototype() -> None:
    """Pure noise: with the clip itself in the mean, every clip would be near its own label."""
    generator = torch.Generator().manual_seed(2)
    points = normalize(torch.randn(12, 2, 256, generator=generator), dim=-1)
    directions = normalize(torch.randn(3, 256, generator=generator), dim=-1)
    points[:, 1] = normalize(directions[LABELS] + points[:, 1], dim=-1)
    assert float(layer_weights(points, LABELS, 3)[0]) < 0.01


def test_one_clip_a_label_tells_nothing_of_layers() -> None:
    weights = weights_of(layered(3, (3.0, 0.1))[[0, 4, 8]], 2, torch.tensor([0, 1, 2]))
    torch.testing.assert_close(weights, torch.full((2,), 0.5, dtype=torch.float64))


def test_a_label_with_a_single_clip_is_not_asked() -> None:
    keep = [0, 1, 2, 3, 4, 5, 6, 7, 8]
    weights = weights_of(layered(4, (3.0, 0.1))[keep], 2, LABELS[keep])
    assert bool(weights.isfinite().all())
    assert float(weights[1]) > 0.9


def test_weights_do_not_depend_on_the_order_of_clips() -> None:
    embeddings = layered(5, (1.0, 0.5, 2.0))
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    shuffled = weights_of(embeddings[order], 3, LABELS[order])
    torch.testing.assert_close(shuffled, weights_of(embeddings, 3))


@pytest.mark.parametrize("kind", HEADS)
def test_heads_on_layers_answer_better_than_on_their_plain_joint(kind: str) -> None:
    noise = (2.5, 0.2, 2.5, 2.5)
    right = {}
    for blocks in (1, 4):
        right[blocks] = 0
        for seed in range(6):
            support, asked = layered(seed, noise)[::2], layered(seed, noise)[1::2]
            head = fit_head(kind, support, LABELS[::2], 3, standardised=True, blocks=blocks, calibrated=False)
            right[blocks] += int((head.logits(asked).argmax(-1) == LABELS[1::2]).sum())
    assert right[4] > right[1]


def test_a_block_is_scaled_by_its_own_spread() -> None:
    """A layer whose numbers are a thousand times larger must not drown the others."""
    embeddings = layered(6, (0.5, 0.5))
    larger = embeddings.clone()
    larger[:, 16:] *= 1000

    def points(values: Tensor) -> Tensor:
        means = class_means(values, LABELS, 3)
        return fit_frame(values, means, LABELS, standardised=True, centred=True, blocks=2).points(values)

    torch.testing.assert_close(points(larger), points(embeddings), rtol=1e-4, atol=1e-5)
