"""The audio files below a folder."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from engine.audio.decode import AUDIO_SUFFIXES


def audio_files(root: Path) -> Iterator[PurePosixPath]:
    """Paths relative to `root` of every audio file, sorted within each folder; hidden ones are passed over."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        relative = PurePosixPath(Path(folder).relative_to(root).as_posix())
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES:  # noqa: PTH122
                yield relative / name
