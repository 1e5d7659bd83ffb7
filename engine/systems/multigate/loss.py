"""The contrastive auxiliary loss (section 4.2): representations near the centroid of their own emotion."""

import torch
from torch import Tensor, nn

MORE_THAN = 5  # samples of an emotion in a batch, or it is left out of the loss


class ContrastiveLoss(nn.Module):
    """Eq. 3 to 6. A sample is left out of its own centroid, as GE2E does (Wan et al. 2018, eq. 8), and the loss is
    the mean over samples, so that alpha does not depend on the size of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(10.0))  # w and b as GE2E starts with them
        self.offset = nn.Parameter(torch.tensor(-5.0))

    def forward(self, representations: Tensor, labels: Tensor, least: int = MORE_THAN + 1) -> Tensor:
        """Representations (clips, size), labels (clips,) to a scalar: 0 with fewer than two emotions of `least` clips.

        least: 2 or more, for a sample needs others to be compared with.
        """
        counts = torch.bincount(labels)
        kept = torch.nonzero(counts >= least).flatten()
        if len(kept) < 2:
            return representations.sum() * 0.0
        rows = torch.isin(labels, kept)
        units = nn.functional.normalize(representations[rows], dim=-1)
        own = labels[rows][:, None] == kept[None, :]
        sums = own.to(units).T @ units
        others = sums[own.long().argmax(1)] - units
        cosines = units @ nn.functional.normalize(sums, dim=-1).T
        leave_one_out = (units * nn.functional.normalize(others, dim=-1)).sum(-1, keepdim=True)
        likeness = self.scale.clamp(min=1e-6) * torch.where(own, leave_one_out, cosines) + self.offset
        return nn.functional.cross_entropy(likeness, own.long().argmax(1))
