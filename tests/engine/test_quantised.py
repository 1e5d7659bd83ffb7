"""Layers in bf16 and int8 say what those in fp32 say, within what rounding costs."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import cosine_similarity

from engine import quantised
from engine.backbones import Backbone
from engine.bases import Base, load_base
from engine.encoder import EmotionEncoder
from engine.errors import DeviceError
from engine.extractors import MeanPooling
from engine.precision import available_precisions, prepare_for_classifying
from engine.quantised import Bf16Linear, Int8Linear, convert, has_int8, lighten
from engine.streaming import score_window
from tests.engine.backbones.family import KINDS, build
from tests.engine.conftest import tiny_encoder, voice
from tests.engine.test_model_folder import model_of

CPU = torch.device("cpu")
needs_int8 = pytest.mark.skipif(not has_int8(), reason="PyTorch has no int8 kernels for this processor")


def _relative_error(output: torch.Tensor, exact: torch.Tensor) -> float:
    return float((output - exact).norm() / exact.norm())


@pytest.mark.parametrize(("kind", "limit"), [(Bf16Linear, 0.006), pytest.param(Int8Linear, 0.04, marks=needs_int8)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_light_layer_is_close_to_the_exact_one(kind: type[nn.Module], limit: float, bias: bool) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(256, 512, bias=bias)
    inputs = torch.randn(2, 50, 256)
    with torch.inference_mode():
        output, exact = kind(linear)(inputs), linear(inputs)
    assert output.dtype == torch.float32
    assert output.shape == exact.shape
    assert 0 < _relative_error(output, exact) < limit


@needs_int8
def test_a_row_of_zeros_stays_one() -> None:
    linear = nn.Linear(8, 4, bias=False)
    with torch.no_grad():
        linear.weight[2] = 0
        assert not Int8Linear(linear)(torch.randn(3, 8))[:, 2].any()


@needs_int8
def test_each_row_has_a_scale_of_its_own() -> None:
    """Else a row of small weights would be rounded to nothing beside one of large ones."""
    linear = nn.Linear(64, 2, bias=False)
    with torch.no_grad():
        linear.weight[0] *= 1e-4
        inputs = torch.randn(100, 64)
        assert _relative_error(Int8Linear(linear)(inputs)[:, 0], linear(inputs)[:, 0]) < 0.05


def test_small_layers_are_left_alone() -> None:
    module = nn.Sequential(nn.Linear(16, 16), nn.Sequential(nn.Linear(16, 4)), nn.Linear(16, 64), nn.LayerNorm(64))
    lighten(module, "bf16", least_size=16)
    assert [type(each) for each in module.modules() if not isinstance(each, nn.Sequential)] == [
        Bf16Linear,
        nn.Linear,
        Bf16Linear,
        nn.LayerNorm,
    ]


@pytest.mark.parametrize("precision", ["bf16", pytest.param("int8", marks=needs_int8)])
def test_a_tiny_model_scores_nearly_the_same(tiny_base: Base, precision: str) -> None:
    exact = score_window(model_of(tiny_base), voice(5))
    model = model_of(tiny_base)
    encoder = prepare_for_classifying(copy.deepcopy(model.encoder), precision)
    light = [type(each) for each in encoder.backbone.transformer_layers.modules()]
    assert (Bf16Linear if precision == "bf16" else Int8Linear) in light
    assert nn.Linear not in light
    with torch.inference_mode():
        embedding = encoder.embed([encoder.front_end(voice(5))])
        scores = model.head.scores(embedding)[0]
    torch.testing.assert_close(scores.double(), torch.tensor(exact, dtype=torch.float64), atol=0.05, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("precision", "limit"), [("bf16", 0.01), pytest.param("int8", 0.05, marks=needs_int8)])
def test_every_kind_of_raw_model_makes_nearly_the_same_frames(kind: str, precision: str, limit: float) -> None:
    exact = build(kind)
    light = copy.deepcopy(exact)
    lighten(light.transformer_layers, precision, least_size=light.hidden_size)
    assert 0 < _error_of_frames(light, exact) < limit


def _error_of_frames(light: Backbone, exact: Backbone) -> float:
    """Of clips of different lengths in one batch, relative to what the layers change."""
    clips = [exact.front_end(torch.from_numpy(voice(seed, 0.8 + 0.05 * seed))) for seed in range(3)]
    with torch.inference_mode():
        was, now = exact.encode(clips), light.encode(clips)
    assert now.hidden.dtype == torch.float32
    return _relative_error(now.hidden[0][now.mask], was.hidden[0][was.mask])


def _labels_and_scores(encoder: EmotionEncoder, rows: torch.Tensor) -> tuple[list[int], torch.Tensor]:
    with torch.inference_mode():
        embeddings = torch.cat(
            [encoder.embed([encoder.front_end(voice(seed, 1.5, 90.0 + 12 * seed))]) for seed in range(12)]
        )
        scores = torch.softmax(10 * cosine_similarity(embeddings[:, None], rows[None], dim=-1), dim=-1)
    return scores.argmax(-1).tolist(), scores


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "tolerance"), [("bf16", 0.02), pytest.param("int8", 0.08, marks=needs_int8)])
def test_the_bundled_base_gives_the_same_labels(precision: str, tolerance: float) -> None:
    """Cosine prototypes of four voices; measured on EmoDB: at most .04 (bf16) and .14 (int8), same accuracy."""
    exact = load_base().encoder
    with torch.inference_mode():
        rows = torch.cat([exact.embed([exact.front_end(voice(50 + way, 1.5, 90.0 + 45 * way))]) for way in range(4)])
    labels, scores = _labels_and_scores(exact, rows)
    converted = prepare_for_classifying(copy.deepcopy(exact), precision)
    light_labels, light_scores = _labels_and_scores(converted, rows)
    assert len(set(labels)) > 1
    assert light_labels == labels
    assert float((light_scores - scores).abs().max()) < tolerance


@pytest.mark.parametrize("kind", ["compact", *KINDS])
def test_on_a_gpu_whole_layers_compute_in_bf16(tiny_base: Base, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The processor can do it too, more slowly, so that what a GPU would compute is tested without one."""
    exact = tiny_base.encoder
    if kind != "compact":
        backbone = build(kind)
        exact = EmotionEncoder(backbone, MeanPooling(backbone.hidden_size, len(backbone.read_layers)))
    encoder = copy.deepcopy(exact)
    with monkeypatch.context() as patch:
        patch.setattr(EmotionEncoder, "device", torch.device("cuda"))
        convert(encoder, "bf16")
        with pytest.raises(DeviceError, match="int8 is for the processor") as refused:
            convert(encoder, "int8")
        assert "--device cpu" in refused.value.hint
    layers = encoder.backbone.transformer_layers
    assert {parameter.dtype for parameter in layers.parameters()} == {torch.bfloat16}
    assert 0 < _error_of_frames(encoder.backbone, exact.backbone) < 0.03


def test_fp32_changes_nothing(tiny_base: Base) -> None:
    encoder = copy.deepcopy(tiny_base.encoder)
    before = list(encoder.modules())
    assert prepare_for_classifying(encoder, "fp32") is encoder
    assert all(was is now for was, now in zip(before, encoder.modules(), strict=True))


def test_what_cannot_be_had_is_refused_in_words(tiny_base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = copy.deepcopy(tiny_base.encoder)
    with pytest.raises(DeviceError, match="int4"):
        prepare_for_classifying(encoder, "int4")

    def no_kernel(*_: object) -> None:
        raise RuntimeError("Didn't find engine for operation quantized::linear_prepack")

    monkeypatch.setattr(torch.ops.quantized, "linear_prepack", no_kernel)
    with pytest.raises(DeviceError, match="int8 on this processor") as refused:
        convert(encoder, "int8")
    assert "fp32" in refused.value.hint
    assert "int8" not in available_precisions(CPU)
    assert available_precisions(CPU)[0] == "fp32"


@pytest.mark.parametrize(("fast", "dtype"), [(False, torch.float32), (True, torch.bfloat16)])
def test_what_was_converted_for_a_gpu_stays_in_bf16_only_where_the_processor_has_it(
    fast: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = tiny_encoder()
    exact = encoder.embed([encoder.front_end(voice(0))])
    encoder.backbone.transformer_layers.to(torch.bfloat16)  # as `convert` does on a GPU
    encoder.backbone.compute_dtype = torch.bfloat16
    monkeypatch.setattr(quantised, "has_fast_bf16", lambda device: fast)
    quantised.suit_the_processor(encoder)
    assert {each.dtype for each in encoder.backbone.transformer_layers.parameters()} == {dtype}
    torch.testing.assert_close(encoder.embed([encoder.front_end(voice(0))]), exact, atol=0.05, rtol=0.05)
