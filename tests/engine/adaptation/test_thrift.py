"""When memory is short or runs out, tuning goes on with less, tells so, and ends in the same place."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, Remark, StepTaken, adapt, thrift
from engine.adaptation import adapt as adapt_function
from engine.adaptation.clips import prepare
from engine.adaptation.thrift import LADDER, step_bytes
from engine.adaptation.tuned_copy import TunedCopy, copy_for_tuning
from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from engine.bases import Base
from engine.encoder import MOST_CLIPS_IN_BATCH, EmotionEncoder
from engine.errors import MemoryShortError
from engine.extractors import MeanFC
from tests.engine.conftest import labelled, wav2vec2_config
from tests.engine.test_out_of_memory import ALLOCATORS

SETTINGS = AdaptationSettings(steps=2, learning_rate=1e-3, precision="fp32")
NAMES = ("anger", "joy")


@pytest.fixture
def base() -> Base:
    torch.manual_seed(0)
    backbone = Wav2Vec2Backbone(wav2vec2_config(num_hidden_layers=6), (2, 6))
    return Base("tiny", EmotionEncoder(backbone, MeanFC(32, 2)), standardised=False, licence="none")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[BaseException]], list[tuple[bool, int]]]:
    """failing(errors): the first attempts end in these, after a step; (checkpointing, most clips) of every attempt."""
    module = __import__("engine.adaptation.adapt", fromlist=["adapt"])
    real, attempts = module.fine_tune, []

    def begin(errors: list[BaseException]) -> list[tuple[bool, int]]:
        left = list(errors)

        def fine_tune(tuned: TunedCopy, *rest: object, **options: object) -> Iterator[StepTaken]:
            attempts.append((tuned.encoder.backbone.checkpointing, tuned.encoder.most_clips_in_batch))
            for taken in real(tuned, *rest, **options):
                yield taken
                if left:
                    raise left.pop(0)

        monkeypatch.setattr(module, "fine_tune", fine_tune)
        return attempts

    return begin


def run(base: Base, **changes: object) -> tuple[list[object], Adapted]:
    *events, adapted = adapt(base, labelled([3, 3]), NAMES, replace(SETTINGS, **changes))
    assert isinstance(adapted, Adapted)
    return events, adapted


def said(events: list[object]) -> list[str]:
    return [event.message for event in events if isinstance(event, Remark)]


def test_the_thriftier_the_smaller_the_batches() -> None:
    assert [each.most_in_batch for each in LADDER] == [32, 16, 4, 1]


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_it_starts_again_thriftier_and_ends_in_the_same_weights(base: Base, failing: Callable, failures: int) -> None:
    _, undisturbed = run(base)
    attempts = failing(ALLOCATORS[:failures])
    events, adapted = run(base)
    assert attempts == [(each.checkpointing, each.most_in_batch) for each in LADDER[: failures + 1]]
    assert said(events) == ["Memory ran out: starting again in smaller parts, which takes longer."] * failures
    steps = [event.step for event in events if isinstance(event, StepTaken)]
    assert steps == [1] * failures + [1, 2]
    for ours, theirs in zip(adapted.encoder.parameters(), undisturbed.encoder.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=2e-4)  # Adam makes much of the last bits
    assert all(parameter.grad is None for parameter in adapted.encoder.parameters())
    assert adapted.encoder.backbone.checkpointing is False
    assert adapted.encoder.most_clips_in_batch == MOST_CLIPS_IN_BATCH


def test_at_the_end_it_says_what_to_do(base: Base, failing: Callable) -> None:
    before = {name: value.clone() for name, value in base.encoder.state_dict().items()}
    failing([MemoryError() for _ in LADDER])
    with pytest.raises(MemoryShortError, match=r"too little memory.*Close other programs, or tune less of the model"):
        run(base)
    assert all(torch.equal(value, before[name]) for name, value in base.encoder.state_dict().items())


def test_another_error_is_not_taken_for_it(base: Base, failing: Callable) -> None:
    attempts = failing([RuntimeError("a bug")])
    with pytest.raises(RuntimeError, match="a bug"):
        run(base)
    assert len(attempts) == 1


@pytest.mark.parametrize("method", ["disjoint", "logistic"])
def test_from_a_gpu_it_goes_to_the_processor(base: Base, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no GPU here, so what stands for one is a device on which every copy runs out of memory."""
    module = __import__("engine.adaptation.adapt", fromlist=["adapt"])
    gpu = torch.device("cuda")

    def without_room(name: str) -> None:
        real = getattr(module, name)

        def copy(*arguments: object) -> object:
            if gpu in arguments:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return real(*arguments)

        monkeypatch.setattr(module, name, copy)

    without_room("copy_for_tuning")
    without_room("shared_copy")
    *events, adapted = adapt_function(base, labelled([3, 3]), NAMES, replace(SETTINGS, method=method), gpu)
    assert isinstance(adapted, Adapted)
    assert said(events)[-1] == "The GPU cannot do this: starting again on the processor, which takes longer."
    assert adapted.encoder.device.type == "cpu"


# --- measured beforehand ---------------------------------------------------------------------------


def test_each_rung_takes_less_and_so_does_tuning_less(base: Base) -> None:
    needs = {}
    for trained in ("all", "lora", "top-1", "extractor"):
        tuned = copy_for_tuning(base.encoder, trained)
        clips = prepare(tuned.encoder, labelled([5, 5]))
        needs[trained] = step_bytes(tuned, clips, SETTINGS)
        assert tuned.encoder.backbone.checkpointing is False
    plain, checkpointed, fours, ones = needs["all"]
    tuned_bytes = sum(each.nbytes for each in copy_for_tuning(base.encoder, "all").parameters)
    assert plain > checkpointed > 2 * tuned_bytes, "gradients are used up one by one"
    assert plain > fours > ones > 3 * tuned_bytes
    plain, checkpointed, fours, ones = needs["lora"]
    assert plain > checkpointed > fours > ones
    assert needs["all"][0] > needs["lora"][0] > needs["top-1"][0] > needs["extractor"][0]


def test_pmf_has_each_clip_twice(base: Base) -> None:
    tuned = copy_for_tuning(base.encoder, "norms")
    clips = prepare(tuned.encoder, labelled([5, 5]))
    once, twice = (step_bytes(tuned, clips, replace(SETTINGS, method=method))[0] for method in ("disjoint", "pmf"))
    assert 1.8 * once < twice < 2.1 * once


@pytest.mark.parametrize("rung", range(4))
def test_what_is_free_decides_how_it_begins(
    base: Base, rung: int, failing: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = copy_for_tuning(base.encoder, "lora")
    needs = step_bytes(tuned, prepare(tuned.encoder, labelled([3, 3])), SETTINGS)
    monkeypatch.setattr(thrift, "free_bytes", lambda device: needs[rung] / 0.9 + 1)
    attempts = failing([])
    events, adapted = run(base, trained="lora")
    assert attempts == [(LADDER[rung].checkpointing, LADDER[rung].most_in_batch)]
    assert len(said(events)) == (1 if rung else 0)
    assert all("Memory is short (0.0 GB free)" in words for words in said(events))
    assert adapted.final_loss is not None


def test_too_little_for_the_thriftiest_is_refused_in_words(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thrift, "free_bytes", lambda device: 1000)
    running = adapt(base, labelled([3, 3]), NAMES, SETTINGS)
    with pytest.raises(MemoryShortError, match=r"0\.0 GB are free"):
        next(running)
