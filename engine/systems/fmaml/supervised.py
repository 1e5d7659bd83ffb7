"""The paper's first baseline (section 4.3): the same network, trained on the support of the new language alone."""

from collections.abc import Iterator

import torch
from torch import nn

from engine.backbones.protocol import Frames
from engine.systems.fmaml.maml import Fitted, Learner, Task, logits_of
from engine.systems.fmaml.measuring import Answers, answers_of
from engine.systems.fmaml.network import ConvolutionalNetwork
from engine.systems.fmaml.tasks import TaskSampler

_BATCH = 16  # section 4.2
_RATE = 1e-3


def supervised_answers(
    sampler: TaskSampler, network: ConvolutionalNetwork, count: int, steps: int, seed: int, device: torch.device
) -> Iterator[Answers]:
    """Train a network like `network` for tasks 0 to `count` - 1, each time from random weights; answer the queries."""
    shape = {key: value for key, value in network.specification().items() if key != "kind"}
    for number in range(count):
        drawn = sampler.draw(number)
        task = sampler.task(drawn, device)
        torch.manual_seed(seed + number)
        learner = Learner(ConvolutionalNetwork(**shape).to(device))
        yield answers_of(learner, _train(learner, task, steps), drawn, task)


def _train(learner: Learner, task: Task, steps: int) -> Fitted:
    """`steps` of Adam at 0.001, each on 16 clips of the support drawn at random."""
    optimiser = torch.optim.Adam(learner.parameters(), lr=_RATE)
    frames, targets = task.support.frames, task.support.targets
    for _ in range(steps):
        chosen = torch.randperm(len(targets))[:_BATCH].to(targets.device)
        longest = int(frames.lengths[chosen].max())
        batch = Frames(frames.hidden[:, chosen, :longest], frames.lengths[chosen])
        logits, _ = logits_of(learner, learner.own_parameters(), batch, None, task.outputs)
        loss = nn.functional.cross_entropy(logits, torch.searchsorted(task.outputs, targets[chosen]))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    parameters = learner.own_parameters()
    with torch.no_grad():
        _, statistics = logits_of(learner, parameters, frames, None, task.outputs)
    return Fitted(parameters, statistics, statistics)
