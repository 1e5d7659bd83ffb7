"""Label clips by the words that a terminal has for them: names of labels, names and hashes of files."""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from engine.checksums import sha256_of
from engine.names import same_name
from serstudio.errors import ProjectError
from serstudio.project import Clip, Project

SHORTEST_HASH_PREFIX = 6


def find_clips(project: Project, patterns: Sequence[str]) -> list[Clip]:
    """The clips that any of `patterns` names, in the order of the project.

    A pattern is a file name ('a.wav', 'a', 'anger_*.wav'), the first 6 or more characters of the SHA-256, or the
    number of the clip. Several clips of one name are all meant. A path to a file is the clip that holds the same; a
    path to nothing counts by its last part. ProjectError for a pattern that names none, for a path to nothing that
    could be one of several, and for a path to a file that only has the name of a clip.
    """
    clips = project.clips()
    found: set[int] = set()
    for pattern in patterns:
        matching = _matching(clips, pattern)
        if _has_folder(pattern):
            matching = _at_path(clips, pattern, matching)
        if not matching:
            raise ProjectError(
                f"No clip matches '{pattern}'.",
                "Give a file name (with * for any characters), the start of its hash, or its number.",
            )
        found.update(clip.id for clip in matching)
    return [clip for clip in clips if clip.id in found]


def label_clips(project: Project, clip_ids: Iterable[int], label_name: str | None) -> None:
    """Give clips the label of that name, or take their label off (None). One undo step.

    ProjectError if the project has no such label.
    """
    if label_name is None:
        project.set_label(clip_ids, None)
        return
    label = project.find_label(label_name)
    if label is None:
        known = ", ".join(label.name for label in project.labels())
        raise ProjectError(
            f"The project has no label '{label_name}'.",
            f"Its labels are: {known}." if known else "It has no labels yet; add one first.",
        )
    project.set_label(clip_ids, label.id)


def _matching(clips: Sequence[Clip], pattern: str) -> list[Clip]:
    """By name first: a file may be called '12' or 'decade'; and 'take[1].wav', which is then no pattern."""
    name = same_name(PurePath(pattern).name)
    ways: tuple[Callable[[Clip], bool], ...] = (
        lambda clip: same_name(clip.name) == name,
        lambda clip: same_name(PurePath(clip.name).stem) == name,
        lambda clip: fnmatchcase(same_name(clip.name), name),
        lambda clip: pattern.isdecimal() and clip.id == int(pattern),
        lambda clip: len(pattern) >= SHORTEST_HASH_PREFIX and clip.sha256.startswith(pattern.lower()),
    )
    by_each = ([clip for clip in clips if way(clip)] for way in ways)
    return next((named for named in by_each if named), [])


def _has_folder(pattern: str) -> bool:
    return PurePath(pattern).name != pattern


def _at_path(clips: Sequence[Clip], pattern: str, named: list[Clip]) -> list[Clip]:
    """The clips meant by a path, `named` being those that its last part alone would mean.

    The project does not keep where a recording came from, but knows it by what it holds.
    """
    name = PurePath(pattern).name
    sha256 = _hash_of(Path(pattern))
    same = [clip for clip in clips if clip.sha256 == sha256]
    if same or not named:
        return same
    numbers = ", ".join(str(clip.id) for clip in named)
    if sha256 is not None:
        raise ProjectError(
            f"{pattern} is not in the project: what is called {named[0].name} there is another recording.",
            f"Import the file first, or give the number of the clip that you mean: {numbers}.",
        )
    is_name = same_name(name) in (same_name(named[0].name), same_name(PurePath(named[0].name).stem))
    if len(named) > 1 and is_name:  # a pattern may mean several
        raise ProjectError(
            f"{len(named)} clips are called {name}, and there is no file {pattern} to tell which of them is meant.",
            f"Give the number of one: {numbers}; or {name} without the folder, for all of them.",
        )
    return named


def _hash_of(path: Path) -> str | None:
    try:
        return sha256_of(path) if path.is_file() else None
    except OSError:
        return None
