"""The loops to be beaten, written as their papers describe them, straight on transformers and torch.

Everything runs in single precision from the waveform on, in every step: nothing is cached, bucketed or frozen. The
same loop makes both: P>M>F (Hu et al. 2022, section 3.3; main paper, Table 8) takes the labelled clips as support and,
under fresh masks, as query again, and so encodes each clip twice in a step; the disjoint split (main paper, section
3.4) encodes each once. Kept apart from `engine.adaptation` on purpose: a measuring stick, not a method of the app.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize
from transformers.models.wav2vec2.modeling_wav2vec2 import _compute_mask_indices

from engine.backbones import Frames
from engine.extractors import Extractor

_COSINE_SCALE = 10.0
_TIME_PROBABILITY, _TIME_SPAN = 0.15, 10  # frames of 20 ms
_CHANNEL_PROBABILITY, _CHANNEL_SPAN_FRACTION = 0.1, 0.1


@dataclass(frozen=True)
class Clips:
    """waves: (clips, samples) at 16 kHz, all of one length; labels: (clips,)."""

    waves: Tensor
    labels: Tensor


class ReferenceWav2Vec2(nn.Module):
    """transformers' own model, read at its top, and an extractor on it. `model`: a Wav2Vec2Model."""

    def __init__(self, model: nn.Module, extractor: Extractor) -> None:
        super().__init__()
        self.model = model
        self.extractor = extractor

    def forward(self, waves: Tensor, *, augmented: bool) -> Tensor:
        """Embeddings (clips, embedding size) of waves (clips, samples)."""
        model: Any = self.model
        projected = model.feature_projection(model.feature_extractor(waves).transpose(1, 2))[0]
        if augmented:
            in_time, in_channel = _masks(*projected.shape[:3], span=_TIME_SPAN, device=waves.device)
            projected = torch.where(in_time[:, :, None], model.masked_spec_embed, projected)
            projected = projected.masked_fill(in_channel[:, None, :], 0.0)
        return _embed(self.extractor, [model.encoder(projected).last_hidden_state])


class ReferenceWhisper(nn.Module):
    """Lower layers of a Whisper encoder on the clips' own frames; an extractor on `read_layers`, counted from 1.

    spectrogram: samples (n,) to the log-mel (bins, frames). `encoder` has conv1, conv2, embed_positions and layers.
    """

    def __init__(
        self,
        encoder: nn.Module,
        spectrogram: Callable[[Tensor], Tensor],
        extractor: Extractor,
        read_layers: Sequence[int],
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.extractor = extractor
        self._spectrogram = spectrogram
        self._read_layers = read_layers

    def forward(self, waves: Tensor, *, augmented: bool) -> Tensor:
        """Embeddings (clips, embedding size) of waves (clips, samples)."""
        mel = torch.stack([self._spectrogram(wave) for wave in waves])
        if augmented:
            in_time, in_channel = _masks(len(mel), mel.shape[2], mel.shape[1], span=2 * _TIME_SPAN, device=waves.device)
            mel = torch.where(in_time[:, None, :] | in_channel[:, :, None], mel.mean((1, 2), keepdim=True), mel)
        encoder: Any = self.encoder
        hidden: Tensor = nn.functional.gelu(encoder.conv1(mel))
        hidden = nn.functional.gelu(encoder.conv2(hidden)).transpose(1, 2)
        hidden = hidden + encoder.embed_positions.weight[: hidden.shape[1]]
        states = []
        for layer in encoder.layers:
            hidden = layer(hidden, None)
            states.append(hidden)
        return _embed(self.extractor, [states[number - 1] for number in self._read_layers])


def _embed(extractor: Extractor, states: Sequence[Tensor]) -> Tensor:
    hidden = torch.stack(list(states))
    embeddings: Tensor = extractor(
        Frames(hidden, torch.full((hidden.shape[1],), hidden.shape[2], device=hidden.device))
    )
    return embeddings


def run_steps(
    embed: nn.Module, clips: Clips, steps: int, *, disjoint: bool, learning_rate: float = 1e-5, seed: int = 0
) -> None:
    """Tune `embed` in place for `steps` steps of Adam on cosine prototypes of `clips`."""
    generator = torch.Generator().manual_seed(seed)
    np.random.seed(seed)
    optimiser = torch.optim.Adam([each for each in embed.parameters() if each.requires_grad], lr=learning_rate)
    everything = list(range(len(clips.labels)))
    for _ in range(steps):
        if disjoint:
            support, query = _split(clips.labels, generator)
            prototypes = _prototypes(embed(clips.waves[support], augmented=True), clips.labels[support])
        else:
            query = everything
            prototypes = _prototypes(embed(clips.waves, augmented=False), clips.labels)
        answers = normalize(embed(clips.waves[query], augmented=True), dim=-1)
        loss = cross_entropy(_COSINE_SCALE * answers @ normalize(prototypes, dim=-1).T, clips.labels[query])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def _masks(clips: int, frames: int, channels: int, *, span: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """SpecAugment as transformers draws it in training: which frames (clips, frames) and channels (clips, channels)."""
    in_time = _compute_mask_indices((clips, frames), _TIME_PROBABILITY, span)
    in_channel = _compute_mask_indices(
        (clips, channels), _CHANNEL_PROBABILITY, round(_CHANNEL_SPAN_FRACTION * channels)
    )
    return torch.from_numpy(in_time).to(device), torch.from_numpy(in_channel).to(device)


def _prototypes(embeddings: Tensor, labels: Tensor) -> Tensor:
    return torch.stack([embeddings[labels == label].mean(0) for label in range(int(labels.max()) + 1)])


def _split(labels: Tensor, generator: torch.Generator) -> tuple[Sequence[int], Sequence[int]]:
    """Two of five clips of each label as support, the others as query."""
    support: list[int] = []
    query: list[int] = []
    for label in range(int(labels.max()) + 1):
        members = torch.nonzero(labels.cpu() == label).flatten()
        shuffled = members[torch.randperm(len(members), generator=generator)].tolist()
        cut = round(0.4 * len(shuffled))
        support += shuffled[:cut]
        query += shuffled[cut:]
    return support, query
