"""Frozen layers are gone through once a view, and what is tuned on them has the gradients it would have had."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from engine.adaptation import AdaptationSettings, Adapted, adapt, views
from engine.adaptation.clips import PreparedClip, prepare
from engine.adaptation.drawn import Drawn, backward
from engine.adaptation.tuned_copy import TunedCopy, copy_for_tuning
from engine.adaptation.views import LEAST_VIEWS, Views
from engine.backbones.wav2vec2 import Wav2Vec2Backbone
from engine.bases import Base
from engine.encoder import EmotionEncoder
from engine.extractors import AttentiveStatistics, GatedLinearUnit, MeanFC
from tests.engine.conftest import labelled, tiny_encoder, wav2vec2_config

SETTINGS = AdaptationSettings(precision="fp32", trained="top-1")
WINDOWS = [(0, 0), (3, 0), (1, 0), (2, 0)]


def compact() -> EmotionEncoder:
    return tiny_encoder(AttentiveStatistics)


def wav2vec2() -> EmotionEncoder:
    torch.manual_seed(0)
    return EmotionEncoder(Wav2Vec2Backbone(wav2vec2_config(), (2, 4)), GatedLinearUnit(32, 2))


def exactly(encoder: EmotionEncoder, trained: str) -> tuple[TunedCopy, list[PreparedClip]]:
    """A copy in double precision and clips for it, which have different lengths."""
    prepared = prepare(encoder, labelled([3, 3]))
    exact = [replace(clip, windows=tuple(window.double() for window in clip.windows)) for clip in prepared]
    return copy_for_tuning(encoder.double(), trained), exact


def squares(embeddings: Tensor) -> Tensor:
    return (embeddings * torch.arange(1, len(embeddings) + 1)[:, None]).square().sum()


def gradients(tuned: TunedCopy, drawn: Drawn, **how: bool) -> list[Tensor]:
    tuned.encoder.zero_grad(set_to_none=True)
    backward(drawn, squares, **how)
    found = [each.grad for each in tuned.parameters if each.grad is not None]
    assert any(bool(gradient.abs().max() > 0) for gradient in found)
    return found


def draw(tuned: TunedCopy, clips: Sequence[PreparedClip], *, kept: bool) -> Drawn:
    """The same windows under the same masks, by way of kept states or from below."""
    generator = torch.Generator().manual_seed(5)
    inputs = [clips[clip].windows[index] for clip, index in WINDOWS]
    if kept:
        tuned_views = Views(tuned, clips, SETTINGS)
        tuned_views._draw_numbers = lambda windows, _: [0] * len(windows)  # type: ignore[method-assign]
        tuned_views.draw(WINDOWS, generator)
        again = tuned_views.draw(WINDOWS, torch.Generator())
        return Drawn(tuned, inputs, None, again, "fp32")
    masks = tuned.encoder.backbone.draw_masks(inputs, SETTINGS.augment, generator)
    return Drawn(tuned, inputs, masks, None, "fp32")


@pytest.mark.parametrize("trained", ["top-1", "extractor"])
@pytest.mark.parametrize("make", [compact, wav2vec2])
def test_gradients_through_kept_states_are_those_of_the_whole(make: object, trained: str) -> None:
    tuned, clips = exactly(make(), trained)  # type: ignore[operator]
    assert tuned.depth > 0
    whole = gradients(tuned, draw(tuned, clips, kept=False))
    kept = gradients(tuned, draw(tuned, clips, kept=True))
    assert len(whole) == len(kept)
    for expected, actual in zip(whole, kept, strict=True):
        assert actual.dtype == torch.float64
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("trained", ["all", "lora", "top-1"])
@pytest.mark.parametrize("most", [1, 2, 16])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("make", [compact, wav2vec2])
def test_gradients_in_parts_and_with_layers_computed_again_are_the_same(
    make: object, checkpointing: bool, most: int, trained: str
) -> None:
    tuned, clips = exactly(make(), trained)  # type: ignore[operator]
    if trained == "lora":
        for parameter in tuned.parameters:
            torch.nn.init.normal_(parameter, std=0.1)
    drawn = draw(tuned, clips, kept=tuned.depth > 0)
    whole = gradients(tuned, drawn)
    tuned.encoder.most_clips_in_batch = most
    tuned.encoder.backbone.checkpointing = checkpointing
    parts = gradients(tuned, drawn, in_parts=True)
    assert len(whole) == len(parts)
    for expected, actual in zip(whole, parts, strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-11)


# --- keeping ---------------------------------------------------------------------------------------


def counted(tuned: TunedCopy, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many windows each later call of `lower` was for."""
    calls: list[int] = []
    lower = tuned.encoder.lower
    monkeypatch.setattr(
        tuned.encoder, "lower", lambda inputs, *rest: (calls.append(len(inputs)), lower(inputs, *rest))[1]
    )
    return calls


def prepared(trained: str = "top-1") -> tuple[TunedCopy, list[PreparedClip]]:
    encoder = compact()
    return copy_for_tuning(encoder, trained), prepare(encoder, labelled([3, 3]))


def test_frozen_layers_see_a_window_once_a_view(monkeypatch: pytest.MonkeyPatch) -> None:
    tuned, clips = prepared()
    calls = counted(tuned, monkeypatch)
    kept = Views(tuned, clips, replace(SETTINGS, views=4))
    generator = torch.Generator().manual_seed(0)
    seen = {float(kept.draw([(0, 0)], generator)[0].sum()) for _ in range(100)}
    assert calls == [1] * 4
    assert len(seen) == 4
    inputs = clips[0].windows
    clean = tuned.encoder.lower(inputs, None, tuned.depth)[0]
    assert float(clean.sum()) not in seen, "every view is masked"


def test_a_window_that_comes_twice_in_a_step_is_under_two_masks() -> None:
    tuned, clips = prepared()
    kept = Views(tuned, clips, replace(SETTINGS, views=2))
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        first, other, second = kept.draw([(0, 0), (1, 0), (0, 0)], generator)
        assert not torch.equal(first, second)
        assert first.shape != other.shape


def test_a_seed_draws_the_same_views() -> None:
    tuned, clips = prepared()
    runs = []
    for _ in range(2):
        kept, generator = Views(tuned, clips, SETTINGS), torch.Generator().manual_seed(2)
        runs.append([state for _ in range(3) for state in kept.draw(WINDOWS, generator)])
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


@pytest.mark.parametrize(("share_of_8", "count"), [(1.0, 8), (0.7, 5), (0.5, 4), (0.4, 0)])
def test_short_memory_takes_fewer_views_and_at_last_none(
    share_of_8: float, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned, clips = prepared()
    one = sum(each.nbytes for each in tuned.encoder.lower([c.windows[0] for c in clips], None, tuned.depth))
    monkeypatch.setattr(views, "free_bytes", lambda device: 2 * one * 8 * share_of_8 * 1.02)
    kept = Views(tuned, clips, SETTINGS)
    calls = counted(tuned, monkeypatch)
    generator = torch.Generator().manual_seed(0)
    for _ in range(60):
        assert len(kept.draw(WINDOWS, generator)) == 4
    assert kept.count == count
    assert sum(calls) == (4 * count if count else 4 * 60)
    assert not count or count >= LEAST_VIEWS


def test_what_is_drawn_with_nothing_kept_is_masked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "free_bytes", lambda device: 0)
    tuned, clips = prepared()
    kept, generator = Views(tuned, clips, SETTINGS), torch.Generator().manual_seed(0)
    assert len({float(kept.draw([(0, 0)], generator)[0].sum()) for _ in range(20)}) > 15


@pytest.mark.parametrize("trained", ["top-1", "extractor"])
def test_tuning_on_kept_states_learns(trained: str) -> None:
    base = Base("tiny", tiny_encoder(MeanFC), standardised=True, licence="none")
    settings = AdaptationSettings(steps=40, learning_rate=1e-3, trained=trained)
    *events, adapted = adapt(base, labelled([4, 4]), ("anger", "joy"), settings)
    assert isinstance(adapted, Adapted)
    losses = [event.loss for event in events]  # type: ignore[union-attr]
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
