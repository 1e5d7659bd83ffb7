"""Making a model ready to classify, also on a GPU that lacks something. No Mac runs these tests."""

from pathlib import Path

import pytest
import torch

from engine import classification
from engine.bases import Base
from engine.classification import load_to_classify
from engine.encoder import EmotionEncoder
from engine.errors import DeviceError
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

    def lacking(model: AdaptedModel, samples: object) -> tuple[float, ...]:
        raise NotImplementedError("The operator 'aten::_linalg_eigh' is not implemented for MPS. Set a variable.")

    def loading(folder: Path, device: str) -> AdaptedModel:
        model = load_model(folder, "cpu")
        moved.clear()
        return model

    monkeypatch.setattr(classification, "load_model", loading)
    monkeypatch.setattr(EmotionEncoder, "device", property(device))
    monkeypatch.setattr(AdaptedModel, "to", to)
    monkeypatch.setattr(classification, "score_window", lacking)
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
    monkeypatch.setattr(classification, "score_window", lambda model, samples: (1.0,))
    assert load_to_classify(folder, "auto", "auto").note == ""
    assert not apple_gpu
