"""How frames are altered for one network: in part in the voice and room of another clip, and some channels hidden."""

import numpy as np
import torch
from torch import Tensor

_LEAST_VARIANCE = 1e-8
_CHANNEL_BLOCKS = 16
_CHANNEL_SHARE = 0.24  # of the blocks, in each clip


def mix_styles(hidden: Tensor, mask: Tensor, labels: Tensor, share: float, random: np.random.Generator) -> Tensor:
    """Frames whose mean and spread over time went part of the way to those of another clip of the same label.

    MixStyle (Zhou et al. 2021, 2104.02008) within an emotion.
    hidden: (clips, steps, channels); mask: (clips, steps), what lies beyond comes out as nonsense; labels: (clips,).
    `share` of the clips are changed, each by a part of its own between 0 and 1. Mean and spread over time tell of the
    speaker and the microphone as much as of the emotion, which the other clip shares.
    """
    partners = torch.arange(len(labels))
    for label in set(labels.tolist()):
        members = (labels == label).nonzero().flatten().cpu()
        partners[members] = members[torch.from_numpy(random.permutation(len(members)))]
    partners = partners.to(hidden.device)
    changed = random.random(len(labels)) < share
    parts = torch.from_numpy((random.random(len(labels)) * changed).astype(np.float32)).to(hidden)[:, None]
    real = mask[:, :, None]
    counts = mask.sum(1)[:, None]
    mean = (hidden * real).sum(1) / counts
    centred = hidden - mean[:, None]
    spread = ((centred * real).square().sum(1) / counts).clamp(min=_LEAST_VARIANCE).sqrt()
    mixed_mean = mean.lerp(mean[partners], parts)
    mixed_spread = spread.lerp(spread[partners], parts)
    return centred * (mixed_spread / spread)[:, None] + mixed_mean[:, None]


def hide_channels(hidden: Tensor, fill: Tensor, random: np.random.Generator) -> Tensor:
    """Frames (clips, steps, channels) with about a quarter of 16 blocks of channels at `fill` (channels,), other blocks
    from clip to clip."""
    clips, _, channels = hidden.shape
    blocks = torch.from_numpy(random.random((clips, _CHANNEL_BLOCKS)) < _CHANNEL_SHARE)
    width = -(-channels // _CHANNEL_BLOCKS)
    hides = blocks.repeat_interleave(width, 1)[:, None, :channels].to(hidden.device)
    return torch.where(hides, fill, hidden)
