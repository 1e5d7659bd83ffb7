"""Model-agnostic meta-learning (section 2.1): learning from a support, and learning to learn from it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, repeat

import torch
from torch import Tensor, nn
from torch.func import functional_call

from engine.backbones.protocol import Frames
from engine.systems.fmaml.network import ConvolutionalNetwork, Statistics

Parameters = dict[str, Tensor]
_MOMENTUM = 0.02  # of the running mean of the supports' statistics


@dataclass(frozen=True)
class Batch:
    """Clips of one task: frames (1, clips, frames, coefficients), and outputs (clips,) as positions."""

    frames: Frames
    targets: Tensor

    def to(self, device: torch.device) -> "Batch":
        """This batch on `device`."""
        frames = Frames(self.frames.hidden.to(device), self.frames.lengths.to(device))
        return Batch(frames, self.targets.to(device))


@dataclass(frozen=True)
class InnerLoop:
    """How a task is learnt: `steps` of plain gradient descent at `rate` (the paper's alpha).

    second_order: whether the meta-gradient goes through the gradients of the steps (MAML) or takes them as
    constants (first-order MAML); the paper does not say which.
    """

    steps: int = 5
    rate: float = 0.1
    second_order: bool = False


@dataclass(frozen=True)
class Fitted:
    """A task's parameters after the inner loop (theta prime), by name, and what queries are normalised by.

    before: what the support was normalised by under the initial parameters.
    """

    parameters: Parameters
    statistics: Statistics
    before: Statistics


class Learner(nn.Module):
    """The network with its last layer, as a function of its parameters.

    outputs: positions of those that the task has. The others are as if they were not there: neither the softmax nor
    its gradient knows them.
    """

    def __init__(self, network: ConvolutionalNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Frames, statistics: Statistics | None, outputs: Tensor) -> tuple[Tensor, Statistics]:
        embeddings, used = self.network.embed(frames, statistics)
        logits = embeddings @ self.network.output.weight[outputs].T + self.network.output.bias[outputs]
        return logits, used

    def own_parameters(self) -> Parameters:
        """The initial parameters (theta)."""
        return dict(self.named_parameters())


@dataclass(frozen=True)
class Task:
    """A support to learn from and a query to be asked; `outputs`: the positions that the task has, ascending."""

    support: Batch
    query: Batch
    outputs: Tensor


def logits_of(
    learner: Learner, parameters: Parameters, frames: Frames, statistics: Statistics | None, outputs: Tensor
) -> tuple[Tensor, Statistics]:
    """Logits (clips, outputs of the task) under `parameters`, and the statistics used."""
    answer: tuple[Tensor, Statistics] = functional_call(learner, parameters, (frames, statistics, outputs))
    return answer


def fit(learner: Learner, supports: Iterable[Batch], outputs: Tensor, loop: InnerLoop) -> Iterator[float | Fitted]:
    """Equation 2, `loop.steps` times from the learner's own parameters: the loss before each step, last the result.

    supports: the batch of each step, and one more for the statistics that queries are normalised by. The loss is
    equation 1 over all outputs of the task, the fixed ones included although no clip of the support is theirs. It is
    the mean over the labels of the mean over their clips in place of the paper's sum, so that one rate does for any
    number of shots.
    """
    batches = iter(supports)
    parameters, before = learner.own_parameters(), None
    for support in islice(batches, loop.steps):
        logits, statistics = logits_of(learner, parameters, support.frames, None, outputs)
        before = before or statistics
        loss = _cross_entropy(logits, support.targets, outputs)
        gradients = torch.autograd.grad(loss, list(parameters.values()), create_graph=loop.second_order)
        stepped = zip(parameters.items(), gradients, strict=True)
        parameters = {name: value - loop.rate * gradient for (name, value), gradient in stepped}
        yield loss.item()
    _, statistics = logits_of(learner, parameters, next(batches).frames, None, outputs)
    yield Fitted(parameters, statistics, before or statistics)


def fit_task(learner: Learner, task: Task, loop: InnerLoop) -> Fitted:
    """What is learnt of a task's support, the whole of it in every step."""
    *_, fitted = fit(learner, repeat(task.support), task.outputs, loop)
    assert isinstance(fitted, Fitted)
    return fitted


@dataclass(frozen=True)
class Answered:
    """The query's loss (equation 3) and answers (clips,), as positions."""

    loss: Tensor
    answers: Tensor
    before: Statistics


def ask(learner: Learner, task: Task, loop: InnerLoop) -> Answered:
    """Learn the task's support and answer its query."""
    fitted = fit_task(learner, task, loop)
    logits, _ = logits_of(learner, fitted.parameters, task.query.frames, fitted.statistics, task.outputs)
    loss = _cross_entropy(logits, task.query.targets, task.outputs)
    return Answered(loss, task.outputs[logits.argmax(-1)], fitted.before)


def meta_gradient(learner: Learner, tasks: Iterable[Task], count: int, loop: InnerLoop) -> tuple[float, float]:
    """Add the gradient of equation 5 over `count` tasks; mean loss of the queries, and the share answered right.

    The mean over the tasks, as the text before the equation says; the equation has their sum. The network's buffers
    move a little towards the statistics of every support.
    """
    loss, right, asked = 0.0, 0, 0
    for task in tasks:
        answered = ask(learner, task, loop)
        (answered.loss / count).backward()  # type: ignore[no-untyped-call]
        learner.network.keep(answered.before, _MOMENTUM)
        loss += answered.loss.item() / count
        right += int((answered.answers == task.query.targets).sum())
        asked += len(answered.answers)
    return loss, right / asked


def _cross_entropy(logits: Tensor, targets: Tensor, outputs: Tensor) -> Tensor:
    """Of targets that are positions in the whole layer, among the task's `outputs`; every label counts the same."""
    places = torch.searchsorted(outputs, targets)
    clips = torch.bincount(places, minlength=len(outputs))
    return nn.functional.cross_entropy(logits, places, 1.0 / clips.clamp(min=1).to(logits.dtype))
