"""Each head against its own definition, written out in the full space of the embeddings."""

import pytest
import torch
from torch import Tensor

from engine.choices import HEADS
from engine.errors import LabellingError
from engine.heads import Head, fit_head
from engine.heads.fit import project_known
from engine.heads.linear import INVERSE_PENALTY, LDA_SHRINKAGE, RIDGE_PENALTY, balanced_weights

RIVALS = tuple(kind for kind in HEADS if kind != "prototypes")
SIZE = 12


def clips(counts: list[int], seed: int = 0, noise: float = 1.0) -> tuple[Tensor, Tensor]:
    """`counts[i]` embeddings of label i about a middle of its own, all of them far from 0."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor([label for label, count in enumerate(counts) for _ in range(count)])
    middles = 1.5 * torch.randn(len(counts), SIZE, generator=generator)
    return middles[labels] + noise * torch.randn(len(labels), SIZE, generator=generator) + 7.0, labels


def points(head: Head, embeddings: Tensor) -> Tensor:
    """What a rival of prototypes sees, in double precision."""
    return (embeddings.double() - head.centre.double()) / head.spread.double()


def fit(kind: str, embeddings: Tensor, labels: Tensor, **options: bool) -> Head:
    return fit_head(kind, embeddings, labels, int(labels.max()) + 1, **({"standardised": False} | options))


@pytest.mark.parametrize("counts", [[5, 5, 5], [2, 9, 1], [40, 3]])
def test_the_gradient_of_logistic_regression_is_zero_at_its_solution(counts: list[int]) -> None:
    embeddings, labels = clips(counts)
    embeddings = embeddings.double()
    head = fit("logistic", embeddings, labels, calibrated=False)
    weight, bias = head.weight.clone().requires_grad_(), head.bias.clone().requires_grad_()
    logs = (points(head, embeddings) @ weight.T + bias).log_softmax(1)
    likelihood = (balanced_weights(labels, len(counts)) * logs[range(len(labels)), labels]).sum()
    (0.5 * weight.square().sum() - INVERSE_PENALTY * likelihood).backward()
    assert weight.grad is not None
    assert bias.grad is not None
    assert weight.grad.abs().max() < 1e-7
    assert bias.grad.abs().max() < 1e-7


def test_what_the_base_knows_goes_where_the_projection_is() -> None:
    projected = project_known(torch.ones(2, SIZE), torch.eye(SIZE, device="meta"))
    assert projected.device.type == "meta"  # stands for a GPU: a product with what lies elsewhere is an error there too
    torch.testing.assert_close(project_known(torch.ones(2, SIZE), 2 * torch.eye(SIZE)), 2 * torch.ones(2, SIZE))


@pytest.mark.parametrize("kind", HEADS)
def test_a_projection_comes_before_everything_else(kind: str) -> None:
    embeddings, labels = clips([5, 5, 5])
    projection = torch.eye(SIZE) + 0.3 * torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    known = torch.randn(3, SIZE, generator=torch.Generator().manual_seed(2))
    head = fit_head(kind, embeddings, labels, 3, standardised=False, known=known, projection=projection)
    expected = fit_head(kind, embeddings @ projection, labels, 3, standardised=False, known=known @ projection)
    torch.testing.assert_close(head.logits(embeddings), expected.logits(embeddings @ projection))
    assert not torch.allclose(head.logits(embeddings), fit(kind, embeddings, labels).logits(embeddings), atol=1e-2)
    offset = torch.linspace(-1, 1, SIZE)
    torch.testing.assert_close(head.shifted(offset).logits(embeddings), head.logits(embeddings - offset))


@pytest.mark.parametrize("counts", [[5, 5, 5], [2, 9, 1]])
def test_ridge_solves_its_normal_equations(counts: list[int]) -> None:
    embeddings, labels = clips(counts)
    embeddings = embeddings.double()
    head = fit("ridge", embeddings, labels, calibrated=False)
    inputs = torch.cat([points(head, embeddings), torch.ones(len(labels), 1, dtype=torch.float64)], dim=1)
    weights = torch.diag(balanced_weights(labels, len(counts)))
    penalty = RIDGE_PENALTY * torch.eye(SIZE + 1, dtype=torch.float64)
    penalty[-1, -1] = 0.0
    targets = torch.nn.functional.one_hot(labels).double()
    expected = torch.linalg.solve(inputs.T @ weights @ inputs + penalty, inputs.T @ weights @ targets)
    torch.testing.assert_close(head.weight, expected[:-1].T)
    torch.testing.assert_close(head.bias, expected[-1])


@pytest.mark.parametrize("counts", [[5, 5, 5], [2, 9, 1]])
def test_lda_is_the_discriminant_of_the_shrunk_common_covariance(counts: list[int]) -> None:
    embeddings, labels = clips(counts)
    embeddings = embeddings.double()
    head = fit("lda", embeddings, labels, calibrated=False)
    seen = points(head, embeddings)
    means = torch.stack([seen[labels == label].mean(0) for label in range(len(counts))])
    scatter = sum(torch.outer(x - means[y], x - means[y]) for x, y in zip(seen, labels.tolist(), strict=True))
    covariance = scatter / (len(labels) - len(counts))
    mean_variance = torch.eye(SIZE, dtype=torch.float64) * covariance.trace() / SIZE
    inverse = torch.linalg.inv((1 - LDA_SHRINKAGE) * covariance + LDA_SHRINKAGE * mean_variance)
    torch.testing.assert_close(head.weight, means @ inverse)
    torch.testing.assert_close(head.bias, torch.stack([-0.5 * mean @ inverse @ mean for mean in means]))


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("standardised", [True, False])
def test_the_order_of_the_clips_changes_no_bit(kind: str, standardised: bool) -> None:
    embeddings, labels = clips([5, 3, 4])
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    first = fit(kind, embeddings, labels, standardised=standardised)
    second = fit(kind, embeddings[order], labels[order], standardised=standardised)
    assert torch.equal(first.weight, second.weight)
    assert torch.equal(first.bias, second.bias)
    assert torch.equal(first.centre, second.centre)
    assert first.scale == second.scale


@pytest.mark.parametrize("kind", RIVALS)
def test_labels_with_few_clips_weigh_as_much_as_labels_with_many(kind: str) -> None:
    """Copies of a label's clips tell nothing new: they must not move the border towards the other label."""
    embeddings, labels = clips([4, 4], noise=2.0)
    tripled = torch.cat([embeddings, embeddings[:4], embeddings[:4]])
    more = torch.cat([labels, labels[:4], labels[:4]])
    held_out, _ = clips([200, 200], seed=0, noise=2.0)
    plain = fit(kind, embeddings, labels, calibrated=False).logits(held_out).argmax(1)
    copied = fit(kind, tripled, more, calibrated=False).logits(held_out).argmax(1)
    assert (plain == copied).float().mean() > 0.98


@pytest.mark.parametrize("kind", HEADS)
def test_a_common_offset_changes_no_answer_of_the_rivals(kind: str) -> None:
    embeddings, labels = clips([5, 5, 5])
    held_out, _ = clips([20, 20, 20], seed=0)
    near, far = fit(kind, embeddings, labels), fit(kind, embeddings + 50.0, labels)
    same = torch.equal(near.logits(held_out).argmax(1), far.logits(held_out + 50.0).argmax(1))
    assert same or kind == "prototypes"
    moved = torch.zeros(SIZE) if kind == "prototypes" else embeddings.reshape(3, 5, SIZE).mean(1).mean(0)
    torch.testing.assert_close(near.centre, moved)
    distance = (embeddings - moved).square().sum(1).mean().sqrt()  # the typical one
    spread = torch.ones(SIZE) if kind == "prototypes" else distance.expand(SIZE)
    torch.testing.assert_close(near.spread, spread)


@pytest.mark.parametrize("kind", RIVALS)
@pytest.mark.parametrize("standardised", [True, False])
def test_the_size_of_all_embeddings_changes_nothing_and_that_of_one_clip_tells(kind: str, standardised: bool) -> None:
    embeddings, labels = clips([4, 6, 5])
    held_out, _ = clips([20, 20, 20], seed=0)
    near, far = (fit(kind, size * embeddings, labels, standardised=standardised) for size in (1.0, 30.0))
    torch.testing.assert_close(near.logits(held_out), far.logits(30.0 * held_out), atol=1e-3, rtol=1e-3)
    towards = held_out - near.centre
    clear, faint = (near.scores(near.centre + share * towards).max(1).values for share in (1.0, 0.3))
    assert bool((clear > faint).float().mean() > 0.9)


@pytest.mark.parametrize("kind", RIVALS)
def test_a_label_with_many_clips_weighs_no_more_in_the_typical_distance(kind: str) -> None:
    embeddings, labels = clips([2, 9, 1])
    head = fit(kind, embeddings, labels)
    squares = points(head, embeddings).square().sum(1)
    assert float(torch.stack([squares[labels == label].mean() for label in range(3)]).mean()) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", RIVALS)
def test_with_one_clip_a_label_every_head_is_the_nearest_prototype(kind: str) -> None:
    embeddings, labels = clips([1, 1, 1])
    head, prototypes = fit(kind, embeddings, labels), fit("prototypes", embeddings, labels)
    assert head.kind == "prototypes"
    assert torch.equal(head.weight, prototypes.weight)


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("counts", [[1, 1], [1, 6, 2], [2, 2, 2]])
def test_few_and_uneven_clips_give_usable_scores(kind: str, counts: list[int]) -> None:
    embeddings, labels = clips(counts, noise=0.3)
    head = fit(kind, embeddings, labels)
    scores = head.scores(embeddings)
    assert scores.isfinite().all()
    assert torch.equal(scores.argmax(1), labels)
    torch.testing.assert_close(scores.sum(1), torch.ones(len(labels)))


@pytest.mark.parametrize("kind", HEADS)
def test_clips_that_do_not_differ_give_scores_that_do_not(kind: str) -> None:
    head = fit(kind, torch.ones(4, SIZE), torch.tensor([0, 0, 1, 1]))
    torch.testing.assert_close(head.scores(torch.ones(1, SIZE)), torch.full((1, 2), 0.5))


def test_the_cosine_scale_is_that_of_the_base() -> None:
    embeddings, labels = clips([2, 2])
    head = fit_head("prototypes", embeddings, labels, 2, standardised=False, cosine_scale=7.0)
    assert float(head.logits(head.weight[:1])[0, 0]) == pytest.approx(7.0)


def test_an_unknown_head_is_refused_in_words() -> None:
    with pytest.raises(LabellingError, match="no head called 'svm'"):
        fit("svm", *clips([2, 2]))
