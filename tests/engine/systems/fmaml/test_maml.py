from itertools import repeat

import pytest
import torch

from engine.backbones.protocol import Frames
from engine.systems.fmaml.maml import (
    Batch,
    Fitted,
    InnerLoop,
    Learner,
    Task,
    ask,
    fit,
    fit_task,
    logits_of,
    meta_gradient,
)
from engine.systems.fmaml.network import ConvolutionalNetwork
from tests.engine.systems.fmaml.conftest import frames_of, random_task, tiny_network


@pytest.fixture
def exact() -> Learner:
    """A tiny network in double precision: 8 coefficients, two blocks of 3 filters, 2 emotions and 2 fixed outputs."""
    torch.manual_seed(3)
    return Learner(ConvolutionalNetwork(8, ways=2, filters=3, depth=2).double())


def gradient_of(learner: Learner, loop: InnerLoop) -> torch.Tensor:
    learner.zero_grad()
    ask(learner, random_task(torch.float64, 8), loop).loss.backward()
    return torch.cat([each.grad.flatten() for each in learner.parameters()])


def test_the_second_order_gradient_is_that_of_finite_differences(exact: Learner) -> None:
    loop = InnerLoop(steps=3, rate=0.1, second_order=True)
    gradient = gradient_of(exact, loop)
    task, step = random_task(torch.float64, 8), 1e-6
    start = [parameter.detach().clone() for parameter in exact.parameters()]
    for seed in range(8):
        generator = torch.Generator().manual_seed(seed)
        direction = [torch.randn(each.shape, generator=generator, dtype=torch.float64) for each in start]
        losses = []
        for sign in (1, -1):
            for parameter, value, way in zip(exact.parameters(), start, direction, strict=True):
                parameter.data = value + sign * step * way
            losses.append(float(ask(exact, task, loop).loss.detach()))
        slope = (losses[0] - losses[1]) / (2 * step)
        assert float(gradient @ torch.cat([way.flatten() for way in direction])) == pytest.approx(slope, rel=1e-5)


def test_first_order_leaves_out_what_second_order_has(exact: Learner) -> None:
    first = gradient_of(exact, InnerLoop(3, 0.1, second_order=False))
    second = gradient_of(exact, InnerLoop(3, 0.1, second_order=True))
    assert (first - second).abs().max() > 1e-3 * second.abs().max()
    assert torch.cosine_similarity(first, second, 0) > 0.5


def test_without_steps_both_orders_are_the_plain_gradient(exact: Learner) -> None:
    orders = [gradient_of(exact, InnerLoop(0, 0.1, second_order=second)) for second in (False, True)]
    torch.testing.assert_close(*orders)


def test_a_step_goes_down_the_gradient_of_the_support(exact: Learner) -> None:
    task = random_task(torch.float64, 8)
    fitted = fit_task(exact, task, InnerLoop(1, 0.1))
    logits, _ = logits_of(exact, exact.own_parameters(), task.support.frames, None, task.outputs)
    loss = torch.nn.functional.cross_entropy(logits, task.support.targets)  # labels have two clips each
    gradients = torch.autograd.grad(loss, list(exact.parameters()))
    for (name, value), gradient in zip(exact.named_parameters(), gradients, strict=True):
        torch.testing.assert_close(fitted.parameters[name], value - 0.1 * gradient)


def test_a_tiny_support_is_learnt_by_heart() -> None:
    learner = Learner(tiny_network(ways=4))
    support = Batch(frames_of([40] * 8), torch.arange(8) % 4)
    *losses, fitted = fit(learner, repeat(support), torch.arange(6), InnerLoop(30, 0.1))
    assert isinstance(fitted, Fitted)
    logits, _ = logits_of(learner, fitted.parameters, support.frames, fitted.statistics, torch.arange(6))
    assert (logits.argmax(-1) == support.targets).all()
    assert losses[-1] < 0.1 < losses[0]


def test_an_answer_does_not_depend_on_the_other_queries() -> None:
    learner, task = Learner(tiny_network(ways=2)), random_task()
    fitted = fit_task(learner, task, InnerLoop())

    def answer(frames: Frames) -> torch.Tensor:
        return logits_of(learner, fitted.parameters, frames, fitted.statistics, task.outputs)[0]

    frames = task.query.frames
    together = answer(frames)
    for clip, length in enumerate(frames.lengths.tolist()):
        alone = answer(Frames(frames.hidden[:, clip : clip + 1, :length], frames.lengths[clip : clip + 1]))
        torch.testing.assert_close(alone[0], together[clip], rtol=1e-4, atol=1e-4)


def test_the_order_of_the_support_changes_nothing() -> None:
    learner, task = Learner(tiny_network(ways=2)), random_task()
    order = torch.tensor([2, 0, 3, 1])
    frames = task.support.frames
    turned = Batch(Frames(frames.hidden[:, order], frames.lengths[order]), task.support.targets[order])
    first = fit_task(learner, task, InnerLoop())
    second = fit_task(learner, Task(turned, task.query, task.outputs), InnerLoop())
    for name, value in first.parameters.items():
        torch.testing.assert_close(second.parameters[name], value, rtol=1e-4, atol=1e-4)


def test_outputs_that_a_task_has_not_are_left_alone() -> None:
    learner, task = Learner(tiny_network(ways=4)), random_task()
    outputs = torch.tensor([0, 1, 4, 5])  # of emotions 2 and 3 there is nothing
    query = Batch(task.query.frames, outputs[task.query.targets])
    fitted = fit_task(learner, Task(task.support, query, outputs), InnerLoop())
    moved = (fitted.parameters["network.output.bias"] - learner.network.output.bias).abs() > 1e-6
    assert moved.tolist() == [True, True, False, False, True, True]


def test_labels_with_more_clips_do_not_outweigh_the_others() -> None:
    learner, outputs = Learner(tiny_network(ways=2)), torch.arange(4)
    frames, targets = frames_of([40, 40, 40, 40]), torch.tensor([0, 0, 0, 1])
    loss = next(fit(learner, repeat(Batch(frames, targets)), outputs, InnerLoop(1)))
    logits, _ = logits_of(learner, learner.own_parameters(), frames, None, outputs)
    losses = -logits.detach().log_softmax(-1)[range(4), targets]
    assert loss == pytest.approx(float((losses[:3].mean() + losses[3]) / 2), rel=1e-5)
    assert loss != pytest.approx(float(losses.mean()), rel=1e-3)


def test_equation_five_is_the_mean_over_the_tasks() -> None:
    learner, task, loop = Learner(tiny_network(ways=2)), random_task(), InnerLoop(2)
    meta_gradient(learner, [task], 1, loop)
    once = [parameter.grad.clone() for parameter in learner.parameters()]
    learner.zero_grad()
    before = learner.network.statistics[0].mean.clone()
    loss, accuracy = meta_gradient(learner, [task, task], 2, loop)
    for parameter, gradient in zip(learner.parameters(), once, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-6)
    assert loss == pytest.approx(float(ask(learner, task, loop).loss.detach()), rel=1e-4)
    assert 0 <= accuracy <= 1
    assert not torch.equal(learner.network.statistics[0].mean, before), "the running mean of the supports moves"
