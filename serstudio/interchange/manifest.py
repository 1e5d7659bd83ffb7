"""CSV manifests: a table `file,label,speaker[,...]` that says what was felt, and by whom, in which file."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Literal

from engine.errors import ManifestError

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class ManifestRow:
    """`file` is absolute; it may not exist. `label` and `speaker` are None where the cell is empty."""

    file: Path
    label: str | None
    speaker: str | None = None


@dataclass(frozen=True)
class Manifest:
    path: Path
    rows: tuple[ManifestRow, ...]


def read_manifest(path: Path, root: Path | None = None) -> Manifest:
    """Read a manifest; relative files are found in `root`, or in the manifest's own folder.

    The columns `file` and `label` must be there, `speaker` may be; others are ignored. Comma,
    semicolon or tab; UTF-8, or the UTF-16 that spreadsheets call "Unicode text".
    ManifestError: no such file, not text, a column that is missing, a row without a file, no rows.
    """
    path = Path(path).expanduser()
    root = (path.parent if root is None else Path(root).expanduser()).absolute()
    if not root.is_dir():
        raise ManifestError(f"There is no folder {root}.", "Check the folder that the files are relative to.")
    lines = _table(path)
    header = [" ".join(cell.split()).casefold() for cell in lines[0][1]] if lines else []
    for column in ("file", "label"):
        if column not in header:
            found = ", ".join(cell for cell in header if cell) or "nothing"
            raise ManifestError(
                f"{path.name} has no column '{column}' (its first line has: {found}).",
                "The first line must name the columns: file,label,speaker.",
            )
    rows = tuple(_row(path, root, header, line, cells) for line, cells in lines[1:])
    if not rows:
        raise ManifestError(f"{path.name} has no rows below its first line.", "Add a row for each clip.")
    return Manifest(path, rows)


def write_manifest(path: Path, rows: Iterable[ManifestRow]) -> None:
    """Write `file,label,speaker`; files inside the manifest's folder are written relative to it."""
    path = Path(path).expanduser().absolute()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "label", "speaker"])
    for row in rows:
        file = row.file.absolute()
        shown = file.relative_to(path.parent) if file.is_relative_to(path.parent) else file
        writer.writerow([shown.as_posix(), row.label or "", row.speaker or ""])
    unfinished = path.with_name(f".{path.name}.new")
    try:
        unfinished.write_text(text.getvalue(), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise ManifestError(f"{path} could not be written ({error.strerror}).", "Choose a folder of yours.") from error


def _table(path: Path) -> list[tuple[int, list[str]]]:
    """The lines that are not blank, each with its number in the file, cut at the delimiter."""
    lines = list(io.StringIO(_text(path), newline=""))
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    if first.strip(" \r\n").lower() in {f"sep={each}" for each in _DELIMITERS}:  # a spreadsheet's own first line
        lines[lines.index(first)] = "\n"
    try:
        return list(_records(lines, delimiter))
    except csv.Error as error:
        if delimiter != "\t":
            raise ManifestError(
                f"{path.name} is not a table: {error}.", "Close that quotation mark, or save it again as CSV."
            ) from error
    try:  # many programs write quotation marks in tables with tabs as they are: transcripts have single ones
        return list(_records(lines, delimiter, csv.QUOTE_NONE))
    except csv.Error as error:
        raise ManifestError(f"{path.name} is not a table: {error}.", "Save it again as CSV.") from error


def _records(
    lines: Sequence[str], delimiter: str, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
) -> Iterator[tuple[int, list[str]]]:
    """Each record with the number of its last line. csv.Error, in words, where one cannot be cut.

    A quotation mark that is never closed would make the lines below it part of one cell: of a record over several
    lines every mark has to be in its place.
    """
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, skipinitialspace=True)
    start = 0
    try:
        for cells in reader:
            if reader.line_num > start + 1:
                record = lines[start : reader.line_num]
                next(csv.reader(record, delimiter=delimiter, skipinitialspace=True, strict=True))
            start = reader.line_num
            if any(cell.strip() for cell in cells):
                yield start, cells
    except csv.Error as error:
        raise csv.Error(f"line {start + 1} cannot be read ({error})") from error


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ManifestError(f"There is no file {path}.", "Check the path of the manifest.") from None
    except OSError as error:
        raise ManifestError(
            f"{path} could not be read ({error.strerror}).", "Check that it is a file that you may read."
        ) from error
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"{path.name} is not in UTF-8 (byte {error.start}).",
            "Save it again as 'CSV UTF-8', so that every script survives.",
        ) from error
    if "\0" in text:
        raise ManifestError(f"{path.name} is not a text file.", "Choose a CSV file.")
    return text


def _row(path: Path, root: Path, header: list[str], line: int, cells: list[str]) -> ManifestRow:
    values = dict(zip(header, (cell.strip() for cell in cells), strict=False))
    file = values.get("file", "")
    if not file:
        raise ManifestError(f"Line {line} of {path.name} names no file.", "Fill in its first column.")
    return ManifestRow(_find(root, file), values.get("label") or None, values.get("speaker") or None)


def _find(root: Path, file: str) -> Path:
    """The file as it is spelt on this disk: tables travel between systems with other slashes and accents."""
    spellings = [file, unicodedata.normalize("NFC", file), unicodedata.normalize("NFD", file)]
    if "\\" in file:
        spellings += [PureWindowsPath(spelling).as_posix() for spelling in spellings]
    for spelling in dict.fromkeys(spellings):
        try:
            if (root / spelling).exists():
                return root / spelling
        except OSError:  # a name too long or a folder that may not be entered: reported where it is opened
            break
    return root / file
