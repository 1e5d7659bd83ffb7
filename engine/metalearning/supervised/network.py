"""Training of small networks side by side on what an encoder makes of altered pieces of clips.

The encoder runs in every step, so no two steps see the same piece; all networks share what it gives. It is left alone,
or its layers are tuned with the networks. Whatever is random in a step follows from the seed and the step's number, so
that a run that was killed goes on to the same result.
"""

import copy
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.audio.decode import MODEL_RATE_HZ
from engine.backbones.compact import CompactBackbone
from engine.backbones.protocol import Backbone
from engine.errors import RecipeError
from engine.extractors import AttentiveStatistics, pool_pairs
from engine.metalearning.adversarial import reverse_gradient
from engine.metalearning.checkpoints import Position, load_checkpoint, save_checkpoint
from engine.metalearning.supervised.batches import Batch, BatchSampler
from engine.metalearning.supervised.frame_cache import CachedCorpus
from engine.metalearning.supervised.losses import class_loss, other_speaker_loss
from engine.metalearning.supervised.recipe import SupervisedRecipe, SupervisedTraining
from engine.metalearning.supervised.style import hide_channels, mix_styles
from engine.moving_average import draw_nearer
from engine.precision import tuning_autocast
from engine.specaugment import SpecAugment

_WARM_UP = 0.3
_START_SHARE, _END_SHARE = 1 / 25, 1 / 250_000  # of the learning rate (Smith 2018)
_LONGEST_GRADIENT = 5.0
_VOICE_WIDTH = 128
_VOICE_GAIN = 4.0
_STATISTICS_FROM = 97  # every so many frames is enough for a mean and a spread


@dataclass(frozen=True)
class StepDone:
    """`loss` is the networks' mean training loss in nats, all parts together."""

    step: int
    loss: float
    seconds: float


class _Trained(nn.Module):
    """A network, its moving average, and what is thrown away in the end."""

    def __init__(self, network: AttentiveStatistics, corpora: Sequence[CachedCorpus]) -> None:
        super().__init__()
        self.network = network
        self.classes = nn.ParameterList(
            torch.randn(len(corpus.label_names), network.embedding_size) * 0.1 for corpus in corpora
        )
        self.hear = nn.Sequential(nn.Linear(network.embedding_size, _VOICE_WIDTH), nn.ReLU())
        self.voices = nn.ModuleList(nn.Linear(_VOICE_WIDTH, corpus.speaker_count) for corpus in corpora)
        self.averaged = copy.deepcopy(network).requires_grad_(requires_grad=False)

    def loss(self, hidden: Tensor, mask: Tensor, batch: Batch, plan: SupervisedTraining) -> Tensor:
        """hidden: pooled frames (clips, steps, channels); mask: (clips, steps)."""
        embeddings = self.network.pool(hidden, mask)
        labels, speakers = batch.labels.to(hidden.device), batch.speakers.to(hidden.device)
        loss = class_loss(embeddings, self.classes[batch.corpus], labels)
        if plan.contrastive:
            loss = loss + plan.contrastive * other_speaker_loss(embeddings, labels, speakers)
        if plan.speaker:
            units = nn.functional.normalize(embeddings, dim=-1)
            heard = self.hear(reverse_gradient(_VOICE_GAIN * units, plan.reversal / plan.speaker))
            voices = self.voices[batch.corpus](heard)
            loss = loss + plan.speaker * nn.functional.cross_entropy(voices, speakers)
        return loss

    def average(self, kept: float) -> None:
        draw_nearer(self.averaged.parameters(), self.network.parameters(), kept)


class _TunedLayers(nn.Module):
    """The transformer layers of a backbone, which learn with the networks, and their moving average."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.layers = backbone.transformer_layers.requires_grad_()
        self.averaged = copy.deepcopy(self.layers).requires_grad_(requires_grad=False)

    def average(self, kept: float) -> None:
        draw_nearer(self.averaged.parameters(), self.layers.parameters(), kept)

    @torch.no_grad()
    def settle(self) -> None:
        """Leave the backbone with the average, not to be tuned any more."""
        self.layers.load_state_dict(self.averaged.state_dict())
        self.layers.requires_grad_(requires_grad=False)


class NetworkTraining:
    """Trains `recipe.networks.count` networks of one shape, each from a seed of its own, on the backbone's device.

    Where the recipe has an `encoder_rate`, `backbone` itself is tuned.
    corpora: what the backbone is given (`cache_inputs`); statistics: mean and spread of the pooled frames' channels
    (`channel_statistics`). Raises CorpusError, RecipeError.
    """

    def __init__(
        self,
        recipe: SupervisedRecipe,
        corpora: Sequence[CachedCorpus],
        backbone: Backbone,
        statistics: tuple[Tensor, Tensor],
    ) -> None:
        if recipe.views.stretched and not isinstance(backbone, CompactBackbone):
            raise RecipeError(
                "[views] stretches the bands of a spectrogram, and this encoder is given none.", "Use stretched = 0."
            )
        self._plan, self._seed, self._backbone = recipe.training, recipe.seed, backbone
        self._device = next(backbone.parameters()).device
        rate_hz = backbone.front_end(torch.zeros(MODEL_RATE_HZ, device=self._device)).shape[-1]
        lengths = (round(self._plan.shortest_s * rate_hz), round(self._plan.longest_s * rate_hz))
        views = recipe.views
        self._sampler = BatchSampler(corpora, self._plan.batch, lengths, views.stretched)
        self._augment = SpecAugment(views.time_masked, channel_probability=views.bands_masked)
        shape = recipe.networks
        members = []
        for number in range(shape.count):
            torch.manual_seed(_number(self._seed, number))
            network = AttentiveStatistics(
                backbone.hidden_size, len(backbone.read_layers), shape.width, shape.embedding_size, shape.dropout
            )
            network.channel_mean, network.channel_spread = (each.clone() for each in statistics)
            members.append(_Trained(network, corpora))
        self._members = members
        backbone.requires_grad_(requires_grad=False)
        self._tuned = _TunedLayers(backbone) if self._plan.encoder_rate else None
        self._all = nn.ModuleList(members).to(self._device).train()
        self._learning: list[_Trained | _TunedLayers] = [*members]
        if self._tuned is not None:
            self._all.append(self._tuned.eval())  # its dropout stays off
            self._learning.append(self._tuned)

    def run(self, clips: str, checkpoint: Path) -> Iterator[StepDone | list[AttentiveStatistics]]:
        """Train from the checkpoint, or from the beginning; last come the networks (moving averages, eval mode), and
        the backbone is as it was tuned.

        clips: a digest of the clips, which a checkpoint must share. Raises RecipeError.
        """
        plan = self._plan
        groups = [{"params": [each for member in self._members for each in member.parameters()]}]
        if self._tuned is not None:
            groups.append({"params": list(self._tuned.parameters())})
        optimiser = torch.optim.AdamW(groups, lr=plan.learning_rate, weight_decay=plan.weight_decay)
        position = Position(clips)
        if checkpoint.is_file():
            position = load_checkpoint(checkpoint, self._all, optimiser)
            if position.clips != clips:
                raise RecipeError(
                    "The corpora are not those that this run began with.", "Choose a new folder for --out."
                )
        for step in range(position.step + 1, plan.steps + 1):
            started = time.perf_counter()
            loss = self._step(optimiser, step)
            if step % plan.checkpoint_steps == 0 or step == plan.steps:
                save_checkpoint(checkpoint, replace(position, step=step), self._all, optimiser)
            yield StepDone(step, loss, time.perf_counter() - started)
        if self._tuned is not None:
            self._tuned.settle()
        yield [member.averaged.cpu().eval() for member in self._members]

    def _step(self, optimiser: torch.optim.Optimizer, step: int) -> float:
        random = np.random.default_rng([self._seed, step])
        generator = torch.Generator().manual_seed(_number(self._seed, step, 0))
        torch.manual_seed(_number(self._seed, step, 1))  # dropout
        rates = (self._plan.learning_rate, self._plan.encoder_rate)
        for group, rate in zip(optimiser.param_groups, rates, strict=False):
            group["lr"] = rate * one_cycle(step, self._plan.steps)
        batch = self._sampler.draw(random)
        hidden, mask = self._encoded(batch, generator)
        losses = [
            member.loss(self._view(hidden, mask, batch.labels, member, random), mask, batch, self._plan)
            for member in self._members
        ]
        optimiser.zero_grad(set_to_none=True)
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
        for each in self._learning:
            nn.utils.clip_grad_norm_(each.parameters(), _LONGEST_GRADIENT)
        optimiser.step()
        for each in self._learning:
            each.average(min(self._plan.averaging, (1 + step) / (10 + step)))
        value = float(torch.stack(losses).mean().detach())
        if not math.isfinite(value):
            raise RecipeError(f"The loss is no longer a number at step {step}.", "Lower learning_rate.")
        return value

    def _encoded(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pooled frames (clips, steps, channels) of the masked pieces, and which are real."""
        inputs = [piece.to(self._device) for piece in batch.inputs]
        masks = self._backbone.draw_masks(inputs, self._augment, generator)
        with torch.set_grad_enabled(self._tuned is not None), tuning_autocast(self._device, "auto"):
            frames = self._backbone.encode_masked(inputs, masks)
        return pool_pairs(frames)

    def _view(
        self, hidden: Tensor, mask: Tensor, labels: Tensor, member: _Trained, random: np.random.Generator
    ) -> Tensor:
        """What one network sees of the pooled frames: other voices in part, some blocks of channels at their mean."""
        if self._plan.style_mixing:
            hidden = mix_styles(hidden, mask, labels, self._plan.style_mixing, random)
        return hide_channels(hidden, member.network.channel_mean, random) * mask[:, :, None]


def one_cycle(step: int, steps: int) -> float:
    """The share of the learning rate at `step` of `steps`: up along a cosine for 30 %, then down to nothing."""
    turn = _WARM_UP * steps
    if step <= turn:
        return _cosine(_START_SHARE, 1.0, step / turn)
    return _cosine(1.0, _END_SHARE, (step - turn) / (steps - turn))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def channel_statistics(corpora: Sequence[CachedCorpus]) -> tuple[Tensor, Tensor]:
    """Mean and spread of the channels over the clean frames of all corpora."""
    frames = np.concatenate(
        [file[::_STATISTICS_FROM].astype(np.float32) for corpus in corpora for file in corpus.views[0].files]
    )
    return torch.from_numpy(frames.mean(0)), torch.from_numpy(frames.std(0) + 1e-4)


def _number(*seeds: int) -> int:
    return int(np.random.SeedSequence(seeds).generate_state(1)[0])
