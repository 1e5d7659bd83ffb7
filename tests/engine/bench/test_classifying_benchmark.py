"""The part of the benchmark that measures classifying, whole, on a tiny base; what it times is not judged."""

import re
from pathlib import Path

import pytest
import torch

from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from engine.bases import Base
from engine.bench import __main__ as benchmark
from engine.bench import latency, subjects
from engine.encoder import EmotionEncoder
from engine.extractors import MeanPooling
from tests.engine.conftest import voice, wav2vec2_config

CPU = torch.device("cpu")


def test_clips_a_second_stand_beside_what_their_sums_allow(
    corpora_root: Path, tiny_base: Base, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subjects, "CLIP_S", 0.2)
    monkeypatch.setattr(latency, "CLIP_S", 0.2)
    monkeypatch.setattr(latency, "_REPEATS", 2)
    monkeypatch.setattr(benchmark, "make_base", lambda subject: tiny_base)
    monkeypatch.setattr(benchmark, "matrix_rate", lambda device, dtype: 1e10)
    monkeypatch.setattr(benchmark, "available_precisions", lambda device: ("fp32",))
    arguments = ["bench", "--clips", str(corpora_root), "--part", "classifying", "--subjects", "compact"]
    monkeypatch.setattr("sys.argv", [*arguments, "--device", "cpu"])
    benchmark.main()
    told = capsys.readouterr().out
    row = re.search(r"\| fp32 \| (?:\d+ / \d+ \| ){4}([\d,.]+) \| ([\d,.]+) \| (\d+)% \|", told)
    assert row
    clips_per_s, most, share = (float(cell.replace(",", "")) for cell in row.groups())
    assert share == pytest.approx(100 * clips_per_s / most, abs=1.0)
    assert "adapting to" not in told


def test_operations_are_those_of_one_clip(tiny_base: Base) -> None:
    recording = voice(0, 8.0)
    model = latency.classifier(tiny_base.encoder)
    batched = latency.in_batches(model, recording, CPU)
    layers = 2 * 150 * sum(each.numel() for each in tiny_base.encoder.backbone.layers.parameters() if each.ndim == 2)
    assert batched.clip_flops > layers  # 3 s are 150 frames, and each goes through every weight
    assert batched.clip_flops < 6 * layers


def test_operations_are_counted_in_a_network_whose_weights_are_made_of_two() -> None:
    """The positional convolution of the wav2vec 2.0 family has a direction and a length for a weight."""
    backbone = Wav2Vec2Backbone(wav2vec2_config(), (2,))
    model = latency.classifier(EmotionEncoder(backbone, MeanPooling(backbone.hidden_size, 1)))
    assert latency.in_batches(model, voice(0, 8.0), CPU).clip_flops > 0
