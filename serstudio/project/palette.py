"""Colours, shapes and keys that new labels get, and the rules that a label's look obeys.

The colours are Paul Tol's vibrant and muted sets (colour-blind safe, readable on light and dark);
the shape tells labels apart without any colour.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection

from serstudio.errors import ProjectError

COLOURS = (
    "#0077bb", "#ee7733", "#009988", "#ee3377", "#33bbee", "#cc3311",
    "#999933", "#aa4499", "#ddaa33", "#44bb66", "#7788cc", "#999999",
)  # fmt: skip
SYMBOLS = ("▲", "●", "■", "◆", "★", "✚", "▼", "⬟", "⬢", "✖", "♥", "♣")
KEYS = tuple("1234567890abcdefghijklmnopqrstuvwxyz")
MAX_NAME_LENGTH = 80


def free_look(
    taken: Collection[tuple[str, str]], colour: str | None = None, symbol: str | None = None
) -> tuple[str, str]:
    """The colour and the symbol of a new label, beside labels of the looks `taken`; what is given stays.

    Each is one that no label has. Where all are in use they come again, but not the same two together.
    """
    colours, symbols = Counter(colour for colour, _ in taken), Counter(symbol for _, symbol in taken)
    looks = [
        (each, SYMBOLS[(number + shift) % len(SYMBOLS)])
        for shift in range(len(SYMBOLS))
        for number, each in enumerate(COLOURS)
    ]
    given = [(colour or look[0], symbol or look[1]) for look in looks]
    return min(given, key=lambda look: (look in taken, colours[look[0]] + symbols[look[1]]))


def first_free_key(taken: Collection[str]) -> str:
    """The first free key, or '' when all 36 are taken: two labels must never share one."""
    return next((key for key in KEYS if key not in taken), "")


def clean_name(name: str, what: str) -> str:
    """`name` without stray spaces, in one Unicode form, so that two spellings of one word are equal."""
    cleaned = " ".join(unicodedata.normalize("NFC", name).split())
    if not cleaned:
        raise ProjectError(f"The name of a {what} is empty.", "Type at least one character.")
    if len(cleaned) > MAX_NAME_LENGTH:
        raise ProjectError(f"The name of a {what} has {len(cleaned)} characters.", f"Use at most {MAX_NAME_LENGTH}.")
    return cleaned


def clean_colour(colour: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise ProjectError(f"'{colour}' is not a colour.", "Write it as #rrggbb, such as #0077bb.")
    return colour.lower()


def clean_symbol(symbol: str) -> str:
    symbol = symbol.strip()
    if not 1 <= len(symbol) <= 8:  # one emoji can take that many code points
        raise ProjectError("The symbol of a label is one character.", f"For example {SYMBOLS[0]}.")
    return symbol


def clean_key(key: str) -> str:
    key = key.strip().lower()
    if key and key not in KEYS:
        raise ProjectError(f"'{key}' cannot be the key of a label.", "Use a digit or a letter from a to z.")
    return key
