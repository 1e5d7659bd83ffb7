"""What a language has of its own: a gate (section 4.3.1), connections that are searched (4.3.2), a tower."""

import torch
from torch import Tensor, nn

BETA, GAMMA, DELTA = 0.9, -0.1, 2.0  # section 5.1


class Gate(nn.Module):
    """g(x) = softmax(W_k x) (eq. 7): the weight of every stream. All weigh the same at first."""

    def __init__(self, selector_size: int, streams: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(streams, selector_size))

    def forward(self, selector: Tensor) -> Tensor:
        """Selectors (clips, selector size) to weights (clips, streams), which sum to 1."""
        return (selector @ self.weight.T).softmax(-1)


def hard_concrete(log_kappa: Tensor, uniform: Tensor | None) -> Tensor:
    """xi of eq. 9 (Louizos et al. 2017), of the shape of `log_kappa`, in 0 to 1 with exact zeros and ones.

    uniform: u, drawn from (0, 1); None for what is used when nothing is drawn (Louizos et al., section 2.2). The
    paper writes "/ beta" outside of the sigmoid, where it would only stretch s and be no temperature; here it is
    inside.
    """
    if uniform is None:
        share = torch.sigmoid(log_kappa)
    else:
        share = torch.sigmoid((torch.log(uniform) - torch.log1p(-uniform) + log_kappa) / BETA)
    return (share * (DELTA - GAMMA) + GAMMA).clamp(0.0, 1.0)


class Connections(nn.Module):
    """Which low-level embedding takes part in which high-level one: xi_ij of one language."""

    def __init__(self, streams: int) -> None:
        super().__init__()
        self.log_kappa = nn.Parameter(torch.zeros(streams, streams))

    def forward(self) -> Tensor:
        """(streams out, streams in): drawn in training, the same every time else."""
        if not self.training:
            return hard_concrete(self.log_kappa, None)
        uniform = torch.rand_like(self.log_kappa).clamp(1e-6, 1 - 1e-6)
        return hard_concrete(self.log_kappa, uniform)


class Transitions(nn.Module):
    """W_ij of eq. 8, which all languages share; what is a language's own is which of them are used."""

    def __init__(self, streams: int, size: int) -> None:
        super().__init__()
        own = torch.eye(streams)[:, :, None, None] * torch.eye(size)
        self.weight = nn.Parameter(own + 0.1 * size**-0.5 * torch.randn(streams, streams, size, size))

    def forward(self, features: Tensor, connections: Tensor) -> Tensor:
        """v (clips, streams, size) and xi (streams, streams) to u (clips, streams, size)."""
        return torch.einsum("ij,ijde,nje->nid", connections, self.weight, features)


class Tower(nn.Module):
    """h_k less its last layer, which is the head: what goes in there is the embedding of a clip."""

    def __init__(self, size: int, width: int, dropout: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(size, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, representations: Tensor) -> Tensor:
        """(clips, size) to (clips, width)."""
        dropped: Tensor = self.dropout(nn.functional.gelu(self.hidden(representations)))
        return dropped
