"""The scheme and the numbers of a check, in plain words. No Qt."""

from serstudio.gui.steps import Age
from serstudio.method_words import HEAD_TITLES, method_title
from serstudio.usecases.requests import CheckReport
from serstudio.wording import counted, in_words

_FEW_SPEAKERS = 5  # with fewer, the interval is mostly of how little one knows of the differences between speakers


def scheme_words(report: CheckReport) -> str:
    """What was done, so that the number can be trusted for what it is."""
    what = f"Answers were found by {HEAD_TITLES[report.head].lower()}."
    if report.adaptation_s is not None:
        what = (
            f"For each part the model was made anew without it, as your version is ({method_title(report.method)}; "
            f"about {in_words(max(1.0, report.adaptation_s))} each). Your version has heard more clips, so it may do a "
            "little better."
        )
    if report.scheme == "leave-one-speaker-out":
        return (
            f"Each of the {report.speaker_count} speakers was held back in turn: examples came from the others, and "
            f"the one who had not been heard was asked. That is what to expect of a new speaker. {what}"
        )
    if report.scheme == "speaker-folds":
        return (
            f"The {report.speaker_count} speakers were shared out among {report.fold_count} parts; each part was held "
            f"back in turn, and voices that had not been heard were asked. That is what to expect of a new speaker. "
            f"{what}"
        )
    return (
        f"The clips were cut into {report.fold_count} parts; each part was held back in turn and asked about. The "
        f"same voices were on both sides. {what}"
    )


def age_words(age: Age) -> tuple[str, str]:
    """Why a result is not of today, and what to do about it."""
    if age is Age.OTHER_VERSION:
        return "Your newest version is not the one that this check is about.", "Check again to measure the newest."
    if age is Age.VERSION_GONE:
        return "The version that this check is about is deleted.", "Check again to measure what adapting gives now."
    return "Clips or labels have changed since this check.", "Check again to be up to date."


def interval_words(report: CheckReport) -> str:
    """What the interval is of, and what would narrow it."""
    low, high = report.interval
    clips, between = counted(report.clip_count, "clip"), f"lies between {low:.0%} and {high:.0%} (95%)"
    if report.scheme == "folds":
        return f"With {clips}, the accuracy on more clips by the same voices {between}."
    few = " Few speakers tell little of others: record more of them." if report.speaker_count < _FEW_SPEAKERS else ""
    return f"With {clips} of {counted(report.speaker_count, 'speaker')}, the accuracy on new speakers {between}.{few}"


def verdict(report: CheckReport) -> str:
    """One sentence on whether it is better than guessing, as far as these clips can tell."""
    low, high = report.interval
    if low > report.chance:
        return f"Better than guessing, which gives {report.chance:.0%}."
    if high < report.chance:
        return f"Worse than guessing, which gives {report.chance:.0%}: look for clips with the wrong label."
    return f"Not yet surely better than guessing, which gives {report.chance:.0%}: label more clips."


def further_words(report: CheckReport) -> str:
    return (
        f"Every label weighted the same: {report.unweighted_accuracy:.0%} (unweighted accuracy). "
        f"Macro F1: {report.macro_f1:.2f}."
    )
