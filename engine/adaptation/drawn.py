"""The windows of one step of tuning, and the gradient of a loss on their embeddings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.adaptation.tuned_copy import TunedCopy
from engine.precision import tuning_autocast
from engine.specaugment import ClipMasks


@dataclass(frozen=True)
class Drawn:
    """Front-end outputs with their masks, or (`states`) what the frozen layers made of them.

    `inputs` tell which may share a batch. `precision`: see `tuning_autocast`; the extractor works in fp32, for the
    variances in it cannot be had from bf16.
    """

    tuned: TunedCopy
    inputs: Sequence[Tensor]
    masks: Sequence[ClipMasks] | None
    states: Sequence[Tensor] | None
    precision: str

    def in_order(self, order: Sequence[int]) -> "Drawn":
        """The same windows, those numbered `order` one after the other."""
        inputs = [self.inputs[index] for index in order]
        masks = None if self.masks is None else [self.masks[index] for index in order]
        states = None if self.states is None else [self.states[index] for index in order]
        return replace(self, inputs=inputs, masks=masks, states=states)

    def embed(self) -> Tensor:
        """Embeddings (windows, embedding size), in the order given."""
        rows: dict[int, Tensor] = {}
        for batch in self.batches():
            rows.update(zip(batch, self.embed_batch(batch), strict=True))
        return torch.stack([rows[index] for index in range(len(self.inputs))])

    def batches(self) -> list[list[int]]:
        return list(self.tuned.encoder.batches(self.inputs))

    def embed_batch(self, batch: Sequence[int]) -> Tensor:
        encoder, depth = self.tuned.encoder, self.tuned.depth
        with tuning_autocast(encoder.device, self.precision):
            if self.states is not None:
                frames = encoder.backbone.upper([self.states[index] for index in batch], depth)
            else:
                masks = None if self.masks is None else [self.masks[index] for index in batch]
                frames = encoder.backbone.encode_masked([self.inputs[index] for index in batch], masks)
        embeddings: Tensor = encoder.extractor(frames)
        return embeddings


def backward(drawn: Drawn, loss_of: Callable[[Tensor], Tensor], *, in_parts: bool = False) -> float:
    """Add the gradient of `loss_of(embeddings)` to that of the tuned parameters; the loss.

    in_parts: the loss and its gradient with respect to the embeddings first, then every batch forward again and
    backward (Gao et al. 2021, 2101.06983). The same gradient, and what is held in memory is that of one batch; a
    third more work.
    """
    if not in_parts:
        loss = loss_of(drawn.embed())
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())
    with torch.no_grad():
        embeddings = drawn.embed()
    embeddings.requires_grad = True
    loss = loss_of(embeddings)
    loss.backward()  # type: ignore[no-untyped-call]
    assert embeddings.grad is not None
    for batch in drawn.batches():
        drawn.embed_batch(batch).backward(embeddings.grad[batch])  # type: ignore[no-untyped-call]
    return float(loss.detach())
