"""What the licence of a model's weights asks of whoever passes the model on: in plain words, for cards and screens.

An adapted model contains weights of its base, and the base's licence names those of all that it was trained on. The
words are found by the usual marks of licences, so that they hold for any base.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from serstudio.model_config import read_config

_LONGEST_NAME = 40  # letters
_NOT_COMMERCIAL = re.compile(r"\bNC\b|non-?commercial", re.IGNORECASE)
_NO_CHANGES = re.compile(r"\bND\b|no[- ]?derivatives", re.IGNORECASE)
_SHARE_ALIKE = re.compile(r"\bSA\b|\b[AL]?GPL|\bODbL\b|share[- ]?alike", re.IGNORECASE)
_RESEARCH = re.compile(r"\bresearch\b", re.IGNORECASE)
_CREDIT = re.compile(r"\bCC BY\b|attribution", re.IGNORECASE)
_NOTICE = re.compile(r"\bMIT\b|\bApache\b|\bBSD\b|\bISC\b", re.IGNORECASE)
_FREE = re.compile(r"\bCC0\b|public domain", re.IGNORECASE)
_KEPT = re.compile(r"not to be passed on|no[- ]?redistribution", re.IGNORECASE)
_NOT_STATED = re.compile(r"none stated|on request|own (public )?licence|as stated by", re.IGNORECASE)

_NO_MONEY = "Nobody may sell the model, build it into a product or a paid service, or earn money with it in another way"
_ONLY_PRIVATE = (
    f"Research, teaching and private use are fine. {_NO_MONEY}; this holds for you and for everybody who gets it from "
    "you."
)
_ONLY_RESEARCH = "Part of it was given for research: for anything else, ask its makers first."
_HEADLINES = {  # (not commercial, makers must be asked)
    (True, False): "Not for commercial use",
    (True, True): "Not for commercial use; ask before you pass it on",
    (False, True): "Ask before you pass it on",
    (False, False): "It may be passed on",
}


@dataclass(frozen=True)
class Terms:
    """`headline` has no full stop; `points` are whole sentences. `restricted`: it should be read before sending.

    `kept`: it must not be sent at all, so that nothing is said of those who get it.
    """

    headline: str
    points: tuple[str, ...]
    restricted: bool
    kept: bool = False


def terms_of(licence: str) -> Terms:
    """What `licence`, a line of text, asks. One that says nothing known must be looked up."""

    def says(pattern: re.Pattern[str]) -> bool:
        return pattern.search(licence) is not None

    if says(_KEPT):
        return _kept_terms(not_commercial=says(_NOT_COMMERCIAL), research=says(_RESEARCH))
    not_commercial, no_changes, share_alike = says(_NOT_COMMERCIAL), says(_NO_CHANGES), says(_SHARE_ALIKE)
    credit = says(_CREDIT) or says(_NOTICE)
    unclear = says(_NOT_STATED) or not (not_commercial or no_changes or share_alike or credit or says(_FREE))
    points = {
        _ONLY_PRIVATE: not_commercial,
        "Part of it may not be passed on in a changed form, and an adapted model is one: ask its makers.": no_changes,
        "Whoever passes it on, changed or not, must do so under these same terms.": share_alike,
        "Name the sources: leave the model card in the folder, for they are listed there.": credit,
        _ONLY_RESEARCH: says(_RESEARCH),
        "The terms of part of it are not known here: look them up where it comes from, or ask its makers.": unclear,
    }
    must_ask = no_changes or unclear
    restricted = not_commercial or must_ask or share_alike or says(_RESEARCH)
    held = tuple(point for point, holds in points.items() if holds)
    return Terms(_HEADLINES[(not_commercial, must_ask)], held, restricted)


def _kept_terms(*, not_commercial: bool, research: bool) -> Terms:
    """Of a licence that forbids to pass it on: what holds for the user alone."""
    points = {
        "Part of it may not be given to anybody: keep the model on your computer, or ask the makers.": True,
        f"{_NO_MONEY}.": not_commercial,
        _ONLY_RESEARCH: research,
    }
    held = tuple(point for point, holds in points.items() if holds)
    return Terms("It may not be passed on", held, restricted=True, kept=True)


def short_licence(licence: str) -> str:
    """A licence by its name, for a list; one that needs sentences by what it comes to."""
    return licence if len(licence) <= _LONGEST_NAME else terms_of(licence).headline.lower()


def base_licence(model_folder: Path) -> str:
    """The licence of the base of the model in `model_folder`, as stated; "" where there is none to read.

    Read without the engine, for the window needs it at once.
    """
    try:
        licence = read_config(model_folder).get("base_licence")
    except (OSError, ValueError):
        return ""
    return licence if isinstance(licence, str) else ""
