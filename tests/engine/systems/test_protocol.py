"""What every published alternative goes through: choosing it, its head, its base, its encoder."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, Remark, adapt, resolve_settings
from engine.backbones.mfcc import MfccBackbone
from engine.bases import Base, base_for
from engine.choices import SYSTEMS, Recommended
from engine.encoder import EmotionEncoder
from engine.errors import LabellingError, MemoryShortError
from engine.extractors import MeanPooling
from engine.heads import last_layer
from engine.model_folder import AdaptedModel, LabelSpec, load_model, save_model
from engine.streaming import score_window
from engine.systems.catalogue import CATALOGUE
from tests.engine.conftest import labelled, voice

CLOSED = Recommended("lda", 9, 2e-5, head="logistic", trained="top-1")
FOUR = labelled([2, 2])
WEIGHT = torch.linspace(-1, 1, 80).reshape(2, 40)


def fake_adapt(
    base: Base,
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    settings: AdaptationSettings,
    device: torch.device,
) -> Iterator[Remark | Adapted]:
    assert len(clips) == 4
    assert list(labels) == ["a", "b"]
    yield Remark("heard")
    yield Adapted(base.encoder, last_layer(WEIGHT, torch.tensor([0.5, 0.0])), None, settings, 0.25)


@pytest.fixture
def mfcc_base() -> Base:
    return Base(
        "mfcc",
        EmotionEncoder(MfccBackbone(), MeanPooling(40, 1)),
        standardised=False,
        licence="none",
        recommended=Recommended("fmaml"),
    )


def test_each_has_a_name_and_settings_of_its_own() -> None:
    assert tuple(CATALOGUE) == SYSTEMS
    for name, system in CATALOGUE.items():
        settings = resolve_settings(CLOSED, method=name)
        assert (settings.method, settings.steps) == (name, system.recommended.steps)
        assert settings.learning_rate == system.recommended.learning_rate
        assert settings.trained == system.recommended.trained
        assert settings.is_system
        assert settings.tunes
        assert settings.head_kind == "linear"
        assert resolve_settings(CLOSED, method=name, steps=2, learning_rate=0.5).steps == 2


def test_a_base_of_that_system_says_how_it_is_adapted() -> None:
    own = Recommended("hgfm", 7, 3e-4)
    assert resolve_settings(own).steps == resolve_settings(own, method="hgfm").steps == 7
    assert resolve_settings(own, steps=3) == AdaptationSettings("hgfm", 3, 3e-4)
    assert resolve_settings(own, method="lda").method == "lda"


@pytest.mark.parametrize("choice", [{"head": "lda"}, {"speaker_mean": True}])
def test_what_a_system_does_not_have_is_refused_in_words(choice: dict[str, object]) -> None:
    with pytest.raises(LabellingError, match="'fmaml' has a last layer of its own"):
        resolve_settings(CLOSED, method="fmaml", **choice)


def test_each_starts_from_its_own_bundled_base_unless_another_is_named() -> None:
    assert [base_for("compact", name) for name in (None, "logistic", "hgfm", "fmaml")] == [
        "compact",
        "compact",
        "hgfm",
        "fmaml",
    ]
    assert base_for("xls-r-300m", "hgfm") == "xls-r-300m"


def test_adapting_is_the_systems_own_and_ends_the_same_way(mfcc_base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.systems.catalogue.adapt_of", lambda name: {"fmaml": fake_adapt}[name])
    heard, adapted = adapt(mfcc_base, FOUR, ("a", "b"), AdaptationSettings("fmaml"))
    assert heard == Remark("heard")
    assert isinstance(adapted, Adapted)
    assert adapted.final_loss == 0.25


def test_on_a_processor_that_is_short_of_memory_it_says_so(mfcc_base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    def hungry(*arguments: object) -> Iterator[Adapted]:
        raise MemoryError
        yield

    monkeypatch.setattr("engine.systems.catalogue.adapt_of", lambda name: hungry)
    with pytest.raises(MemoryShortError, match="too little memory"):
        list(adapt(mfcc_base, FOUR, ("a", "b"), AdaptationSettings("hgfm")))


def test_a_last_layer_is_taken_as_it_is() -> None:
    embeddings = torch.randn(3, 40, generator=torch.Generator().manual_seed(0))
    head = last_layer(WEIGHT, torch.tensor([0.5, 0.0]))
    torch.testing.assert_close(head.logits(embeddings), embeddings @ WEIGHT.T + torch.tensor([0.5, 0.0]))
    assert not torch.allclose(replace(head, plain=False).logits(embeddings), head.logits(embeddings))


def test_a_model_of_a_system_is_read_back_as_it_was(mfcc_base: Base, tmp_path: Path) -> None:
    encoder = EmotionEncoder(MfccBackbone(), MeanPooling(40, 1))
    labels = tuple(LabelSpec(name, "#aa0000", "▲", name, 2, 1) for name in ("a", "b"))
    head = last_layer(WEIGHT, torch.tensor([0.5, 0.0]))
    model = AdaptedModel(encoder, head, labels, "Ket", "mfcc", "none", standardised=False, origin={"method": "fmaml"})
    save_model(model, tmp_path, "card")
    again = load_model(tmp_path, "cpu")
    assert again.head.plain
    assert again.head.kind == "linear"
    assert score_window(again, voice(0)) == score_window(model, voice(0))


def test_another_method_on_a_systems_base_has_settings_of_its_own() -> None:
    own = Recommended("hgfm", steps=60, learning_rate=2e-4, head="linear")
    assert resolve_settings(own, method="disjoint") == AdaptationSettings()


@pytest.mark.parametrize(
    ("choice", "words"), [({"trained": "norms"}, "cannot train 'norms'"), ({"steps": 0}, "needs a step at least")]
)
def test_what_would_leave_a_system_untrained_is_refused_in_words(choice: dict[str, object], words: str) -> None:
    with pytest.raises(LabellingError, match=words):
        resolve_settings(CLOSED, method="hgfm", **choice)
