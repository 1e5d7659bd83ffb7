"""SHA-256 of files, and lists of them as `sha256sum` writes and reads."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

SUMS = "SHA256SUMS"


def sha256_of(path: Path) -> str:
    """The file's digest in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path, names: Iterable[str]) -> None:
    """Write SHA256SUMS of these files of `folder`. Raises OSError."""
    lines = "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names)
    (folder / SUMS).write_text(lines, encoding="utf-8")


def wrong_sums(folder: Path) -> list[str]:
    """Names of the files that are missing or differ from SHA256SUMS; SHA256SUMS itself where it cannot be read.

    Raises OSError of a file that is there and cannot be read.
    """
    listed = read_sums(folder)
    return [name for digest, name in listed if not _has_sum(folder / name, digest)] if listed else [SUMS]


def read_sums(folder: Path) -> list[tuple[str, str]]:
    """(digest, name) of the files that SHA256SUMS lists; nothing where it cannot be read."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    return [(line[:64], line[64:].strip()) for line in lines if line.strip()]


def _has_sum(path: Path, digest: str) -> bool:
    return path.is_file() and sha256_of(path) == digest
