"""Folders and files that are being written, and what is left of them when their writer dies.

Whatever takes time (a model, an export, copies of recordings, a recording itself) is written under a hidden
name and renamed when it is whole. A lock file beside it is held open while its writer lives: the
system lets go of the lock when the process ends, however it ends, so a lock that can be taken marks
what was left behind. (A process id in the name would not do: ids are used again, folders are moved.)
"""

import contextlib
import secrets
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

STAGING_PREFIX = ".staging-"
EXPORT_PREFIX = ".serstudio-export-"  # outside a project, in a folder of the user's: it has to say whose it is
_LOCK = ".lock"


class WriterLock:
    """Held from construction to `release`. `taken` is False where another living writer holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = path.open("ab")
        self.taken = _try_lock(self._file)
        if not self.taken:
            self._file.close()
            self._file = None

    def release(self) -> None:
        if self._file is None:
            return
        if sys.platform != "win32":  # before the lock goes, or the next writer's file would be deleted
            self._path.unlink(missing_ok=True)
        self._file.close()
        self._file = None
        if sys.platform == "win32":  # there, an open file cannot be deleted, nor one that somebody has opened
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def lock_path(of: Path) -> Path:
    return of.with_name(f"{of.name}{_LOCK}")


class Staging:
    """A hidden folder inside `parent` for things half written; gone, with its lock, after `close`."""

    def __init__(self, parent: Path, prefix: str = STAGING_PREFIX) -> None:
        self.folder = parent / f"{prefix}{secrets.token_hex(6)}"
        self._lock = WriterLock(lock_path(self.folder))
        self.folder.mkdir()

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()


def sweep(parent: Path) -> None:
    """Delete the staging folders in `parent`, a folder of a project, whose writers are gone, and locks that guard
    nothing."""
    _sweep(parent.glob(f"{STAGING_PREFIX}*"), parent.glob(f".*{_LOCK}"))


def sweep_exports(parent: Path) -> None:
    """The same for exports into `parent`, which is the user's: nothing else in it is touched.

    What may not be deleted, as another user's is, stays.
    """
    with contextlib.suppress(OSError):
        _sweep(parent.glob(f"{EXPORT_PREFIX}*"), parent.glob(f"{EXPORT_PREFIX}*{_LOCK}"))


def _sweep(folders: Iterable[Path], locks: Iterable[Path]) -> None:
    leftovers = {path for path in folders if path.is_dir()}
    unguarding = {path.with_name(path.name.removesuffix(_LOCK)) for path in locks}
    for leftover in leftovers | {path for path in unguarding if not path.exists()}:
        lock = WriterLock(lock_path(leftover))
        if lock.taken:
            shutil.rmtree(leftover, ignore_errors=True)
            lock.release()


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: BinaryIO) -> bool:
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
