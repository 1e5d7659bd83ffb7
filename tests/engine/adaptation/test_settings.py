"""What the user chose, and what the base recommends where he chose nothing."""

import pytest

from engine.adaptation import AdaptationSettings, resolve_settings
from engine.choices import HEADS, METHODS, Recommended
from engine.errors import LabellingError

TUNING = Recommended("pmf", 7, 3e-5, head="ridge", trained="norms", speaker_mean=True)
CLOSED = Recommended("lda", 9, 2e-5, head="logistic", trained="top-1")


def test_without_a_choice_everything_is_as_recommended() -> None:
    expected = AdaptationSettings("pmf", 7, 3e-5, head="ridge", trained="norms", speaker_mean=True)
    assert resolve_settings(TUNING) == expected
    assert resolve_settings(Recommended()) == AdaptationSettings()


def test_every_choice_wins() -> None:
    chosen = resolve_settings(
        TUNING, method="disjoint", steps=0, learning_rate=1e-3, head="lda", trained="all", speaker_mean=False, seed=5
    )
    assert chosen == AdaptationSettings("disjoint", 0, 1e-3, 5, "lda", "all")


def test_what_is_trained_brings_its_own_rate() -> None:
    recommended = Recommended(learning_rate=1e-4, trained="extractor", rates={"all": 1e-6})
    rates = [resolve_settings(recommended, trained=name).learning_rate for name in (None, "all", "lora")]
    assert rates == [1e-4, 1e-6, 1e-4]
    assert resolve_settings(recommended, trained="all", learning_rate=1e-3).learning_rate == 1e-3


@pytest.mark.parametrize(
    ("chosen", "method", "head_kind"),
    [
        ({}, "lda", "lda"),
        ({"head": "ridge"}, "ridge", "ridge"),  # the base tunes nothing, so a head is the method
        ({"steps": 3}, "disjoint", "logistic"),  # who says how to tune means to tune
        ({"trained": "all", "head": "lda"}, "disjoint", "lda"),
        ({"method": "pmf"}, "pmf", "logistic"),
        ({"method": "ridge"}, "ridge", "ridge"),
        ({"method": "ridge", "head": "ridge"}, "ridge", "ridge"),
    ],
)
def test_a_base_that_recommends_no_tuning(chosen: dict[str, object], method: str, head_kind: str) -> None:
    settings = resolve_settings(CLOSED, **chosen)
    assert (settings.method, settings.head_kind) == (method, head_kind)
    assert settings.steps == chosen.get("steps", 9)


def test_two_heads_at_once_are_refused_in_words() -> None:
    with pytest.raises(LabellingError, match="'lda' is a head by itself, and 'ridge' is another"):
        resolve_settings(TUNING, method="lda", head="ridge")


@pytest.mark.parametrize("choice", [{"steps": 500}, {"learning_rate": 1e-3}, {"trained": "norms"}])
@pytest.mark.parametrize("method", HEADS)
def test_how_to_tune_is_refused_of_a_method_that_tunes_nothing(method: str, choice: dict[str, object]) -> None:
    for recommended in (TUNING, CLOSED):
        with pytest.raises(LabellingError, match=f"'{method}' tunes nothing") as refused:
            resolve_settings(recommended, method=method, **choice)
        assert "disjoint, pmf" in refused.value.hint


@pytest.mark.parametrize("changes", [{"head": "svm"}, {"trained": "bias"}, {"method": "magic"}])
def test_unknown_names_are_refused_in_words(changes: dict[str, str]) -> None:
    with pytest.raises(LabellingError, match=f"called '{next(iter(changes.values()))}'"):
        resolve_settings(TUNING, **changes)


def test_which_methods_tune() -> None:
    assert [method for method in METHODS if not AdaptationSettings(method).tunes] == list(HEADS)
    assert not AdaptationSettings("disjoint", steps=0).tunes
