"""What the networks are trained for: an embedding in which the emotion shows and the speaker does not."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

_SCALE = 16.0  # of the cosines to the classes
_SMOOTHING = 0.1
_TEMPERATURE = 0.1


def class_loss(embeddings: Tensor, classes: Tensor, labels: Tensor) -> Tensor:
    """Cosine cross-entropy over one corpus's own labels.

    embeddings: (clips, D); classes: (labels, D), learnt; labels: (clips,).
    """
    cosines = normalize(embeddings, dim=-1) @ normalize(classes, dim=-1).T
    return cross_entropy(_SCALE * cosines, labels, label_smoothing=_SMOOTHING)


def other_speaker_loss(embeddings: Tensor, labels: Tensor, speakers: Tensor) -> Tensor:
    """Supervised contrast (Khosla et al. 2020) whose positives are the same emotion by another speaker.

    Negatives are all clips of other emotions; clips of the same emotion by the same speaker are neither, for
    they would be near by voice alone. embeddings: (clips, D); labels, speakers: (clips,).
    """
    units = normalize(embeddings, dim=-1)
    likeness = units @ units.T / _TEMPERATURE
    same_label = labels[:, None] == labels[None, :]
    positive = same_label & (speakers[:, None] != speakers[None, :])
    considered = positive | ~same_label
    log_total = likeness.masked_fill(~considered, -torch.inf).logsumexp(1, keepdim=True)
    counts = positive.sum(1)
    asked = counts > 0
    if not bool(asked.any()):
        return embeddings.sum() * 0.0
    shares = torch.where(positive, likeness - log_total, 0.0).sum(1)
    return -(shares[asked] / counts[asked]).mean()
