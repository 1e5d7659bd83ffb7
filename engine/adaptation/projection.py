"""A linear map of the embedding, tuned while the whole encoder is left alone.

It starts as no change at all, so the few clips can bend the space of the base but need not learn one. What it comes
to is kept in the head (`engine.heads.head.Head.projection`); the encoder stays the base's own.
"""

import torch
from torch import Tensor, nn

from engine.backbones.protocol import Frames
from engine.encoder import EmotionEncoder
from engine.extractors import Extractor


class Projected(Extractor):
    """`extractor`, left alone, and after it `weight` (embedding size, embedding size), the identity at first."""

    kind = "projected"

    def __init__(self, extractor: Extractor, device: torch.device) -> None:
        super().__init__(extractor.hidden_size, extractor.layers)
        self.extractor = extractor
        self.embedding_size, self.blocks = extractor.embedding_size, extractor.blocks
        self.weight = nn.Parameter(torch.eye(extractor.embedding_size, device=device))

    def forward(self, frames: Frames) -> Tensor:
        embeddings: Tensor = self.extractor(frames)
        return embeddings @ self.weight.to(embeddings)


def add_projection(encoder: EmotionEncoder) -> None:
    """Put a `Projected` in place of the extractor of `encoder`, if it is a trained one.

    A pooling's embedding is as wide as all layers together, and its layers weigh what the labelled clips say of each.
    """
    if encoder.extractor.state_dict():
        encoder.extractor = Projected(encoder.extractor, encoder.device)


def take_projection(encoder: EmotionEncoder) -> Tensor | None:
    """Take the `Projected` out again, and give what it has come to; None where there is none."""
    projected = encoder.extractor
    if not isinstance(projected, Projected):
        return None
    encoder.extractor = projected.extractor
    return projected.weight.detach()
