import pytest

from engine.adaptation import AdaptationSettings
from engine.base_folder import Base
from engine.errors import BaseError, LabellingError
from engine.evaluation.comparison import Contender, Outcome, compare
from engine.evaluation.cross_adaptation import FoldProgress, folds_for
from tests.engine.conftest import labelled
from tests.engine.evaluation.fake_system import use_fake_systems

NAMES = ("low", "high")


def contender(base: Base, method: str) -> Contender:
    return Contender(method, lambda: (base, AdaptationSettings(method=method, steps=1)))


def outcomes(contenders: list[Contender]) -> list[Outcome]:
    clips = labelled([5, 5])
    events = list(compare(contenders, clips, NAMES, folds_for(clips, 0)))
    assert any(isinstance(event, FoldProgress) for event in events)
    return [event for event in events if isinstance(event, Outcome)]


def test_every_method_answers_the_same_clips(tiny_base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_systems(monkeypatch)
    found = outcomes([contender(tiny_base, method) for method in ("prototypes", "disjoint", "hgfm")])
    assert [each.contender.name for each in found] == ["prototypes", "disjoint", "hgfm"]
    measured = [each.measured.checked for each in found if each.measured is not None]
    assert len(measured) == 3
    assert len({each.positions for each in measured}) == 1
    assert found[0].difference is None
    for each in found[1:]:
        assert each.difference is not None
        gained = int(each.measured.checked.confusion.trace()) - int(measured[0].confusion.trace())  # type: ignore[union-attr]
        assert each.difference.value == pytest.approx(gained / 10)
        assert each.difference.low <= each.difference.value <= each.difference.high


def test_one_that_fails_does_not_lose_the_others(tiny_base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_systems(monkeypatch, broken="fmaml")

    def gone() -> tuple[Base, AdaptationSettings]:
        raise BaseError("It is not there.", "Get it.")

    found = outcomes(
        [
            contender(tiny_base, "ridge"),
            Contender("multigate", gone),
            contender(tiny_base, "fmaml"),
            contender(tiny_base, "lda"),
        ]
    )
    assert [each.measured is not None for each in found] == [True, False, False, True]
    assert isinstance(found[1].error, BaseError)
    assert isinstance(found[2].error, ModuleNotFoundError)
    assert found[3].difference is not None


def test_without_the_first_there_is_nothing_to_compare_with(tiny_base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_systems(monkeypatch, broken="hgfm")
    found = outcomes([contender(tiny_base, "hgfm"), contender(tiny_base, "lda")])
    assert found[1].measured is not None
    assert found[1].difference is None


def test_no_contender_is_refused() -> None:
    clips = labelled([2, 2])
    with pytest.raises(LabellingError, match="No method"):
        list(compare([], clips, NAMES, folds_for(clips, 0)))
