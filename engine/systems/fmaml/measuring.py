"""How well a network answers tasks that it was not trained on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from engine.backbones.protocol import Frames
from engine.systems.fmaml.maml import Fitted, InnerLoop, Learner, Task, fit_task, logits_of
from engine.systems.fmaml.network import FIXED
from engine.systems.fmaml.tasks import DrawnTask, TaskSampler

_CLIPS_AT_ONCE = 16


@dataclass(frozen=True)
class Answers:
    """Of one task: true and answered label of every query clip."""

    true: tuple[str, ...]
    answered: tuple[str, ...]

    @property
    def accuracy(self) -> float:
        """Over all queries, those of silence and neutral speech among them."""
        return _share(self.true, self.answered)

    @property
    def emotion_accuracy(self) -> float:
        """Over the queries of emotions alone; answers of silence and neutral are wrong there."""
        kept = [number for number, label in enumerate(self.true) if label not in FIXED]
        return _share([self.true[number] for number in kept], [self.answered[number] for number in kept])


def _share(true: Sequence[str], answered: Sequence[str]) -> float:
    return sum(a == b for a, b in zip(true, answered, strict=True)) / len(true)


def answer_tasks(
    learner: Learner, sampler: TaskSampler, count: int, loop: InnerLoop, device: torch.device
) -> Iterator[Answers]:
    """Learn the support of tasks 0 to `count` - 1 one after the other, and answer their queries."""
    for number in range(count):
        drawn = sampler.draw(number)
        task = sampler.task(drawn, device)
        yield answers_of(learner, fit_task(learner, task, loop), drawn, task)


@torch.no_grad()
def answers_of(learner: Learner, fitted: Fitted, drawn: DrawnTask, task: Task) -> Answers:
    """The answers to the query of `task` by what was learnt of its support."""
    hidden, lengths = task.query.frames.hidden, task.query.frames.lengths
    order = lengths.argsort(stable=True)  # so that little is spent on padding
    positions = torch.empty_like(task.query.targets)
    for first in range(0, len(order), _CLIPS_AT_ONCE):
        some = order[first : first + _CLIPS_AT_ONCE]
        frames = Frames(hidden[:, some, : int(lengths[some].max())], lengths[some])
        logits, _ = logits_of(learner, fitted.parameters, frames, fitted.statistics, task.outputs)
        positions[some] = task.outputs[logits.argmax(-1)]
    answered = positions.tolist()
    true = task.query.targets.tolist()
    return Answers(tuple(drawn.labels[each] for each in true), tuple(drawn.labels[each] for each in answered))
