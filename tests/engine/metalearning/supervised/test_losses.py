import math

import pytest
import torch
from torch.nn.functional import normalize

from engine.metalearning.supervised.losses import class_loss, other_speaker_loss


def test_the_contrast_by_hand() -> None:
    torch.manual_seed(0)
    embeddings = torch.randn(5, 4)
    labels, speakers = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 1, 0, 0, 0])
    units = normalize(embeddings, dim=-1)
    likeness = (units @ units.T / 0.1).tolist()

    def term(clip: int, positives: list[int], negatives: list[int]) -> float:
        total = math.log(sum(math.exp(likeness[clip][other]) for other in positives + negatives))
        return -sum(likeness[clip][other] - total for other in positives) / len(positives)

    # 3 and 4 share emotion and voice: they have no positive, and are asked nothing
    expected = (term(0, [1], [3, 4]) + term(1, [0, 2], [3, 4]) + term(2, [1], [3, 4])) / 3
    assert float(other_speaker_loss(embeddings, labels, speakers)) == pytest.approx(expected, rel=1e-4)


def test_the_contrast_asks_nothing_of_a_single_voice() -> None:
    embeddings = torch.randn(4, 3, requires_grad=True)
    loss = other_speaker_loss(embeddings, torch.tensor([0, 0, 1, 1]), torch.zeros(4, dtype=torch.long))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert embeddings.grad is not None


def test_the_contrast_does_not_look_at_the_same_emotion_in_the_same_voice() -> None:
    torch.manual_seed(1)
    embeddings = torch.randn(4, 6)
    labels, speakers = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 1])
    embeddings.requires_grad_()
    units = normalize(embeddings, dim=-1)
    loss = other_speaker_loss(embeddings, labels, speakers)
    (gradient,) = torch.autograd.grad(loss, embeddings)
    assert torch.isfinite(gradient).all()
    assert units.shape == (4, 6)


def test_the_class_loss_is_low_for_the_right_direction_whatever_the_length() -> None:
    classes = torch.eye(3)
    right = class_loss(torch.eye(3) * 100, classes, torch.tensor([0, 1, 2]))
    wrong = class_loss(torch.eye(3) * 100, classes, torch.tensor([1, 2, 0]))
    assert float(right) < 1.1 < 14 < float(wrong)  # 1.07 is the floor under a smoothing of 0.1
    torch.testing.assert_close(right, class_loss(torch.eye(3) * 0.01, classes, torch.tensor([0, 1, 2])))
