"""The embedding function of the prototypical network: a backbone and an extractor."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.backbones.compact import CompactBackbone
from engine.backbones.protocol import Backbone
from engine.backbones.wav2vec2 import Wav2Vec2Backbone, config_from_dict
from engine.extractors import Extractor, build_extractor
from engine.specaugment import SpecAugment

MOST_CLIPS_IN_BATCH = 16


class EmotionEncoder(nn.Module):
    """Samples to embeddings. Always in eval mode: adaptation augments by itself and drops nothing out."""

    def __init__(self, backbone: Backbone, extractor: Extractor) -> None:
        super().__init__()
        self.backbone = backbone
        self.extractor = extractor
        self.eval()

    @property
    def device(self) -> torch.device:
        return next(self.backbone.parameters()).device

    @property
    def embedding_size(self) -> int:
        return self.extractor.embedding_size

    def front_end(self, samples: NDArray[np.float32]) -> Tensor:
        """One window of 16 kHz samples (n,) to the backbone's input, on the encoder's device."""
        return self.backbone.front_end(torch.from_numpy(np.ascontiguousarray(samples)).to(self.device))

    def embed(
        self,
        inputs: Sequence[Tensor],
        augment: SpecAugment | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Front-end outputs to embeddings (clips, embedding size), in the order given.

        Clips of like length share a batch, so little is spent on padding.
        """
        embeddings: dict[int, Tensor] = {}
        for batch in self.batches(inputs):
            frames = self.backbone.encode([inputs[index] for index in batch], augment, generator)
            embeddings.update(zip(batch, self.extractor(frames), strict=True))
        return torch.stack([embeddings[index] for index in range(len(inputs))])

    def batches(self, inputs: Sequence[Tensor]) -> Iterator[list[int]]:
        """Positions of front-end outputs that go through the backbone together: like lengths, 16 at most."""
        lengths = [tensor.shape[-1] for tensor in inputs]
        batch: list[int] = []
        for index in sorted(range(len(inputs)), key=lambda position: (lengths[position], position)):
            full = len(batch) == MOST_CLIPS_IN_BATCH
            if batch and (full or not self.backbone.can_share_batch(lengths[batch[0]], lengths[index])):
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch

    def specification(self) -> dict[str, Any]:
        """JSON from which `build_encoder` makes the same architecture again."""
        return {"backbone": self.backbone.specification(), "extractor": self.extractor.specification()}


def build_encoder(specification: dict[str, Any]) -> EmotionEncoder:
    """The encoder that `specification` describes, with fresh weights. KeyError or ValueError if it cannot be."""
    backbone = build_backbone(specification["backbone"])
    return EmotionEncoder(backbone, build_extractor(specification["extractor"]))


def build_backbone(specification: dict[str, Any]) -> Backbone:
    """The backbone that `specification` describes, with fresh weights. KeyError or ValueError if it cannot be."""
    read_layers = tuple(specification["read_layers"])
    if specification["kind"] == "compact":
        return CompactBackbone(specification["config"], read_layers)
    if specification["kind"] == "wav2vec2-family":
        config = config_from_dict(specification["config"])
        return Wav2Vec2Backbone(config, read_layers, normalise=specification["normalise"])
    raise ValueError(f"unknown backbone kind {specification['kind']!r}")
