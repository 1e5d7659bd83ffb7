"""Rows of the CSV and TSV files that corpora come with."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from engine.errors import CorpusError


class _Tsv(csv.excel_tab):
    """Tabs between values, and quotation marks are marks like others (as in Common Voice's sentences)."""

    quoting = csv.QUOTE_NONE


def read_rows(path: Path, columns: tuple[str, ...], delimiter: str = ",") -> Iterator[dict[str, str]]:
    """The rows of a table with a header. Raises CorpusError if a column is not there, or it is no such text."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            dialect = _Tsv if delimiter == "\t" else csv.excel
            table = csv.DictReader(file, dialect=dialect, restval="")
            absent = [column for column in columns if column not in (table.fieldnames or ())]
            if absent:
                raise CorpusError(
                    f"{path} has no column {', '.join(absent)}.", f"It needs the columns {', '.join(columns)}."
                )
            yield from table
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path} is not a table in UTF-8.", "Unpack the corpus again.") from error
    except OSError as error:
        raise CorpusError(f"{path} could not be read ({error.strerror}).", "Check its permissions.") from error


def duration_s(path: Path, row: dict[str, str], column: str) -> float | None:
    """The number in `column`, None if it is empty. Raises CorpusError if it is no duration."""
    written = row.get(column, "").strip()
    if not written:
        return None
    try:
        number = float(written)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise CorpusError(f"{path} has the duration {written!r} in {column}.", "Write a number, or nothing.")
    return number
