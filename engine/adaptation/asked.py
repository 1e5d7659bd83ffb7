"""What is asked in one step of tuning: which embeddings make the prototypes, which are classified, and the loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.heads.frame import Frame, class_means
from engine.heads.prototypes import prototype_head


@dataclass(frozen=True)
class InnerEpisode:
    """Positions of the clips that make the prototypes in one step, and of those that are classified."""

    support: tuple[int, ...]
    query: tuple[int, ...]

    @property
    def positions(self) -> tuple[int, ...]:
        """Support first: the order in which windows are drawn."""
        return self.support + self.query


@dataclass(frozen=True)
class Asked:
    """Rows of a step's embeddings, and the labels of these rows: four index tensors on the embeddings' device."""

    support: Tensor
    query: Tensor
    support_labels: Tensor
    query_labels: Tensor

    @staticmethod
    def of(
        episode: InnerEpisode, labels: Sequence[int], device: torch.device, rows: Sequence[int] | None = None
    ) -> "Asked":
        """labels: of all clips. rows: where the embedding of each of `episode.positions` is; None: in that order."""
        rows = range(len(episode.positions)) if rows is None else rows
        cut = len(episode.support)
        lists = (
            list(rows[:cut]),
            list(rows[cut:]),
            [labels[position] for position in episode.support],
            [labels[position] for position in episode.query],
        )
        together = torch.tensor([number for each in lists for number in each], device=device)  # one copy to a GPU
        return Asked(*torch.split(together, [len(each) for each in lists]))

    def copy_(self, other: "Asked") -> None:
        """Take over the numbers of `other`, of the same sizes, keeping the memory."""
        for mine, new in zip(self._all, other._all, strict=True):
            mine.copy_(new)

    @property
    def _all(self) -> tuple[Tensor, ...]:
        return self.support, self.query, self.support_labels, self.query_labels


LossOf = Callable[[Tensor, Asked], Tensor]


def loss_in(frame: Frame, label_count: int, cosine_scale: float) -> LossOf:
    """Cross-entropy of the augmented query on prototypes of the augmented support; every label weighs the same."""

    def loss_of(embeddings: Tensor, asked: Asked) -> Tensor:
        vectors = class_means(embeddings[asked.support], asked.support_labels, label_count)
        logits = prototype_head(vectors, frame, cosine_scale).logits(embeddings[asked.query])
        clips = torch.nn.functional.one_hot(asked.query_labels, label_count).sum(0)  # bincount would make a GPU wait
        weights = 1.0 / clips.clamp(min=1)
        return torch.nn.functional.cross_entropy(logits, asked.query_labels, weight=weights.to(logits))

    return loss_of
