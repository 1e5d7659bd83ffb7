"""Reading the files of installed bases again, and comparing checksums."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.checksums import SUMS, read_sums, sha256_of
from engine.store.steps import Step


@dataclass(frozen=True)
class Checked:
    """`wrong`: files that are missing or differ."""

    wrong: tuple[str, ...]


def check(folder: Path) -> Iterator[Step | Checked]:
    """A step a file, last what was found."""
    listed = read_sums(folder)
    if not listed:
        yield Checked((SUMS,))
        return
    sizes = {name: (folder / name).stat().st_size if (folder / name).is_file() else 0 for _, name in listed}
    total, done, wrong = sum(sizes.values()), 0, []
    for digest, name in listed:
        yield Step("Reading", done, total)
        if not (folder / name).is_file() or sha256_of(folder / name) != digest:
            wrong.append(name)
        done += sizes[name]
    yield Checked(tuple(wrong))
