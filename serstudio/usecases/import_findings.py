"""What an import has come to so far, and what is said of it in the end."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.audio.decode import MAX_CLIP_S, MOST_WINDOWS_PER_CLIP
from serstudio.project import NewClip
from serstudio.usecases.requests import Skipped
from serstudio.wording import counted


@dataclass(frozen=True)
class Source:
    """One file to bring in, and what the manifest says of it."""

    file: Path
    label: str | None = None
    speaker: str | None = None


@dataclass
class Findings:
    """What an import has come to so far; nothing is in the project before its end."""

    staging: Path
    new: list[tuple[NewClip, str | None]] = field(default_factory=list)  # with the name of the label
    completed: dict[int, Source] = field(default_factory=dict)  # clips of the project that lacked something
    restored: dict[int, str] = field(default_factory=dict)  # those that lacked their audio, with their names
    skipped: list[Skipped] = field(default_factory=list)
    hashes: dict[str, Source] = field(default_factory=dict)  # of this batch
    long: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    overscaled: list[str] = field(default_factory=list)
    other_types: Counter[str] = field(default_factory=Counter)


def notes(findings: Findings) -> Iterator[str]:
    """What the user should know of it, a sentence each."""
    if findings.long:
        yield (
            f"{_named(findings.long)} longer than {MAX_CLIP_S:.1f} s: will be split into windows of "
            f"{MAX_CLIP_S:.1f} s. Classifying hears all of them, adapting at most {MOST_WINDOWS_PER_CLIP} of a clip, "
            "spread over it."
        )
    if findings.silent:
        yield f"{_named(findings.silent)} silent: listen before labelling."
    if findings.restored:
        names = list(findings.restored.values())
        are = "is" if len(names) == 1 else "are"
        yield f"{counted(len(names), 'lost recording')} of the project {are} restored: {_first_of(names)}."
    if findings.overscaled:
        yield (
            f"{_named(findings.overscaled)} scaled wrongly, far beyond -1 to 1, and the answers will be wrong: "
            "save as 16-bit or between -1 and 1, and import again."
        )
    if findings.completed:
        yield f"{counted(len(findings.completed), 'clip')} of the project got what was missing from the manifest."
    if findings.other_types:
        types = ", ".join(f"{count} {suffix}" for suffix, count in sorted(findings.other_types.items()))
        yield f"Files of other types in the folders were left alone: {types}."


def _named(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} is"
    return f"{len(names)} clips ({_first_of(names)}) are"


def _first_of(names: Sequence[str]) -> str:
    return f"{', '.join(names[:3])}{', ...' if len(names) > 3 else ''}"
