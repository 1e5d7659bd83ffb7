"""CSV manifests: a table `file,label,speaker[,...]` that says what was felt, and by whom, in which file."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Literal

from engine.errors import ManifestError
from engine.user_path import user_path

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
    path = user_path(path)
    root = (path.parent if root is None else user_path(root)).absolute()
    if not root.is_dir():
        raise ManifestError(f"There is no folder {root}.", "Check the folder that the files are relative to.")
    lines = _table(path)
    header = [" ".join(cell.split()).casefold() for cell in lines[0][1]] if lines else []
    for column in ("file", "label", "speaker"):
        if header.count(column) > 1:
            raise ManifestError(
                f"{path.name} has {header.count(column)} columns '{column}'.",
                "Leave one, or give the others new names.",
            )
        if column not in header and column != "speaker":
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
    path = user_path(path).absolute()
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
    cells = [cell.strip() for cell in cells]
    if any(cells[len(header) :]):  # what stands after it would be taken for something else
        raise ManifestError(
            f"Line {line} of {path.name} has more cells than the first line has columns.",
            "Put quotation marks around a cell with a comma in it, or name all columns.",
        )
    values = dict(zip(header, cells, strict=False))
    file = values.get("file", "")
    if not file:
        raise ManifestError(f"Line {line} of {path.name} names no file.", "Fill in its first column.")
    return ManifestRow(_find(root, file), values.get("label") or None, values.get("speaker") or None)


def _find(root: Path, file: str) -> Path:
    """The file as it is spelt on this disk: tables travel between systems with other slashes and accents."""
    found = _spelt_on_disk(root, file)
    if found is None and "\\" in file:
        found = _spelt_on_disk(root, PureWindowsPath(file).as_posix())
    return found or root / file


def _spelt_on_disk(root: Path, file: str) -> Path | None:
    """Folder by folder: one may have been named on another system than the file in it."""
    place = root
    for part in Path(file).parts:
        spellings = (part, unicodedata.normalize("NFC", part), unicodedata.normalize("NFD", part))
        try:
            there = next((place / each for each in spellings if (place / each).exists()), None)
        except OSError:  # a name too long or a folder that may not be entered: reported where it is opened
            return None
        if there is None:
            return None
        place = there
    return place
