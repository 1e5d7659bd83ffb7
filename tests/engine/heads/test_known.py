import pytest
import torch
from torch import Tensor

from engine.choices import KNOWN_EMOTIONS
from engine.heads import fit_head
from engine.heads.known import trusted_weights
from engine.heads.linear import fit_logistic

OFFSETS = torch.tensor([[1.0, 0.0, 0.0, 0.0], [-0.5, 0.8, 0.0, 0.0], [-0.5, -0.8, 0.0, 0.0]])


def clips(count: int, spread: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """`count` clips a label about a middle far from 0, in double precision."""
    labels = torch.arange(3).repeat_interleave(count)
    noise = torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return 9 + OFFSETS.double()[labels] + spread * noise, labels


def fit(embeddings: Tensor, labels: Tensor, known: Tensor | None, kind: str = KNOWN_EMOTIONS):  # type: ignore[no-untyped-def]
    return fit_head(kind, embeddings, labels, 3, standardised=False, known=known)


def accuracy(known: Tensor | None, kind: str = KNOWN_EMOTIONS) -> float:
    """Of one clip a label, on many others."""
    asked, truth = clips(200, 0.6, seed=99)
    right = [
        (fit(*clips(1, 0.6, seed), known, kind).logits(asked).argmax(1) == truth).double().mean() for seed in range(8)
    ]
    return float(torch.stack(right).mean())


def test_names_help_where_there_is_one_clip_a_label() -> None:
    assert accuracy(OFFSETS) > accuracy(None, "logistic") + 0.05


def test_names_that_mislead_are_not_trusted() -> None:
    embeddings, labels = clips(4, 0.2)
    exchanged = OFFSETS[[1, 2, 0]]
    middle = embeddings - embeddings.mean(0)
    assert trusted_weights(OFFSETS.double(), middle, labels).abs().sum() > 0
    assert trusted_weights(exchanged.double(), middle, labels).abs().sum() == 0
    plain = fit(embeddings, labels, None, "logistic")
    torch.testing.assert_close(fit(embeddings, labels, exchanged).weight, plain.weight)


def test_a_label_that_is_not_known_is_learnt_from_its_clips_alone() -> None:
    embeddings, labels = clips(5, 0.3)
    partly = torch.cat([OFFSETS[:2] - OFFSETS[:2].mean(0), torch.zeros(1, 4)])
    head = fit(embeddings, labels, partly)
    assert (head.logits(embeddings).argmax(1) == labels).double().mean() > 0.8


def test_without_names_that_the_base_knows_it_is_logistic_regression() -> None:
    embeddings, labels = clips(3, 0.3)
    head = fit(embeddings, labels, None)
    assert head.kind == "logistic"
    torch.testing.assert_close(head.weight, fit(embeddings, labels, None, "logistic").weight)


def test_the_solution_in_the_span_is_that_of_the_whole_problem() -> None:
    embeddings, labels = clips(1, 0.3)  # three clips span fewer than the four dimensions
    head = fit(embeddings, labels, OFFSETS)
    points = (embeddings - head.centre) / head.spread
    start = trusted_weights(OFFSETS.double(), points, labels)
    weight, bias = fit_logistic(points, labels, 3, start)
    torch.testing.assert_close(head.weight, weight, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(head.bias, bias, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("count", [1, 5])
def test_order_of_clips_does_not_matter(count: int) -> None:
    embeddings, labels = clips(count, 0.4)
    turned = torch.arange(len(labels)).flip(0)
    one, other = fit(embeddings, labels, OFFSETS), fit(embeddings[turned], labels[turned], OFFSETS)
    assert torch.equal(one.weight, other.weight)
    assert one.scale == other.scale
