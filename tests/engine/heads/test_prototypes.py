import math

import torch

from engine.heads import COSINE_SCALE, class_means
from engine.heads.prototypes import fit_prototypes


def test_a_prototype_is_the_mean_before_normalising() -> None:
    embeddings = torch.tensor([[1.0, 0.0], [0.0, 3.0], [2.0, 2.0]])
    means = class_means(embeddings, torch.tensor([0, 0, 1]), 2)
    torch.testing.assert_close(means, torch.tensor([[0.5, 1.5], [2.0, 2.0]]))


def test_logits_are_scaled_cosines() -> None:
    prototypes = fit_prototypes(torch.eye(2), torch.tensor([0, 1]), 2, standardised=False)
    logits = prototypes.logits(torch.tensor([[3.0, 3.0], [5.0, 0.0]]))
    half = COSINE_SCALE / math.sqrt(2)
    torch.testing.assert_close(logits, torch.tensor([[half, half], [COSINE_SCALE, 0.0]]))


def test_scores_sum_to_one() -> None:
    torch.manual_seed(0)
    prototypes = fit_prototypes(torch.randn(6, 9), torch.tensor([0, 1, 2] * 2), 3, standardised=True)
    torch.testing.assert_close(prototypes.scores(torch.randn(7, 9)).sum(1), torch.ones(7))


def test_standardising_finds_the_channel_that_tells_labels_apart() -> None:
    torch.manual_seed(0)
    labels = torch.tensor([0, 1] * 10)

    def draw() -> torch.Tensor:
        loud = torch.randn(20, 4) + 40.0  # four channels that say nothing, far from zero
        telling = 0.1 * torch.randn(20, 1) + labels[:, None]
        return torch.cat([loud, telling], dim=1)

    embeddings, held_out = draw(), draw()

    def accuracy(standardised: bool) -> float:
        fitted = fit_prototypes(embeddings, labels, 2, standardised=standardised)
        return float((fitted.logits(held_out).argmax(1) == labels).float().mean())

    assert accuracy(standardised=True) >= 0.9
    assert accuracy(standardised=False) <= 0.75


def test_a_label_with_many_clips_does_not_pull_the_centre() -> None:
    embeddings = torch.tensor([[1.0, 0.0]] * 9 + [[0.0, 1.0]])
    fitted = fit_prototypes(embeddings, torch.tensor([0] * 9 + [1]), 2, standardised=True)
    torch.testing.assert_close(fitted.centre, torch.tensor([0.5, 0.5]))


def test_the_order_of_the_clips_does_not_matter() -> None:
    torch.manual_seed(0)
    embeddings, labels = torch.randn(8, 5), torch.tensor([0, 1] * 4)
    order = torch.randperm(8)
    first = fit_prototypes(embeddings, labels, 2, standardised=True)
    second = fit_prototypes(embeddings[order], labels[order], 2, standardised=True)
    torch.testing.assert_close(first.weight, second.weight)
    torch.testing.assert_close(first.spread, second.spread)


def test_one_clip_a_label_still_has_a_spread() -> None:
    fitted = fit_prototypes(torch.randn(3, 5), torch.tensor([0, 1, 2]), 3, standardised=True)
    assert (fitted.spread > 0).all()
    assert fitted.scores(torch.randn(2, 5)).isfinite().all()
