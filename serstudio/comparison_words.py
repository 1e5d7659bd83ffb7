"""What a comparison of methods means, in plain words: for the window and the terminal."""

from collections.abc import Sequence

from serstudio.base_titles import base_title
from serstudio.method_words import method_title
from serstudio.usecases.comparison_requests import ComparedMethod, MethodFigures, ProjectCompared
from serstudio.wording import counted, listed

BRACKETS = "In brackets: where the true difference probably lies (about 95%), in points."


def best_method(methods: Sequence[ComparedMethod]) -> str | None:
    """The one that was right most often, the earlier of two that were as often; None if none was measured."""
    measured = [(each.figures.accuracy, each.method) for each in methods if each.figures is not None]
    highest = max((accuracy for accuracy, _ in measured), default=None)
    return next((method for accuracy, method in measured if accuracy == highest), None)


def difference_words(figures: MethodFigures) -> str:
    """ "7 points better (2 to 12)", and whether that may be chance; "" where there is no difference to tell.

    The points are those between the two percentages as they are shown, which are rounded.
    """
    difference = figures.difference
    if difference is None:
        return ""
    first = figures.accuracy - difference.value
    points, low, high = (
        _percent(figures.accuracy) - _percent(first),
        _percent(difference.low),
        _percent(difference.high),
    )
    value = f"{counted(abs(points), 'point')} {_side(points)}"
    if not difference.is_sure:
        words = f"{value}, which may be chance" if points else "equally often right, as far as these clips tell"
        return f"{words} ({_signed(low)} to {_signed(high)})"
    near, far = sorted((abs(low), abs(high)))
    return f"{value if points else f'less than 1 point {_side(difference.value)}'} ({near} to {far})"


def _percent(fraction: float) -> int:
    return round(100 * round(fraction, 9))  # a subtraction may leave half a percent a little off, and round it away


def _side(points: float) -> str:
    return "better" if points > 0 else "worse"


def _signed(points: int) -> str:
    return f"{abs(points)} {_side(points)}" if points else "equal"


def base_words(compared: ComparedMethod) -> str:
    """What a method started from: a line."""
    if _has_own_base(compared):
        return "Base: its own"
    return f"Base: {base_title(compared.base)}"


def bases_words(methods: Sequence[ComparedMethod]) -> str:
    """What they all started from: one or two sentences."""
    own = [method_title(each.method) for each in methods if _has_own_base(each)]
    others = [each for each in methods if not _has_own_base(each)]
    shared = dict.fromkeys(base_title(each.base) for each in others)
    sentences = []
    if own:
        one = len(own) == 1
        start = "starts from a base of its own, which comes" if one else "start from bases of their own, which come"
        sentences.append(f"{listed(own)} {start} with SER Studio.")
    if shared:
        they = ("The other" if own else "It") if len(others) == 1 else "The others" if own else "All"
        start = "starts" if len(others) == 1 else "start"
        sentences.append(f"{they} {start} from the base {listed(list(shared))}.")
    return " ".join(sentences)


def _has_own_base(compared: ComparedMethod) -> bool:
    return compared.base == compared.method


def scheme_words(compared: ProjectCompared) -> str:
    """How the clips were held back."""
    parts = f"{compared.fold_count} parts"
    if compared.scheme == "folds":
        return (
            f"{counted(compared.clip_count, 'clip')} in {parts}, each held back in turn. The same voices were on both "
            "sides, so expect less of a new speaker."
        )
    return (
        f"{counted(compared.clip_count, 'clip')} by {counted(compared.speaker_count, 'speaker')} in {parts} of whole "
        "speakers, each held back in turn: that is about what to expect of a new speaker."
    )


def summary(compared: ProjectCompared) -> str:
    """What can be said of the methods, and what not, with so many clips."""
    measured = [each for each in compared.methods if each.figures is not None]
    if not measured:
        return "No method could be measured."
    main = compared.methods[0]
    if main.figures is None:
        return f"{_titled(main.method)} could not be measured, so there is nothing to compare the others with."
    if len(measured) == 1:
        return "Nothing was measured beside it."
    better, worse, unsure = _sorted_out(measured[1:])
    beside = f"{counted(compared.clip_count, 'clip')} cannot tell"
    if not better and not worse:
        return (
            f"{beside} these methods apart: each difference may be chance, for it reaches from worse to better. "
            "Label more clips to tell them apart."
        )
    sentences = [
        f"Probably {word} than {_titled(main.method)}: {', '.join(names)}."
        for word, names in (("better", better), ("worse", worse))
        if names
    ]
    if unsure:
        sentences.append(f"{beside} the others from it: {', '.join(unsure)}.")
    return " ".join(sentences)


def _sorted_out(others: Sequence[ComparedMethod]) -> tuple[list[str], list[str], list[str]]:
    """Titles of those that are clearly better, clearly worse, and neither."""
    better: list[str] = []
    worse: list[str] = []
    unsure: list[str] = []
    for each in others:
        difference = each.figures.difference if each.figures is not None else None
        if difference is None or not difference.is_sure:
            unsure.append(_titled(each.method))
        else:
            (better if difference.value > 0 else worse).append(_titled(each.method))
    return better, worse, unsure


def _titled(method: str) -> str:
    return f"“{method_title(method)}”"
