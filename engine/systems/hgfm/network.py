"""The downstream model of section II.B: what it makes of the upstream's frames, up to the composite vector."""

from typing import Any, Self

import torch
from torch import Tensor, nn

from engine.extractors import PooledExtractor

PROJECTED = 256  # L of eq. 3; the paper leaves it open
STATE = 128  # h1 of eq. 4; the paper leaves it open


class HierarchicalGrainedFeatureModel(PooledExtractor):
    """Eq. 3 to 6 up to v_out, the embedding; the matrix that eq. 6 multiplies it with is the head.

    The paper writes its equations for a sequence of one vector. Here they run over the frames, two by two (40 ms):
    w_l and w_r are the last states of the two directions, which have heard the whole clip, and the queries of the two
    attentions; keys and values are the states of that direction at every frame; F in v_out is the mean over the frames.
    All layers read are side by side in a frame. `channel_mean` and `channel_spread` standardise the frames by the
    statistics of the clips that it was trained on (0 and 1: the frames as they are). `dropout` of frames' channels
    and of v_out, in training alone.
    """

    kind = "hgfm"
    channel_mean: Tensor
    channel_spread: Tensor

    def __init__(
        self, hidden_size: int, layers: int, projected: int = PROJECTED, state: int = STATE, dropout: float = 0.0
    ) -> None:
        super().__init__(hidden_size, layers)
        self.projected, self.state, self.dropout_rate = projected, state, dropout
        self.embedding_size = 4 * state + projected
        self.register_buffer("channel_mean", torch.zeros(hidden_size * layers))
        self.register_buffer("channel_spread", torch.ones(hidden_size * layers))
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(hidden_size * layers, projected)
        self.gru_left = nn.GRU(projected, state, batch_first=True)
        self.gru_right = nn.GRU(projected, state, batch_first=True)
        self.attend_left = AdditiveAttention(state)
        self.attend_right = AdditiveAttention(state)

    def specification(self) -> dict[str, Any]:
        own = {"projected": self.projected, "state": self.state, "dropout": self.dropout_rate}
        return super().specification() | own

    def train(self, mode: bool = True) -> Self:
        """As of any module, but for the GRUs, which are alike in both modes: cuDNN has no gradient in eval mode."""
        super().train(mode)
        self.gru_left.train()
        self.gru_right.train()
        return self

    def pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        lengths = mask.sum(1)
        standard = (hidden - self.channel_mean) / self.channel_spread
        features = self.project(self.dropout(standard))  # eq. 3
        left, right = self._run_gru(features, lengths)  # eq. 4, and its halves of eq. 5
        clips = torch.arange(len(left), device=left.device)
        last_left, last_right = left[clips, lengths - 1], right[:, 0]
        composite = (
            last_left,
            last_right,
            self.attend_left(last_left, left, mask),
            self.attend_right(last_right, right, mask),
            (features * mask[:, :, None]).sum(1) / lengths[:, None],
        )
        embedding: Tensor = self.dropout(torch.cat(composite, dim=-1))
        return embedding

    def _run_gru(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The states of the two directions, each (clips, steps, state), in the order of time.

        A clip is turned round within its own length, so that neither direction meets padding before its last frame;
        packed sequences do the same and take twice as long.
        """
        steps = torch.arange(features.shape[1], device=features.device)[None]
        turned = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)[:, :, None]
        left, _ = self.gru_left(features)
        right, _ = self.gru_right(features.gather(1, turned.expand(-1, -1, features.shape[-1])))
        return left, right.gather(1, turned.expand(-1, -1, right.shape[-1]))


class AdditiveAttention(nn.Module):
    """Eq. 5: similarity_i = tanh(W Q + U K_i), alpha = softmax(similarity), attention = sum of alpha_i V_i.

    The perceptron's output vector, which the paper does not write, makes of the similarity one number a frame, as
    in Bahdanau et al. (2014). Keys are the values.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.query = nn.Linear(size, size, bias=False)
        self.key = nn.Linear(size, size)
        self.score = nn.Linear(size, 1, bias=False)

    def forward(self, query: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Query (clips, size), values (clips, steps, size), mask (clips, steps) to (clips, size)."""
        similarity = self.score(torch.tanh(self.query(query)[:, None] + self.key(values)))[:, :, 0]
        weights = similarity.masked_fill(~mask, -torch.inf).softmax(-1)
        attended: Tensor = (weights[:, :, None] * values).sum(1)
        return attended
