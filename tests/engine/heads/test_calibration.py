"""Scores that can be read as probabilities."""

import pytest
import torch

from engine.heads import fit_head
from engine.heads.calibration import PRIOR_SHARPNESS
from tests.engine.heads.test_fit import RIVALS, clips


def sharpness(logits: torch.Tensor) -> float:
    return float((logits - logits.mean(1, keepdim=True)).square().mean().sqrt())


@pytest.mark.parametrize("kind", RIVALS)
@pytest.mark.parametrize("noise", [1.0, 2.5])
def test_the_confidence_is_about_the_accuracy(kind: str, noise: float) -> None:
    confidence, hits = [], []
    for seed in range(12):
        embeddings, labels = clips([5 + 40] * 4, seed, noise)
        known = torch.arange(180) % 45 < 5
        head = fit_head(kind, embeddings[known], labels[known], 4, standardised=False)
        scores = head.scores(embeddings[~known])
        confidence.append(scores.amax(1).mean())
        hits.append((scores.argmax(1) == labels[~known]).float().mean())
    assert abs(torch.stack(confidence).mean() - torch.stack(hits).mean()) < 0.12


@pytest.mark.parametrize("kind", RIVALS)
def test_clear_clips_make_it_surer_than_mixed_ones(kind: str) -> None:
    def sureness(noise: float) -> float:
        embeddings, labels = clips([5, 5, 5], noise=noise)
        return sharpness(fit_head(kind, embeddings, labels, 3, standardised=False).logits(embeddings))

    assert sureness(0.2) > 1.5 * sureness(6.0)


def test_with_nothing_to_leave_out_it_is_as_sure_as_is_usual() -> None:
    embeddings, labels = clips([2, 1, 1])  # without one of the two, LDA has no spread to learn from
    head = fit_head("lda", embeddings, labels, 3, standardised=False)
    assert head.kind == "lda"
    assert sharpness(head.logits(embeddings)) == pytest.approx(PRIOR_SHARPNESS, rel=1e-4)


@pytest.mark.parametrize("kind", RIVALS)
def test_it_changes_no_answer(kind: str) -> None:
    embeddings, labels = clips([5, 4, 3], noise=2.0)
    plain = fit_head(kind, embeddings, labels, 3, standardised=False, calibrated=False)
    scaled = fit_head(kind, embeddings, labels, 3, standardised=False)
    assert scaled.scale != plain.scale == 1.0
    assert torch.equal(plain.logits(embeddings).argmax(1), scaled.logits(embeddings).argmax(1))
