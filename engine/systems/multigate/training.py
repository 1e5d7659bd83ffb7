"""Training of one network on what is kept of its languages (section 5.1).

Whatever is random in a step follows from the seed and the step's number, so that a run that was killed goes on to the
same result.
"""

import copy
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.metalearning.checkpoints import Position, load_checkpoint, save_checkpoint
from engine.moving_average import draw_nearer
from engine.systems.multigate.languages import Batch, BatchSampler, Language, channel_statistics
from engine.systems.multigate.loss import ContrastiveLoss
from engine.systems.multigate.network import MultiGate, Variant
from engine.systems.multigate.recipe import NetworkSection, TrainingSection
from engine.systems.multigate.shapes import Reading, Steps, StreamShape
from engine.systems.multigate.streams import Stream, StreamsBackbone

_STEPS_PER_S = 25  # of the steps that pieces are counted in
_LONGEST_GRADIENT = 5.0
_ALL = "all"


@dataclass(frozen=True)
class StepDone:
    """`loss` is its training loss in nats, all parts together."""

    step: int
    steps: int
    loss: float
    seconds: float


class Trained(nn.Module):
    """All that a checkpoint holds: the network, last layers and the auxiliary loss, and a moving average of them."""

    def __init__(self, network: MultiGate, languages: Sequence[Language], *, averaged: bool) -> None:
        super().__init__()
        self.network = network
        self.labels = _labels_of(network, languages)
        self.heads = nn.ModuleDict(
            {name: nn.Linear(network.embedding_size, len(labels)) for name, labels in self.labels.items()}
        )
        self.contrast = ContrastiveLoss()
        self._names = [language.name for language in languages]
        self._numbers = [
            torch.tensor([self.labels[self._owner(language.name)].index(label) for label in language.label_names])
            for language in languages
        ]
        self.mean: nn.ModuleList | None = None
        if averaged:
            self.mean = copy.deepcopy(nn.ModuleList([network, self.heads])).requires_grad_(requires_grad=False)

    def _owner(self, language: str) -> str:
        return language if language in self.labels else _ALL

    def loss(self, batch: Batch, auxiliary: float) -> Tensor:
        """Eq. 6."""
        name = self._names[batch.language]
        representations = self.network.represent(self.network.encode(batch.streams), name)
        logits = self.heads[self._owner(name)](self.network.embed(representations, name))
        loss = nn.functional.cross_entropy(logits, self._numbers[batch.language][batch.labels])
        return loss + auxiliary * self.contrast(representations, batch.labels) if auxiliary else loss

    def answer(self, streams: Sequence[Steps], language: Language) -> Tensor:
        """The language's own numbers of the likeliest labels, of all that its tower knows; -1 is none of its own."""
        embeddings = self.network.embed(
            self.network.represent(self.network.encode(streams), language.name), language.name
        )
        answered = self.heads[self._owner(language.name)](embeddings).argmax(-1)
        own = self.labels[self._owner(language.name)]
        return torch.tensor(
            [language.label_names.index(own[at]) if own[at] in language.label_names else -1 for at in answered.tolist()]
        )

    def average(self, kept: float) -> None:
        """Draw the moving average a little towards the latest weights."""
        if self.mean is not None:
            latest = [*self.network.parameters(), *self.heads.parameters()]
            draw_nearer(self.mean.parameters(), latest, kept)

    def finish(self) -> "Trained":
        """In eval mode, with averaged weights if there are such."""
        if self.mean is not None:
            averaged = self.mean.state_dict()
            self.network.load_state_dict({n[2:]: each for n, each in averaged.items() if n.startswith("0.")})
            self.heads.load_state_dict({n[2:]: each for n, each in averaged.items() if n.startswith("1.")})
        return self.eval()


def _labels_of(network: MultiGate, languages: Sequence[Language]) -> dict[str, list[str]]:
    """The labels of every tower: a language's own, or of one tower for all the union of them."""
    if network.variant is Variant.BASE:
        return {_ALL: sorted({label for language in languages for label in language.label_names})}
    return {language.name: list(language.label_names) for language in languages}


def shape_of(stream: Stream, section: NetworkSection) -> StreamShape:
    """The sizes of a stream's encoder (section 5.1): MFCCs have half of its kernels and LSTM, in two layers.

    The LSTM goes 25 steps a second, so that training takes minutes on a processor.
    """
    kernels, lstm, layers, pooling = section.kernels, section.lstm, 1, 1
    if stream.reading is Reading.STACKED:
        kernels, lstm, layers, pooling = kernels // 2, lstm // 2, 2, 4
    return StreamShape(stream.name, stream.size, stream.reading, kernels, lstm, layers, section.attention, pooling)


def build_network(
    backbone: StreamsBackbone, languages: Sequence[Language], section: NetworkSection, selector: str
) -> MultiGate:
    """A network with fresh weights, its channels standardised by `languages`. All towers begin alike."""
    network = MultiGate(
        backbone.hidden_size,
        1,
        [asdict(shape_of(stream, section)) for stream in backbone.members],
        [language.name for language in languages],
        languages[0].name,
        section.variant,
        selector,
        section.size,
        section.tower,
        section.dropout,
    )
    first, *others = network.towers.values()
    for tower in others:
        tower.load_state_dict(first.state_dict())
    for number, (mean, spread) in enumerate(channel_statistics(languages)):
        getattr(network, f"mean_{number}").copy_(mean)
        getattr(network, f"spread_{number}").copy_(spread)
    return network


def train_network(
    backbone: StreamsBackbone,
    languages: Sequence[Language],
    selector: str,
    section: NetworkSection,
    plan: TrainingSection,
    seed: int,
    clips: str,
    checkpoint: Path,
) -> Iterator[StepDone | Trained]:
    """Train from the checkpoint, or from the beginning; the last event is the network and its last layers.

    clips: a digest of the clips, which a checkpoint must share. Raises RecipeError, CorpusError.
    """
    torch.manual_seed(_number(seed, 0))
    network = build_network(backbone, languages, section, selector)
    trained = Trained(network, languages, averaged=plan.averaging > 0)
    optimiser = torch.optim.AdamW(trained.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    position = Position(clips)
    if checkpoint.is_file():
        position = load_checkpoint(checkpoint, trained, optimiser)
        if position.clips != clips:
            raise RecipeError("The corpora are not those that this run began with.", "Choose a new folder for --out.")
    fills = [getattr(network, f"mean_{number}") for number in range(len(network.shapes))]
    sampler = BatchSampler(languages, network.shapes, fills, plan.batch)
    steps = steps_of(plan, languages)
    trained.train()
    for step in range(position.step + 1, steps + 1):
        started = time.perf_counter()
        loss = _step(trained, optimiser, sampler, section.auxiliary, plan, (seed, step))
        if step % plan.checkpoint_steps == 0 or step == steps:
            save_checkpoint(checkpoint, replace(position, step=step), trained, optimiser)
        yield StepDone(step, steps, loss, time.perf_counter() - started)
    yield trained.finish()


def steps_of(plan: TrainingSection, languages: Sequence[Language]) -> int:
    """How many batches make the epochs."""
    return plan.epochs * math.ceil(sum(len(language.clips) for language in languages) / plan.batch)


def _step(
    trained: Trained,
    optimiser: torch.optim.Optimizer,
    sampler: BatchSampler,
    auxiliary: float,
    plan: TrainingSection,
    seeds: tuple[int, int],
) -> float:
    lengths = (round(plan.shortest_s * _STEPS_PER_S), round(plan.longest_s * _STEPS_PER_S))
    batch = sampler.draw(np.random.default_rng(list(seeds)), lengths)
    torch.manual_seed(_number(*seeds))  # dropout, connections
    loss = trained.loss(batch, auxiliary)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_([each for each in trained.parameters() if each.grad is not None], _LONGEST_GRADIENT)
    optimiser.step()
    trained.average(min(plan.averaging, (1 + seeds[1]) / (10 + seeds[1])))
    value = float(loss.detach())
    if not math.isfinite(value):
        raise RecipeError(f"The loss is no longer a number at step {seeds[1]}.", "Lower learning_rate.")
    return value


def _number(*seeds: int) -> int:
    return int(np.random.SeedSequence(seeds).generate_state(1)[0])
