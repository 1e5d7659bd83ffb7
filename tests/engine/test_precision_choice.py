"""The self-benchmark: measured once, judged, kept."""

import copy
import json
import os
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from engine import precision_choice
from engine.bases import Base, load_base
from engine.encoder import EmotionEncoder
from engine.measurements import Others, cache_folder
from engine.precision_choice import PrecisionChoice, choose_precision, chosen_precision, measure


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERSTUDIO_CACHE", str(tmp_path / "cache"))
    return cache_folder()


@pytest.fixture
def encoder(tiny_base: Base, monkeypatch: pytest.MonkeyPatch) -> EmotionEncoder:
    """A tiny encoder that counts as one that is worth measuring."""
    monkeypatch.setattr(precision_choice, "_SMALL_PARAMETERS", 0)
    return copy.deepcopy(tiny_base.encoder)


def _answering(patch: pytest.MonkeyPatch, *answers: PrecisionChoice | None) -> list[EmotionEncoder]:
    """Make `measure` give these answers; returns the encoders that it was asked about."""
    asked: list[EmotionEncoder] = []

    def fake(encoder: EmotionEncoder) -> PrecisionChoice | None:
        asked.append(encoder)
        return answers[len(asked) - 1]

    patch.setattr(precision_choice, "measure", fake)
    return asked


def _quiet(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Others, "share", 0.0)


@pytest.mark.parametrize(
    ("window_ms", "errors", "choice"),
    [
        ({"fp32": 100, "bf16": 60, "int8": 30}, {"bf16": 0.004, "int8": 0.02}, "bf16"),
        ({"fp32": 100, "bf16": 400, "int8": 40}, {"bf16": 0.004, "int8": 0.03}, "int8"),
        ({"fp32": 100, "bf16": 95, "int8": 90}, {"bf16": 0.004, "int8": 0.02}, "fp32"),
        ({"fp32": 100, "bf16": 400, "int8": 40}, {"bf16": 0.004, "int8": 0.12}, "fp32"),
        ({"fp32": 100, "bf16": 400}, {"bf16": 0.004}, "fp32"),
    ],
)
def test_the_exactest_that_is_worth_it_is_taken(
    window_ms: dict[str, float], errors: dict[str, float], choice: str
) -> None:
    assert precision_choice._judge(window_ms, errors) == choice


def test_it_is_measured_on_the_own_layers_and_leaves_them_as_they_were(
    encoder: EmotionEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    _quiet(monkeypatch)
    before = [id(each) for each in encoder.modules()]
    choice = measure(encoder)
    assert choice is not None
    assert set(choice.window_ms) >= {"fp32", "bf16"}
    assert all(value > 0 for value in choice.window_ms.values())
    assert 0 < choice.errors["bf16"] < 0.05
    assert choice.speed_up == choice.window_ms["fp32"] / choice.window_ms[choice.precision]
    assert [id(each) for each in encoder.modules()] == before
    assert any(isinstance(each, nn.Linear) for each in encoder.backbone.transformer_layers.modules())


def test_it_is_measured_once_a_machine_and_architecture(
    cache: Path, encoder: EmotionEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = PrecisionChoice("int8", {"fp32": 90.0, "int8": 30.0}, {"int8": 0.01})
    asked = _answering(monkeypatch, measured, PrecisionChoice("fp32"), PrecisionChoice("bf16"))
    assert choose_precision(encoder) == measured
    assert choose_precision(encoder) == measured
    assert chosen_precision(encoder) == "int8"
    assert measured.speed_up == 3.0
    monkeypatch.setattr(torch, "get_num_threads", lambda: 99)
    assert chosen_precision(encoder) == "fp32", "other threads, other times"
    assert len(asked) == 2


def test_a_damaged_measurement_is_made_again(
    cache: Path, encoder: EmotionEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    _answering(monkeypatch, PrecisionChoice("int8"), PrecisionChoice("bf16"))
    assert chosen_precision(encoder) == "int8"
    (file,) = cache.iterdir()
    for damaged in ("", "{", "[]", '{"speed": 1}', '{"precision": "int4"}', '{"precision": "int8", "window_ms": 3}'):
        file.write_text(damaged)
        monkeypatch.undo()
        monkeypatch.setenv("SERSTUDIO_CACHE", str(cache.parent))
        monkeypatch.setattr(precision_choice, "_SMALL_PARAMETERS", 0)
        _answering(monkeypatch, PrecisionChoice("bf16"))
        assert chosen_precision(encoder) == "bf16", damaged
    assert json.loads(file.read_text())["precision"] == "bf16"


def test_of_two_processes_that_measure_at_once_both_take_the_first_answer(
    cache: Path, encoder: EmotionEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = PrecisionChoice("int8", {"fp32": 2.0, "int8": 1.0}, {"int8": 0.0})

    def while_another_finishes(encoder: EmotionEncoder) -> PrecisionChoice:
        _answering(monkeypatch, other)
        assert choose_precision(encoder) == other
        return PrecisionChoice("bf16")

    monkeypatch.setattr(precision_choice, "measure", while_another_finishes)
    assert choose_precision(encoder) == other
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("flags", [{"avx512_bf16": True}, {}])
def test_a_busy_machine_goes_by_its_flags_for_an_hour(
    cache: Path, encoder: EmotionEncoder, monkeypatch: pytest.MonkeyPatch, flags: dict[str, bool]
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags)
    monkeypatch.setattr(Others, "share", 0.9)
    assert measure(encoder) is None
    assert chosen_precision(encoder) == ("bf16" if flags else "fp32")
    asked = _answering(monkeypatch, PrecisionChoice("int8", {"fp32": 2.0, "int8": 1.0}, {"int8": 0.0}))
    assert chosen_precision(encoder) == ("bf16" if flags else "fp32")
    assert not asked
    (file,) = cache.iterdir()
    os.utime(file, (time.time() - 4000, time.time() - 4000))
    assert chosen_precision(encoder) == "int8"
    os.utime(file, (time.time() - 4000, time.time() - 4000))
    assert chosen_precision(encoder) == "int8", "what was measured does not age"
    assert len(asked) == 1


def test_where_nothing_can_be_kept_the_flags_decide(
    tmp_path: Path, encoder: EmotionEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two processes might measure differently, and give other answers to the same sound."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SERSTUDIO_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {})
    _answering(monkeypatch, PrecisionChoice("int8"))
    assert chosen_precision(encoder) == "fp32"


def test_small_encoders_are_not_measured(tiny_base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _answering(monkeypatch)
    assert choose_precision(tiny_base.encoder) == PrecisionChoice("fp32")
    assert not asked
    assert choose_precision(tiny_base.encoder).speed_up == 1.0


@pytest.mark.parametrize(
    ("kind", "large", "choice"), [("cuda", True, "bf16"), ("cuda", False, "fp32"), ("mps", True, "fp32")]
)
def test_on_a_gpu_large_encoders_take_bf16_where_it_is_fast(
    tiny_base: Base, monkeypatch: pytest.MonkeyPatch, kind: str, large: bool, choice: str
) -> None:
    monkeypatch.setattr(EmotionEncoder, "device", torch.device(kind))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(precision_choice, "_LARGE_PARAMETERS", 0 if large else 10**9)
    assert chosen_precision(tiny_base.encoder) == choice


@pytest.mark.slow
def test_the_bundled_base_is_measured(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _quiet(monkeypatch)
    choice = choose_precision(load_base().encoder)
    assert choice.precision in choice.window_ms
    assert choice.errors["bf16"] < 0.02
    assert len(list(cache.iterdir())) == 1
