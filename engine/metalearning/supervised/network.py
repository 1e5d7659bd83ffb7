"""Training of one small network on cached frames. Whatever is random in a step follows from the seed, the network's
number and the step's, so that a run that was killed goes on to the same result."""

import copy
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.extractors import AttentiveStatistics
from engine.metalearning.adversarial import reverse_gradient
from engine.metalearning.checkpoints import Position, load_checkpoint, save_checkpoint
from engine.metalearning.supervised.batches import Batch, BatchSampler
from engine.metalearning.supervised.frame_cache import CachedCorpus
from engine.metalearning.supervised.losses import class_loss, other_speaker_loss
from engine.metalearning.supervised.recipe import NetworksSection, SupervisedTraining

_STEPS_PER_S = 25.0  # pooled frames
_WARM_UP = 0.3
_START_SHARE, _END_SHARE = 1 / 25, 1 / 250_000  # of the learning rate (Smith 2018)
_LONGEST_GRADIENT = 5.0
_VOICE_WIDTH = 128
_VOICE_GAIN = 4.0
_STATISTICS_FROM = 97  # every so many frames is enough for a mean and a spread


@dataclass(frozen=True)
class StepDone:
    """`loss` is its training loss in nats, all parts together."""

    step: int
    loss: float
    seconds: float


class _Trained(nn.Module):
    """All that a checkpoint holds: the network, its moving average, and what is thrown away in the end."""

    def __init__(self, network: AttentiveStatistics, corpora: Sequence[CachedCorpus]) -> None:
        super().__init__()
        self.network = network
        self.classes = nn.ParameterList(
            torch.randn(len(corpus.label_names), network.embedding_size) * 0.1 for corpus in corpora
        )
        self.hear = nn.Sequential(nn.Linear(network.embedding_size, _VOICE_WIDTH), nn.ReLU())
        self.voices = nn.ModuleList(nn.Linear(_VOICE_WIDTH, corpus.speaker_count) for corpus in corpora)
        self.averaged = copy.deepcopy(network).requires_grad_(requires_grad=False)

    def loss(self, batch: Batch, plan: SupervisedTraining) -> Tensor:
        embeddings = self.network.pool(batch.hidden, batch.mask)
        loss = class_loss(embeddings, self.classes[batch.corpus], batch.labels)
        if plan.contrastive:
            loss = loss + plan.contrastive * other_speaker_loss(embeddings, batch.labels, batch.speakers)
        if plan.speaker:
            units = nn.functional.normalize(embeddings, dim=-1)
            heard = self.hear(reverse_gradient(_VOICE_GAIN * units, plan.reversal / plan.speaker))
            voices = self.voices[batch.corpus](heard)
            loss = loss + plan.speaker * nn.functional.cross_entropy(voices, batch.speakers)
        return loss

    @torch.no_grad()
    def average(self, kept: float) -> None:
        for mean, latest in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(latest, 1 - kept)


def train_network(
    corpora: Sequence[CachedCorpus],
    statistics: tuple[Tensor, Tensor],
    shape: NetworksSection,
    plan: SupervisedTraining,
    hidden_size: int,
    layers: int,
    seeds: tuple[int, int],
    clips: str,
    checkpoint: Path,
) -> Iterator[StepDone | AttentiveStatistics]:
    """Train from the checkpoint, or from the beginning; the last event is the network (moving average, eval mode).

    statistics: mean and spread of the channels (`channel_statistics`). seeds: the recipe's and the network's
    number. clips: a digest of the clips, which a checkpoint must share. Raises RecipeError.
    """
    torch.manual_seed(_number(*seeds, 0))
    network = AttentiveStatistics(hidden_size, layers, shape.width, shape.embedding_size, shape.dropout)
    network.channel_mean, network.channel_spread = statistics
    trained = _Trained(network, corpora)
    optimiser = torch.optim.AdamW(trained.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    position = Position(clips)
    if checkpoint.is_file():
        position = load_checkpoint(checkpoint, trained, optimiser)
        if position.clips != clips:
            raise RecipeError("The corpora are not those that this run began with.", "Choose a new folder for --out.")
    lengths = (round(plan.shortest_s * _STEPS_PER_S), round(plan.longest_s * _STEPS_PER_S))
    sampler = BatchSampler(corpora, plan.batch, lengths, network.channel_mean)
    network.train()
    for step in range(position.step + 1, plan.steps + 1):
        started = time.perf_counter()
        loss = _step(trained, optimiser, sampler, plan, step, seeds)
        if step % plan.checkpoint_steps == 0 or step == plan.steps:
            save_checkpoint(checkpoint, replace(position, step=step), trained, optimiser)
        yield StepDone(step, loss, time.perf_counter() - started)
    yield trained.averaged.eval()


def _step(
    trained: _Trained,
    optimiser: torch.optim.Optimizer,
    sampler: BatchSampler,
    plan: SupervisedTraining,
    step: int,
    seeds: tuple[int, int],
) -> float:
    batch = sampler.draw(np.random.default_rng([*seeds, step]))
    torch.manual_seed(_number(*seeds, step))  # dropout
    for group in optimiser.param_groups:
        group["lr"] = plan.learning_rate * one_cycle(step, plan.steps)
    loss = trained.loss(batch, plan)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(trained.parameters(), _LONGEST_GRADIENT)
    optimiser.step()
    trained.average(min(plan.averaging, (1 + step) / (10 + step)))
    value = float(loss.detach())
    if not math.isfinite(value):
        raise RecipeError(f"The loss is no longer a number at step {step}.", "Lower learning_rate.")
    return value


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
