"""The recordings in a project's `audio/`: copying one there, whether it is whole still, and what brings it back."""

import hashlib
import os
from pathlib import Path

from engine.checksums import sha256_of
from engine.errors import AudioError, SerStudioError


def is_whole(kept: Path) -> bool:
    """Whether the file of a project's `audio/` holds what it was named for: its name is the SHA-256."""
    try:
        return sha256_of(kept) == kept.stem
    except OSError:
        return False


def copy_audio(source: Path, target: Path, sha256: str) -> None:
    """Copy `source`, whose digest was `sha256`, to `target`, through to the disk; nothing is left of a failed copy.

    Raises AudioError where `source` has changed meanwhile, OSError.
    """
    digest = hashlib.sha256()
    try:
        with source.open("rb") as reader, target.open("wb") as writer:
            while chunk := reader.read(1 << 20):
                digest.update(chunk)
                writer.write(chunk)
            writer.flush()
            os.fsync(writer.fileno())  # the row must never outlive the audio, not even in a power cut
        if digest.hexdigest() != sha256:
            raise AudioError(f"{source.name} changed while it was read.", "Import it when it is finished.")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def hint_for(error: SerStudioError, kept: Path) -> str:
    """What mends an error that was met at the recording `kept` of a project: its own hint, unless the file was lost."""
    if is_whole(kept):
        return error.hint
    return "Import the original again, or a copy of it: the clip keeps its label and speaker."
