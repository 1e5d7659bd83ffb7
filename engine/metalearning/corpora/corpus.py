"""What a reader gives: the clips of one corpus, with labels in one vocabulary."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CorpusClip:
    """One file. `label` is an emotion of `emotions.EMOTIONS`; `accent` is a language-accent pair ("en: Scottish").

    What the corpus does not tell is None. `path` is absolute if the corpus's folder was.
    """

    path: Path
    label: str | None
    speaker: str | None
    accent: str | None
    duration_s: float


@dataclass(frozen=True)
class Corpus:
    """The clips of a corpus in the order of their paths, and how many files were left out, and why.

    language: BCP 47, "mul" where there are many. too_long: over the longest duration asked for. missing: named in
    the corpus's own tables, not in the folder. unreadable: no audio header, or under 0.1 s. unlabelled: not one of
    our emotions (the annotators did not agree, or it is a manner of speaking such as whispering).
    """

    name: str
    language: str
    clips: tuple[CorpusClip, ...]
    too_long: int
    missing: int = 0
    unreadable: int = 0
    unlabelled: int = 0


@dataclass(frozen=True)
class FoundClip:
    """A file that a layout recognises. `duration_s` is None where only the audio header tells."""

    path: Path
    label: str | None = None
    speaker: str | None = None
    accent: str | None = None
    duration_s: float | None = None


@dataclass(frozen=True)
class Findings:
    """What a layout recognised in a folder."""

    clips: tuple[FoundClip, ...]
    missing: int = 0
    unlabelled: int = 0
