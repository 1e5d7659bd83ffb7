"""The network that meta-training trains: encoder, learnt cosine scale and, if asked for, corpus discriminator."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from engine.encoder import EmotionEncoder
from engine.heads import COSINE_SCALE
from engine.metalearning.adversarial import CorpusDiscriminator
from engine.specaugment import SpecAugment


class Phase(StrEnum):
    """Linear probing trains the extractor alone (Kumar et al. 2022; main paper, section 3.4), then all is trained."""

    PROBING = "linear probing"
    WHOLE = "whole model"


@dataclass(frozen=True)
class EpisodeInputs:
    """Front-end outputs, support first, way by way; the corpus of each way; the seed of what is random."""

    inputs: tuple[Tensor, ...]
    ways: int
    shots: int
    corpora: tuple[int, ...]
    seed: int

    @property
    def queries(self) -> int:
        return len(self.inputs) // self.ways - self.shots


def cosine_logits(support: Tensor, query: Tensor, scale: Tensor) -> Tensor:
    """Scaled cosines of query (clips, D) to the prototypes of support (ways, shots, D): (clips, ways).

    A prototype is the mean of its unnormalised embeddings (main paper, section 3.3).
    """
    return scale * normalize(query, dim=-1) @ normalize(support.mean(1), dim=-1).T


class PrototypicalNetwork(nn.Module):
    """`corpora`: how many the discriminator tells apart; 0 for none."""

    def __init__(self, encoder: EmotionEncoder, *, corpora: int = 0, strength: float = 0.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.log_scale = nn.Parameter(torch.tensor(math.log(COSINE_SCALE)))
        size = encoder.backbone.hidden_size
        self.discriminator = CorpusDiscriminator(size, corpora, strength) if corpora else None
        self._fixed = {name for name, each in encoder.backbone.named_parameters() if not each.requires_grad}

    @property
    def scale(self) -> Tensor:
        """The learnt cosine scale; it starts at 10."""
        return self.log_scale.exp()

    def enter(self, phase: Phase, *, backbone_dropout: bool, checkpointing: bool, augmented: bool) -> None:
        """Freeze or free the backbone, and put into training mode what drops out in this phase."""
        whole = phase is Phase.WHOLE
        for name, parameter in self.encoder.backbone.named_parameters():
            unused = name.endswith("masked_spec_embed") and not augmented
            parameter.requires_grad_(whole and name not in self._fixed and not unused)
        self.train()
        self.encoder.backbone.train(whole and backbone_dropout)
        self.encoder.backbone.checkpointing = whole and checkpointing

    def forward(self, episode: EpisodeInputs, augment: SpecAugment | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """The loss to descend, and two figures for the log: the share of queries answered rightly, and the
        discriminator's cross-entropy (0 without one). Scalars, in nats.
        """
        embeddings, corpus_logits = self._embed(episode, augment)
        split = episode.ways * episode.shots
        with torch.autocast(embeddings.device.type, enabled=False):  # cosines are too close for bfloat16
            support = embeddings[:split].float().view(episode.ways, episode.shots, -1)
            logits = cosine_logits(support, embeddings[split:].float(), self.scale)
            ways = torch.arange(episode.ways, device=logits.device)
            loss = cross_entropy(logits, ways.repeat_interleave(episode.queries))
            right = (logits.argmax(-1) == ways.repeat_interleave(episode.queries)).float().mean()
            if corpus_logits is None:
                return loss, right, torch.zeros_like(right)
            of_way = torch.tensor(episode.corpora, device=logits.device)
            corpora = torch.cat([of_way.repeat_interleave(n) for n in (episode.shots, episode.queries)])
            adversarial = cross_entropy(corpus_logits.float(), corpora)
        return loss + adversarial, right, adversarial.detach()

    def _embed(self, episode: EpisodeInputs, augment: SpecAugment | None) -> tuple[Tensor, Tensor | None]:
        """Embeddings (clips, D) in the order given, and the discriminator's logits (clips, corpora)."""
        generator = torch.Generator().manual_seed(episode.seed)
        embeddings: dict[int, Tensor] = {}
        logits: dict[int, Tensor] = {}
        for batch in self.encoder.batches(episode.inputs):
            frames = self.encoder.backbone.encode([episode.inputs[index] for index in batch], augment, generator)
            embeddings.update(zip(batch, self.encoder.extractor(frames), strict=True))
            if self.discriminator is not None and self.training:
                logits.update(zip(batch, self.discriminator(frames), strict=True))
        return _in_order(embeddings), _in_order(logits) if logits else None


def _in_order(rows: dict[int, Tensor]) -> Tensor:
    return torch.stack([rows[index] for index in range(len(rows))])


def inputs_of(encoder: EmotionEncoder, samples: Sequence[object]) -> tuple[Tensor, ...]:
    """16 kHz samples of several clips, each (n,) float32, to front-end outputs on the encoder's device."""
    return tuple(encoder.front_end(each) for each in samples)  # type: ignore[arg-type]
