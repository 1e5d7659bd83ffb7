import pytest

from serstudio.comparison_words import (
    base_words,
    bases_words,
    best_method,
    difference_words,
    scheme_words,
    summary,
)
from serstudio.usecases.comparison_requests import (
    ComparedMethod,
    MethodDifference,
    MethodFigures,
    ProjectCompared,
)


def figures(accuracy: float, difference: tuple[float, float, float] | None) -> MethodFigures:
    beside = MethodDifference(*difference) if difference is not None else None
    return MethodFigures(accuracy, (0.1, 0.9), accuracy, accuracy, ((1,),), 2.0, beside)


def measured(method: str, accuracy: float, difference: tuple[float, float, float] | None = None) -> ComparedMethod:
    return ComparedMethod(method, "compact", is_recommended=method == "lda", figures=figures(accuracy, difference))


def failed(method: str) -> ComparedMethod:
    return ComparedMethod(method, method, is_recommended=False, error="It is gone.", hint="Get it.")


def result(*methods: ComparedMethod, scheme: str = "speaker-folds", speakers: int = 6) -> ProjectCompared:
    return ProjectCompared(scheme, 3, ("a", "b"), 27, speakers, 0.5, methods)


MAIN = measured("lda", 0.7)
UNSURE = measured("prototypes", 0.75, (0.05, -0.08, 0.18))
BETTER = measured("disjoint", 0.85, (0.15, 0.02, 0.3))
WORSE = measured("fmaml", 0.4, (-0.3, -0.5, -0.1))


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        ((0.15, 0.02, 0.3), "15 points better (2 to 30)"),
        ((-0.3, -0.5, -0.1), "30 points worse (10 to 50)"),
        ((0.05, -0.08, 0.18), "5 points better, which may be chance (8 worse to 18 better)"),
        ((-0.01, -0.01, 0.004), "1 point worse, which may be chance (1 worse to equal)"),
        ((0.0, -0.1, 0.1), "equally often right, as far as these clips tell (10 worse to 10 better)"),
        ((0.004, 0.002, 0.006), "less than 1 point better (0 to 1)"),
        ((-0.004, -0.006, -0.002), "less than 1 point worse (0 to 1)"),
    ],
)
def test_a_difference_in_words(difference: tuple[float, float, float], words: str) -> None:
    assert difference_words(figures(0.5 + difference[0], difference)) == words


def test_the_first_has_no_difference() -> None:
    assert difference_words(figures(0.5, None)) == ""


@pytest.mark.parametrize("clips", [24, 40, 200])
def test_points_are_those_between_the_percentages_beside_them(clips: int) -> None:
    for first in range(clips + 1):
        for right in range(clips + 1):
            value = (right - first) / clips
            told = difference_words(figures(right / clips, (value, -1.0, 1.0))).split(",")[0]
            shown = int(f"{right / clips:.0%}"[:-1]) - int(f"{first / clips:.0%}"[:-1])
            assert told == (
                f"{abs(shown)} point{'s' * (abs(shown) != 1)} {'better' if shown > 0 else 'worse'}"
                if shown
                else "equally often right"
            ), (first, right)


def test_the_best_is_the_one_that_was_right_most_often() -> None:
    assert best_method((MAIN, UNSURE, BETTER, failed("hgfm"))) == "disjoint"
    assert best_method((failed("hgfm"),)) is None
    assert best_method((MAIN, measured("ridge", 0.7))) == "lda"


def test_clips_that_cannot_tell_are_said_to_be_too_few() -> None:
    words = summary(result(MAIN, UNSURE, failed("hgfm")))
    assert words.startswith("27 clips cannot tell these methods apart")
    assert "Label more clips" in words


def test_what_is_clear_is_named_and_what_is_not_too() -> None:
    words = summary(result(MAIN, UNSURE, BETTER, WORSE))
    assert "Probably better than “Linear discriminant, no tuning”: “Tune: disjoint split”." in words
    assert "Probably worse than “Linear discriminant, no tuning”: “F-MAML”." in words
    assert words.endswith("27 clips cannot tell the others from it: “Prototypes, no tuning”.")


def test_what_is_missing_is_said() -> None:
    assert summary(result(failed("hgfm"))) == "No method could be measured."
    assert "nothing to compare the others with" in summary(result(failed("hgfm"), MAIN))
    assert summary(result(MAIN, failed("hgfm"))) == "Nothing was measured beside it."


def test_how_clips_were_held_back_is_said() -> None:
    assert scheme_words(result(MAIN)).startswith("27 clips by 6 speakers in 3 parts of whole speakers")
    assert "same voices were on both sides" in scheme_words(result(MAIN, scheme="folds", speakers=0))


def test_what_they_start_from_is_named() -> None:
    own = failed("hgfm")
    assert base_words(MAIN) == "Base: Compact"
    assert base_words(own) == "Base: its own"
    assert bases_words([MAIN, UNSURE]) == "All start from the base Compact."
    assert bases_words([MAIN]) == "It starts from the base Compact."
    words = bases_words([MAIN, own])
    assert words.startswith("XLSR-HGFM starts from a base of its own, which comes with SER Studio.")
    assert words.endswith("The other starts from the base Compact.")
    words = bases_words([MAIN, UNSURE, own, failed("fmaml")])
    assert words.startswith("XLSR-HGFM and F-MAML start from bases of their own")
    assert words.endswith("The others start from the base Compact.")
    assert bases_words([own]).endswith("SER Studio.")
