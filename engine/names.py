"""Names that people give: of labels, of speakers."""

import unicodedata
from collections.abc import Iterable


def same_name(name: str) -> str:
    """The form in which two names of labels, or of speakers, are compared: 'Joy' and 'joy ' are one.

    A keyboard or a terminal may send an accent as a letter of its own.
    """
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def first_spellings(names: Iterable[str]) -> dict[str, str]:
    """For each of `names` the spelling that comes first of those that are the same name."""
    first: dict[str, str] = {}
    return {name: first.setdefault(same_name(name), name) for name in names}
