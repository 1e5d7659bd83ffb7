"""The upstream of section II.A while it is trained: which parameters, and clips to frames with their gradient."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.audio.windows import read_windows
from engine.backbones.compact import CompactBackbone
from engine.backbones.protocol import Backbone
from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from engine.encoder import EmotionEncoder
from engine.errors import AudioError, RecipeError
from engine.extractors import pool_pairs
from engine.precision import tuning_autocast
from engine.specaugment import SpecAugment
from engine.systems.hgfm.mixed import MixedClip
from engine.systems.hgfm.recipe import Upstream

Samples = NDArray[np.float32]


def unfreeze(backbone: Backbone, upstream: Upstream) -> None:
    """Let what `upstream` names be trained, and nothing else (Table II). Raises RecipeError where there is none.

    context: the context network of eq. 2 and what lies between it and the convolutions. full: the convolutions of
    eq. 1 too.
    """
    convolutions = {id(parameter) for module in _convolutions(backbone) for parameter in module.parameters()}
    if upstream is Upstream.FULL and not convolutions:
        raise RecipeError("This encoder has no convolutions that can be trained.", 'Write upstream = "context".')
    for parameter in backbone.parameters():
        if id(parameter) in convolutions:
            parameter.requires_grad = upstream is Upstream.FULL
        elif upstream is Upstream.FROZEN:
            parameter.requires_grad = False
    if upstream is not Upstream.FROZEN and not any(parameter.requires_grad for parameter in backbone.parameters()):
        raise RecipeError("This encoder has nothing that can be trained.", 'Write upstream = "frozen".')


def _convolutions(backbone: Backbone) -> list[nn.Module]:
    """The blocks of eq. 1."""
    if isinstance(backbone, CompactBackbone):
        return [backbone.conv1, backbone.conv2]
    return [backbone.model.feature_extractor] if isinstance(backbone, Wav2Vec2Backbone) else []


def read_clip(clip: MixedClip) -> Samples:
    """The clip's first 9.375 s at 16 kHz. Raises AudioError."""
    windows = read_windows(clip.path, 1)
    if not windows:
        raise AudioError(f"{clip.path} is too short to train on.", "Take it out of the corpus.")
    return windows[0]


def embed_with_gradient(
    encoder: EmotionEncoder, samples: Sequence[Samples], masks: SpecAugment | None, generator: torch.Generator
) -> Tensor:
    """16 kHz samples of several clips to embeddings (clips, embedding size), through all that is trained."""
    backbone = encoder.backbone
    inputs = [_front_end(backbone, torch.from_numpy(np.ascontiguousarray(each)).to(encoder.device)) for each in samples]
    drawn = None if masks is None else backbone.draw_masks(inputs, masks, generator)
    rows: dict[int, Tensor] = {}
    for batch in encoder.batches(inputs):
        with tuning_autocast(encoder.device, "auto"):
            of_batch = None if drawn is None else [drawn[index] for index in batch]
            frames = backbone.encode_masked([inputs[index] for index in batch], of_batch)
        rows.update(zip(batch, encoder.extractor(frames), strict=True))
    return torch.stack([rows[index] for index in range(len(inputs))])


def _front_end(backbone: Backbone, samples: Tensor) -> Tensor:
    if isinstance(backbone, Wav2Vec2Backbone) and any(
        parameter.requires_grad for parameter in backbone.model.feature_extractor.parameters()
    ):
        return backbone.convolve(samples)
    return backbone.front_end(samples)


@torch.no_grad()
def frame_statistics(backbone: Backbone, inputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and deviation (layers * hidden size,) of the pooled frames of front-end outputs."""
    frames = torch.cat([pool_pairs(backbone.encode([each]))[0][0] for each in inputs])
    return frames.mean(0), frames.std(0, unbiased=False) + 1e-4
