"""Recorded steps do what steps that are told one by one do.

What a graph does is seen on a GPU only (`needs_gpu`); else it is faked by one that runs the step when it is played.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, Remark, StepTaken, adapt, fine_tuning
from engine.adaptation import recorded as recorded_module
from engine.adaptation.clips import PreparedClip, prepare
from engine.adaptation.optimiser import Optimiser
from engine.adaptation.recorded import RecordedSteps, StaticStep, can_record, nothing_recorded
from engine.backbones import Frames
from engine.bases import Base, load_base
from engine.encoder import EmotionEncoder
from engine.extractors import AttentiveStatistics, Extractor, MeanPooling
from tests.engine.conftest import labelled, tiny_encoder, voice

GPU = torch.device("cuda")
SETTINGS = AdaptationSettings(steps=8, learning_rate=1e-3, precision="fp32", views=3)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


class FakeGraph:
    """`replay` runs what ran while it was recorded, which then did nothing."""

    made: ClassVar[list["FakeGraph"]] = []
    recording: ClassVar["FakeGraph | None"] = None

    def __init__(self) -> None:
        self.steps: list[StaticStep] = []
        self.played = 0
        FakeGraph.made.append(self)

    def replay(self) -> None:
        self.played += 1
        for step in self.steps:
            step.run()


class FakeStream:
    def wait_stream(self, _: object) -> None: ...


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> list[FakeGraph]:
    """RecordedSteps on the processor, with fake graphs; those that were made."""
    run = StaticStep.run

    def run_or_record(step: StaticStep) -> None:
        if FakeGraph.recording is None:
            run(step)
        else:
            FakeGraph.recording.steps.append(step)

    @contextmanager
    def graph(made: FakeGraph, **_: object) -> Iterator[None]:
        FakeGraph.recording = made
        try:
            yield
        finally:
            FakeGraph.recording = None

    FakeGraph.made.clear()
    monkeypatch.setattr(StaticStep, "run", run_or_record)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", FakeGraph)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: 0)
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", lambda _: None)
    monkeypatch.setattr(recorded_module, "_stream", FakeStream)
    monkeypatch.setattr(recorded_module, "_REFUSED", [])
    monkeypatch.setattr(torch.cuda, "current_stream", FakeStream)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "set_stream", lambda _: None)
    monkeypatch.setattr(fine_tuning, "can_record", lambda *_: True)
    return FakeGraph.made


def run(base: Base, clips: list[LabelledClip], settings: AdaptationSettings) -> tuple[list[float], Adapted]:
    *events, adapted = adapt(base, clips, ("anger", "joy"), settings)
    assert isinstance(adapted, Adapted)
    return [event.loss for event in events if isinstance(event, StepTaken)], adapted


def assert_close(recorded: Adapted, expected: Adapted, base: Base) -> None:
    """Where both have moved the weights is nearly one place, measured by how far it is from the base's."""
    one, other, start = (
        torch.cat([each.detach().flatten() for each in encoder.parameters()])
        for encoder in (recorded.encoder, expected.encoder, base.encoder)
    )
    assert float((one - other).norm()) < 0.03 * float((other - start).norm())


def base_with(extractor: Any) -> Base:
    return Base("tiny", tiny_encoder(extractor), standardised=False, licence="none")


@pytest.mark.parametrize(
    "changes",
    [{}, {"method": "pmf"}, {"trained": "top-1"}, {"trained": "extractor"}, {"trained": "lora"}, {"trained": "norms"}],
    ids=str,
)
def test_they_learn_the_same(faked: list[FakeGraph], monkeypatch: pytest.MonkeyPatch, changes: dict[str, str]) -> None:
    base, settings = base_with(AttentiveStatistics), replace(SETTINGS, **changes)  # type: ignore[arg-type]
    clips = labelled([4, 3])  # of different lengths: padded, and masked each on its own
    losses, recorded = run(base, clips, settings)
    assert [graph.played for graph in faked] == [settings.steps - recorded_module._WARM_UP_STEPS]
    monkeypatch.undo()
    expected_losses, expected = run(base, clips, settings)
    assert losses == pytest.approx(expected_losses, rel=1e-4)
    assert len(set(losses)) == settings.steps
    assert_close(recorded, expected, base)


class StopsShort:
    """Once it is told to, the optimiser fails where gradients are there and no step is taken yet."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        self._monkeypatch = monkeypatch
        self._error = error

    @contextmanager
    def graph(self, *_: object, **__: object) -> Iterator[None]:
        """In place of a recording."""
        with self._monkeypatch.context() as inside:
            inside.setattr(Optimiser, "step", self._fail)
            yield

    def set_sync_debug_mode(self, mode: object) -> None:
        """In place of PyTorch's: what waits for the GPU fails."""
        self._monkeypatch.setattr(Optimiser, "step", self._fail if mode == "error" else STEP)

    def _fail(self, *_: object) -> None:
        raise self._error


STEP = Optimiser.step


@pytest.mark.parametrize("where", ["set_sync_debug_mode", "graph"])
@pytest.mark.parametrize(
    "error", [RuntimeError("called a synchronizing CUDA operation"), torch.OutOfMemoryError("CUDA out of memory.")]
)
def test_what_cannot_be_recorded_is_told_step_by_step(
    faked: list[FakeGraph], monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    base, clips = base_with(AttentiveStatistics), labelled([3, 3])
    monkeypatch.setattr(torch.cuda, where, getattr(StopsShort(monkeypatch, error), where))
    ran_out = isinstance(error, MemoryError | torch.OutOfMemoryError)
    events = list(adapt(base, clips, ("anger", "joy"), SETTINGS))
    losses = [event.loss for event in events if isinstance(event, StepTaken)]
    remarks = [event.message for event in events if isinstance(event, Remark)]
    assert sum(graph.played for graph in faked) == 0
    assert len(faked) == (where == "graph"), "it is tried once, and not where a step waits for the GPU"
    if where == "graph":
        assert can_record(prepared([3, 3]), SETTINGS, GPU) is ran_out, "after a refusal, not in this process again"
    if where == "set_sync_debug_mode" and ran_out:
        assert any("starting again in smaller parts" in remark for remark in remarks), "a step itself does not fit"
        return
    assert remarks == []
    monkeypatch.undo()
    assert losses == pytest.approx(run(base, clips, SETTINGS)[0], rel=1e-4)


def prepared(counts: list[int], windows: int = 1) -> list[PreparedClip]:
    clips = prepare(tiny_encoder(), labelled(counts))
    return [replace(clip, windows=clip.windows * windows, durations=clip.durations * windows) for clip in clips]


@pytest.mark.parametrize(
    ("clips", "steps", "device", "can"),
    [
        (prepared([5, 2]), 25, GPU, True),
        (prepared([5, 2]), 25, torch.device("cpu"), False),
        (prepared([5, 2]), 4, GPU, False),
        (prepared([6, 2]), 25, GPU, False),
        (prepared([5, 2], windows=2), 25, GPU, False),
    ],
    ids=["alike", "no GPU", "few steps", "other clips in each step", "other windows in each step"],
)
def test_only_steps_that_are_alike_are_recorded(
    clips: list[PreparedClip], steps: int, device: torch.device, *, can: bool
) -> None:
    settings = AdaptationSettings(steps=steps)
    assert can_record(clips, settings, device) is can
    with nothing_recorded():
        assert not can_record(clips, settings, device)


# --- on a GPU --------------------------------------------------------------------------------------


class Waits(Extractor):
    """An extractor that asks the GPU for a number, which cannot be recorded."""

    kind = "waits"

    def __init__(self, hidden_size: int, layers: int) -> None:
        super().__init__(hidden_size, layers)
        self.pooling = AttentiveStatistics(hidden_size, layers)
        self.embedding_size = self.pooling.embedding_size

    def forward(self, frames: Frames) -> torch.Tensor:
        assert float(frames.hidden.detach().sum()) != 0.0
        embedding: torch.Tensor = self.pooling(frames)
        return embedding


def on_gpu(encoder: EmotionEncoder) -> Base:
    return Base("tiny", encoder.to(GPU), standardised=isinstance(encoder.extractor, MeanPooling), licence="none")


@needs_gpu
@pytest.mark.parametrize("trained", ["all", "lora", "norms", "extractor", "projection"])
@pytest.mark.parametrize("method", ["disjoint", "pmf"])
def test_a_graph_learns_what_its_steps_do(trained: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    base = load_base()
    base.encoder.to(GPU)
    recordings: list[RecordedSteps] = []
    monkeypatch.setattr(
        fine_tuning, "RecordedSteps", lambda *rest: recordings.append(RecordedSteps(*rest)) or recordings[-1]
    )
    settings = replace(SETTINGS, method=method, trained=trained, learning_rate=1e-5)
    clips = [LabelledClip((voice(n, 1.0 + 0.1 * (n % 4), 110.0 * 1.5 ** (n % 2)),), n % 2) for n in range(8)]
    losses, recorded = run(base, clips, settings)
    assert recordings[0]._graph is not None
    with nothing_recorded():
        expected_losses, expected = run(base, clips, settings)
    assert losses == pytest.approx(expected_losses, rel=2e-3)
    if trained == "projection":
        torch.testing.assert_close(recorded.head.projection, expected.head.projection, rtol=1e-3, atol=1e-5)
    else:
        assert_close(recorded, expected, base)


@needs_gpu
def test_a_model_that_cannot_be_recorded_is_tuned_all_the_same_and_others_are_recorded_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    losses, _ = run(on_gpu(tiny_encoder(Waits)), labelled([4, 3]), SETTINGS)
    made: list[object] = []
    graph = torch.cuda.CUDAGraph
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: made.append(1) or graph())
    expected, _ = run(on_gpu(tiny_encoder(AttentiveStatistics)), labelled([4, 3]), SETTINGS)
    assert losses == pytest.approx(expected, rel=1e-2)
    assert len(made) == 1
    assert recorded_module._REFUSED == []
    assert torch.randn(4, device=GPU).isfinite().all()
