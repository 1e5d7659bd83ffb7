"""Making a model ready to classify, also on a GPU that lacks something. No Mac runs these tests."""

from pathlib import Path

import pytest
import torch

from engine import classification, model_folder, streaming
from engine.bases import Base
from engine.classification import load_to_classify
from engine.encoder import EmotionEncoder
from engine.errors import DeviceError, MemoryShortError
from engine.model_folder import AdaptedModel, load_model, save_model
from engine.quantised import Bf16Linear
from engine.streaming import score_window
from tests.engine.conftest import voice
from tests.engine.test_model_folder import model_of


@pytest.fixture
def folder(tiny_base: Base, tmp_path: Path) -> Path:
    target = tmp_path / "model"
    target.mkdir()
    save_model(model_of(tiny_base), target, card="")
    return target


def _light_layers(model: AdaptedModel) -> int:
    return sum(isinstance(module, Bf16Linear) for module in model.encoder.modules())


def test_a_model_classifies_in_the_precision_that_was_asked_for(folder: Path) -> None:
    light, exact = load_to_classify(folder, "cpu", "bf16").model, load_to_classify(folder, "cpu", "fp32").model
    assert _light_layers(light) > 0
    assert _light_layers(exact) == 0
    assert score_window(light, voice(1)) == pytest.approx(score_window(exact, voice(1)), abs=0.05)


def test_auto_asks_the_self_benchmark(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.precision.chosen_precision", lambda encoder: "bf16")
    ready = load_to_classify(folder)
    assert _light_layers(ready.model) > 0
    assert ready.note == ""


@pytest.fixture
def apple_gpu(monkeypatch: pytest.MonkeyPatch) -> list[torch.device]:
    """A Mac whose GPU lacks an operator: the model says that it is there, and classifying raises as PyTorch does."""
    moved: list[torch.device] = []

    def device(encoder: EmotionEncoder) -> torch.device:
        return moved[-1] if moved else torch.device("mps")

    def to(model: AdaptedModel, device: torch.device) -> AdaptedModel:
        moved.append(device)
        return model

    def lacking(model: AdaptedModel, windows: object) -> list[tuple[float, ...]]:
        raise NotImplementedError("The operator 'aten::_linalg_eigh' is not implemented for MPS. Set a variable.")

    def loading(folder: Path, device: str) -> AdaptedModel:
        model = load_model(folder, "cpu")
        moved.clear()
        return model

    monkeypatch.setattr(classification, "load_model", loading)
    monkeypatch.setattr(EmotionEncoder, "device", property(device))
    monkeypatch.setattr(AdaptedModel, "to", to)
    monkeypatch.setattr(classification, "score_windows", lacking)
    return moved


def test_an_apple_gpu_that_lacks_something_makes_way_for_the_processor(
    folder: Path, apple_gpu: list[torch.device]
) -> None:
    ready = load_to_classify(folder, "auto", "fp32")
    assert apple_gpu == [torch.device("cpu")]
    assert "aten::_linalg_eigh" in ready.note
    assert "processor" in ready.note


def test_an_apple_gpu_that_was_asked_for_is_not_left_in_silence(folder: Path, apple_gpu: list[torch.device]) -> None:
    with pytest.raises(DeviceError, match="aten::_linalg_eigh") as refused:
        load_to_classify(folder, "mps", "fp32")
    assert "--device cpu" in refused.value.hint
    assert not apple_gpu


def test_an_apple_gpu_that_can_do_it_keeps_the_model(
    folder: Path, apple_gpu: list[torch.device], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classification, "score_windows", lambda model, windows: [(1.0,)])
    assert load_to_classify(folder, "auto", "auto").note == ""
    assert not apple_gpu


def test_a_gpu_whose_memory_runs_out_with_the_first_windows_makes_way_too(
    folder: Path, apple_gpu: list[torch.device], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_room(model: AdaptedModel, windows: object) -> list[tuple[float, ...]]:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(classification, "score_windows", without_room)
    ready = load_to_classify(folder, "auto", "fp32")
    assert apple_gpu == [torch.device("cpu")]
    assert ready.note == "The GPU has too little free memory for this model, so the processor classifies."
    apple_gpu.clear()
    with pytest.raises(DeviceError, match="too little free memory"):
        load_to_classify(folder, "mps", "fp32")


def test_a_model_that_does_not_fit_on_the_gpu_is_loaded_on_the_processor(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to(encoder: EmotionEncoder, device: torch.device) -> EmotionEncoder:
        if device.type == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return encoder  # loading puts it where it is

    for module in (model_folder, classification):
        monkeypatch.setattr(module, "resolve_device", lambda name="auto": torch.device("cuda"))
    monkeypatch.setattr(EmotionEncoder, "to", to)
    ready = load_to_classify(folder, "auto", "fp32")
    assert ready.model.encoder.device.type == "cpu"
    assert "too little free memory" in ready.note
    assert sum(score_window(ready.model, voice(1))) == pytest.approx(1)
    with pytest.raises(DeviceError, match="too little free memory"):
        load_to_classify(folder, "cuda", "fp32")


@pytest.mark.parametrize(("error", "shown"), [(MemoryError(), MemoryShortError), (RuntimeError("a bug"), RuntimeError)])
def test_memory_that_runs_out_under_a_window_is_told_in_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, shown: type[Exception]
) -> None:
    def failing(model: AdaptedModel, windows: object) -> list[tuple[float, ...]]:
        raise error

    monkeypatch.setattr(streaming, "score_windows", failing)
    with pytest.raises(shown):
        score_window(load_model(folder, "cpu"), voice(1))
