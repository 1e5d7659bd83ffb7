"""Find the audio files in what a user points at: files, and folders of folders."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from engine.audio.decode import AUDIO_SUFFIXES
from engine.user_path import user_path
from serstudio.usecases.requests import Skipped


@dataclass
class FoundFiles:
    """`files` has no file twice. Files given by name are there whatever their type."""

    files: list[Path] = field(default_factory=list)
    unreadable_folders: list[Skipped] = field(default_factory=list)
    other_types: Counter[str] = field(default_factory=Counter)  # suffixes of what was passed over in folders


def find_audio_files(paths: Iterable[Path]) -> FoundFiles:
    """Folders are searched to the bottom, linked ones too, in a steady order; hidden files and folders are not."""
    found = FoundFiles()
    files: dict[Path, Path] = {}
    for given in paths:
        path = user_path(given)
        for file in _in_folder(path, found) if _is_folder(path) else [path]:
            files.setdefault(real(file), file)
    found.files = list(files.values())
    return found


def real(path: Path) -> Path:
    """`path` without links; as it is where the links lead in a circle, which is told when it is read."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # RuntimeError before Python 3.13
        return path


def shown(path: Path | str) -> str:
    """A path as text that can be printed and stored; names in an old encoding lose only what is not text."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # it lies where one may not look: told when it is read as a file
        return False


def _in_folder(folder: Path, found: FoundFiles) -> list[Path]:
    def on_error(error: OSError) -> None:
        reason = f"the folder could not be read ({error.strerror})"
        found.unreadable_folders.append(Skipped(shown(error.filename), reason))

    files: list[Path] = []
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, onerror=on_error, followlinks=True):
        if (place := os.path.realpath(parent)) in seen:  # a link back into what has been searched
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            suffix = Path(name).suffix.lower()
            if suffix in AUDIO_SUFFIXES:
                files.append(Path(parent) / name)
            else:
                found.other_types[suffix or "without a suffix"] += 1
    return files
