"""Names that people give: of labels, of speakers."""

import unicodedata


def same_name(name: str) -> str:
    """The form in which two names of labels, or of speakers, are compared: 'Joy' and 'joy ' are one.

    A keyboard or a terminal may send an accent as a letter of its own.
    """
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()
