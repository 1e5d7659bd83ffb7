"""How much each layer of a raw encoder counts, judged by the labelled clips themselves.

Which layer of a self-supervised model carries emotion differs from model to model, and is not known of one that
was never measured. Layers are weighted by how well each alone would have told a left-out clip's label. Measured
on a stand-in of six layers, 4-way 5-shot: within 1.4 points of the best layer, which nobody can know beforehand;
up to 1.1 better than taking the likeliest alone, and 2 to 9 better than a sum with equal weights (results log).
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize

_COSINE_SCALE = 10.0
_SHARPNESS = 10.0  # 5 to 20 give the same figures; a nat of likelihood a clip is then worth all the weight


def layer_weights(points: Tensor, labels: Tensor, label_count: int) -> Tensor:
    """Weights (layers,) that sum to 1, for the unit vectors of `points` (clips, layers, D) with `labels` (clips,).

    Equal where no label has two clips: leaving one out would leave nothing to know its label by.
    """
    counts = torch.bincount(labels, minlength=label_count)
    asked = counts[labels] > 1
    layers = points.shape[1]
    if not bool(asked.any()):
        return torch.full((layers,), 1 / layers, dtype=points.dtype, device=points.device)
    losses = [_left_out_loss(points[:, layer], labels, label_count, asked) for layer in range(layers)]
    return torch.softmax(-_SHARPNESS * torch.stack(losses), 0)


def _left_out_loss(points: Tensor, labels: Tensor, label_count: int, asked: Tensor) -> Tensor:
    """Mean cross-entropy, in nats, of each asked clip on cosine prototypes that are made without it."""
    sums = torch.zeros(label_count, points.shape[1], dtype=points.dtype, device=points.device)
    sums.index_add_(0, labels, points)
    cosines = points @ normalize(sums, dim=-1).T
    rows = torch.arange(len(labels), device=points.device)
    own = normalize(sums[labels] - points, dim=-1)
    cosines[rows, labels] = (points * own).sum(-1)
    return torch.nn.functional.cross_entropy(_COSINE_SCALE * cosines[asked], labels[asked])
