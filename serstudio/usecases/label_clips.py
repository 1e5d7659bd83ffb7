"""Label clips by the words that a terminal has for them: names of labels, names and hashes of files."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath

from serstudio.errors import ProjectError
from serstudio.project import Clip, Project
from serstudio.project.palette import same_name

SHORTEST_HASH_PREFIX = 6


def find_clips(project: Project, patterns: Sequence[str]) -> list[Clip]:
    """The clips that any of `patterns` names, in the order of the project.

    A pattern is a file name ('a.wav', 'a', 'anger_*.wav'; a path counts by its last part), the first
    6 or more characters of the SHA-256, or the number of the clip. ProjectError for one that names none.
    """
    clips = project.clips()
    found: set[int] = set()
    for pattern in patterns:
        matching = _matching(clips, pattern)
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
    """By name first: a file may be called '12' or 'decade'."""
    name = same_name(PurePath(pattern).name)
    by_name = [
        clip for clip in clips if fnmatchcase(same_name(clip.name), name) or same_name(PurePath(clip.name).stem) == name
    ]
    if by_name:
        return by_name
    if pattern.isdecimal() and (by_number := [clip for clip in clips if clip.id == int(pattern)]):
        return by_number
    if len(pattern) >= SHORTEST_HASH_PREFIX:
        return [clip for clip in clips if clip.sha256.startswith(pattern.lower())]
    return []
