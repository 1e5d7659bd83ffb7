"""The embedding function of the prototypical network: a backbone and an extractor."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.audio.decode import MODEL_RATE_HZ
from engine.backbones.compact import CompactBackbone
from engine.backbones.mfcc import MfccBackbone
from engine.backbones.protocol import Backbone
from engine.backbones.wav2vec2 import Wav2Vec2Backbone, config_from_dict
from engine.backbones.wav2vec2_bert import MODEL_TYPE, Wav2Vec2BertBackbone
from engine.extractors import Extractor, build_extractor
from engine.late_import import import_place
from engine.specaugment import ClipMasks, SpecAugment

MOST_CLIPS_IN_BATCH = 16
_MOST_SAMPLES_AT_ONCE = 24 * MODEL_RATE_HZ


class EmotionEncoder(nn.Module):
    """Samples to embeddings. Always in eval mode: adaptation augments by itself and drops nothing out.

    `most_clips_in_batch`: fewer take less memory, and change no clip's embedding.
    """

    def __init__(self, backbone: Backbone, extractor: Extractor) -> None:
        super().__init__()
        self.backbone = backbone
        self.extractor = extractor
        self.most_clips_in_batch = MOST_CLIPS_IN_BATCH
        self.eval()

    @property
    def device(self) -> torch.device:
        return next(itertools.chain(self.parameters(), self.buffers())).device  # MFCCs have no weights

    @property
    def embedding_size(self) -> int:
        return self.extractor.embedding_size

    def front_end(self, samples: NDArray[np.float32]) -> Tensor:
        """One window of 16 kHz samples (n,) to the backbone's input, on the encoder's device."""
        return self.backbone.front_end(torch.from_numpy(np.ascontiguousarray(samples)).to(self.device))

    def front_ends(self, windows: Sequence[NDArray[np.float32]]) -> list[Tensor]:
        """The same of several windows, in the order given: those of one length at once, which keeps a GPU busy.

        No more than 24 s at once: the first convolution of wav2vec 2.0 makes 6.5 MB of a second.
        """
        groups: dict[int, list[int]] = defaultdict(list)
        for position, window in enumerate(windows):
            groups[len(window)].append(position)
        inputs: dict[int, Tensor] = {}
        for length, positions in groups.items():
            most = max(1, _MOST_SAMPLES_AT_ONCE // length)
            for some in (positions[first : first + most] for first in range(0, len(positions), most)):
                stacked = torch.from_numpy(np.stack([windows[position] for position in some])).to(self.device)
                inputs.update(zip(some, self.backbone.front_end_of_equals(stacked), strict=True))
        return [inputs[position] for position in range(len(windows))]

    def embed(
        self,
        inputs: Sequence[Tensor],
        augment: SpecAugment | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Front-end outputs to embeddings (clips, embedding size), in the order given.

        Clips of like length share a batch, so little is spent on padding. Masks are drawn in the order given, so
        that how the batches fall out does not change them.
        """
        masks = None
        if augment is not None and generator is not None:
            masks = self.backbone.draw_masks(inputs, augment, generator)
        embeddings: dict[int, Tensor] = {}
        for batch in self.batches(inputs):
            frames = self.backbone.encode_masked([inputs[index] for index in batch], _of(masks, batch))
            embeddings.update(zip(batch, self.extractor(frames), strict=True))
        return _in_order(embeddings)

    def lower(self, inputs: Sequence[Tensor], masks: Sequence[ClipMasks] | None, depth: int) -> list[Tensor]:
        """What the layers up to `depth` make of front-end outputs (`Backbone.lower`), in the order given."""
        lowered: dict[int, Tensor] = {}
        for batch in self.batches(inputs):
            states = self.backbone.lower([inputs[index] for index in batch], _of(masks, batch), depth)
            lowered.update(zip(batch, states, strict=True))
        return [lowered[index] for index in range(len(inputs))]

    def embed_lowered(self, lowered: Sequence[Tensor], depth: int) -> Tensor:
        """Embeddings (clips, embedding size) of what `lower` gave, in the order given."""
        embeddings: dict[int, Tensor] = {}
        for batch in self._batches([each.shape[1] for each in lowered]):
            frames = self.backbone.upper([lowered[index] for index in batch], depth)
            embeddings.update(zip(batch, self.extractor(frames), strict=True))
        return _in_order(embeddings)

    def batches(self, inputs: Sequence[Tensor]) -> Iterator[list[int]]:
        """Positions of front-end outputs that go through the backbone together: like lengths, 16 at most.

        Where many clips are of the very same length, they go without the others: nothing is padded or masked then.
        """
        return self._batches([tensor.shape[-1] for tensor in inputs])

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        full_alone = [
            batch
            for length in sorted(set(lengths))
            for batch in _pieces(
                [index for index, own in enumerate(lengths) if own == length], self.most_clips_in_batch
            )
            if 2 * len(batch) >= self.most_clips_in_batch
        ]
        yield from full_alone
        taken = {index for batch in full_alone for index in batch}
        left = sorted(set(range(len(lengths))) - taken, key=lambda index: (lengths[index], index))
        batch: list[int] = []
        for index in left:
            full = len(batch) == self.most_clips_in_batch
            if batch and (full or not self.backbone.can_share_batch(lengths[batch[0]], lengths[index])):
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch

    def specification(self) -> dict[str, Any]:
        """JSON from which `build_encoder` makes the same architecture again."""
        return {"backbone": self.backbone.specification(), "extractor": self.extractor.specification()}


def _pieces(indices: list[int], most: int) -> Iterator[list[int]]:
    for start in range(0, len(indices), most):
        yield indices[start : start + most]


def _of(masks: Sequence[ClipMasks] | None, batch: Sequence[int]) -> list[ClipMasks] | None:
    return None if masks is None else [masks[index] for index in batch]


def _in_order(rows: dict[int, Tensor]) -> Tensor:
    return torch.stack([rows[index] for index in range(len(rows))])


def build_encoder(specification: dict[str, Any]) -> EmotionEncoder:
    """The encoder that `specification` describes, its weights to be filled in. Raises KeyError, ValueError."""
    backbone = build_backbone(specification["backbone"])
    return EmotionEncoder(backbone, build_extractor(specification["extractor"]))


def build_backbone(specification: dict[str, Any]) -> Backbone:
    """The backbone that `specification` describes, its weights to be filled in. Raises KeyError, ValueError."""
    if specification["kind"] == MfccBackbone.kind:
        return MfccBackbone(specification["coefficients"], normalised=specification["normalised"])
    if specification["kind"] == "streams":
        streams: Backbone = import_place("engine.systems.multigate.streams:from_specification")(specification)
        return streams
    read_layers = tuple(specification["read_layers"])
    if specification["kind"] == "compact":
        return CompactBackbone(specification["config"], read_layers)
    if specification["kind"] == MODEL_TYPE:
        return Wav2Vec2BertBackbone(config_from_dict(specification["config"]), read_layers, drawn=False)
    if specification["kind"] == "wav2vec2-family":
        config = config_from_dict(specification["config"])
        # folders of before there was this key hold no norm, and with other layers read the top is another
        normed = bool(specification.get("final_norm", False)) and max(read_layers) == config.num_hidden_layers
        normalise = specification["normalise"]
        return Wav2Vec2Backbone(config, read_layers, normalise=normalise, final_norm=normed, drawn=False)
    raise ValueError(f"unknown backbone kind {specification['kind']!r}")
