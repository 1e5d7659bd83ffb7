"""The SQLite file of a project: opening it safely, transactions, and errors in words."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from serstudio.errors import ProjectError
from serstudio.project import schema

FILE_NAME = "project.sqlite"
_UNFINISHED = f".{FILE_NAME}.new"
# What file managers leave in an empty folder, and what a creation that was killed leaves.
_NOBODYS = {".DS_Store", "desktop.ini", "Thumbs.db", _UNFINISHED, f"{_UNFINISHED}-journal"}
BUSY_TIMEOUT_S = 15.0  # another process may hold the file while it adds many clips


class Database:
    """One connection, used by the thread that made it (sqlite3 itself refuses any other)."""

    def __init__(self, path: Path) -> None:
        """Open an existing file and migrate it. ProjectError: not ours, newer, damaged, unwritable."""
        self.path = path
        self._closed = False
        with in_words(path):
            self._connection = _connect(path, mode="rw")
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        check_identity(self._connection, self.path.parent)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # FULL: an action that was committed survives a power cut, too; it costs a few ms.
        self._connection.execute("PRAGMA synchronous = FULL")
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version < len(schema.MIGRATIONS):
            self._keep_a_copy(version)
            schema.migrate(self._connection, schema.MIGRATIONS)
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._writes_elsewhere = self._data_version()

    def _keep_a_copy(self, version: int) -> None:
        copy = self.path.with_name(f"{self.path.name}.schema{version}.bak")
        with closing(sqlite3.connect(copy)) as target:
            self._connection.backup(target)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside are committed together, or none is. Does not nest."""
        self._check_open()
        with in_words(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                # Undo restores rows in reverse, so a reference may point nowhere until the end.
                self._connection.execute("PRAGMA defer_foreign_keys = ON")
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        self._check_open()
        with in_words(self.path):
            return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, *values: Any) -> sqlite3.Row | None:
        self._check_open()
        with in_words(self.path):
            found: sqlite3.Row | None = self._connection.execute(statement, values).fetchone()
            return found

    def execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run one statement inside a transaction; returns the id of the row it inserted."""
        return self._connection.execute(statement, values).lastrowid or 0

    def changed_elsewhere(self) -> bool:
        """Whether another connection has written since this was last asked, or since the file was opened."""
        if self._closed:
            return False
        with in_words(self.path):
            before, self._writes_elsewhere = self._writes_elsewhere, self._data_version()
        return self._writes_elsewhere != before

    def _data_version(self) -> int:
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def check_folder(self) -> None:
        """ProjectError where the folder is no longer there: the connection does not mind, but no path leads there."""
        if self._closed:
            return
        try:
            self.path.stat()
        except OSError as error:
            raise ProjectError(
                f"The folder of this project can no longer be found at {self.path.parent}.",
                "Put it back there, or close the project and open it from where it is now.",
            ) from error

    def _check_open(self) -> None:
        if self._closed:
            raise ProjectError(f"The project {self.path.parent.name} is closed.", "Open it again.")

    def close(self) -> None:
        """Fold the write-ahead log into the file, so that the folder can be copied at once."""
        if self._closed:
            return
        self._closed = True
        if self._connection.in_transaction:
            self._connection.rollback()
        try:
            self._connection.execute("PRAGMA busy_timeout = 0")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.DatabaseError:
            pass  # another process still reads (the last to close folds the log), or the file is damaged
        finally:
            self._connection.close()


def find_folder(given: Path) -> Path:
    """The folder of the project at `given`, which may be the file inside. ProjectError: none there, or none of ours."""
    try:
        folder = given.parent if given.name == FILE_NAME and given.is_file() else given
        there, ours = folder.exists(), (folder / FILE_NAME).is_file()
    except OSError as error:
        raise ProjectError(
            f"{given} cannot be opened ({error.strerror}).",
            "Change its permissions and those of the folders that it lies in, or choose another.",
        ) from error
    if not there:
        raise ProjectError(f"There is no folder {folder}.", "Check the path; it may have been moved.")
    if not ours:
        raise ProjectError(
            f"{folder} is not a SER Studio project.",
            "Choose a folder with a project.sqlite in it, or make a new project.",
        )
    return folder


def make_empty_folder(folder: Path) -> None:
    """Make the folder of a new project; one that holds anything of the user's is refused."""
    if folder.exists() and not folder.is_dir():
        raise ProjectError(f"{folder} is a file.", "Choose a new folder for the project.")
    if (folder / FILE_NAME).exists():
        raise ProjectError(f"There is a project in {folder} already.", "Open it, or choose another folder.")
    if folder.exists() and any(path.name not in _NOBODYS for path in folder.iterdir()):
        raise ProjectError(f"{folder} is not empty.", "Choose a new or an empty folder for the project.")
    folder.mkdir(parents=True, exist_ok=True)


def create_database(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    """A project file at `path` with the rows that `fill` writes; it appears whole or not at all."""
    unfinished = path.with_name(_UNFINISHED)
    unfinished.unlink(missing_ok=True)
    with in_words(path):
        with closing(_connect(unfinished, mode="rwc")) as connection:
            schema.migrate(connection, schema.MIGRATIONS)
            connection.execute("BEGIN")
            fill(connection)
            connection.execute("COMMIT")
        unfinished.replace(path)


def check_identity(connection: sqlite3.Connection, folder: Path) -> None:
    application_id: int = connection.execute("PRAGMA application_id").fetchone()[0]
    if application_id != schema.APPLICATION_ID:
        raise ProjectError(
            f"{folder.name} is not a SER Studio project.", "Its project.sqlite was made by another program."
        )
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(schema.MIGRATIONS):
        raise ProjectError(
            f"{folder.name} was made by a newer SER Studio (schema {version}; "
            f"this one reads up to {len(schema.MIGRATIONS)}).",
            "Update SER Studio to open it.",
        )


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
    )
    connection.row_factory = sqlite3.Row
    return connection


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into a cause and a mend."""
    folder = path.parent
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _operational(error, folder) from error
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise  # a bug of ours, not the user's to mend
        raise ProjectError(
            f"The project file of {folder.name} is damaged ({error}).",
            "Restore project.sqlite from a backup; the recordings in audio/ are intact.",
        ) from error
    except OSError as error:
        raise ProjectError(
            f"{folder} cannot be written ({error.strerror}).",
            "Choose a folder of yours on a disk with room, or change its permissions.",
        ) from error


def _operational(error: sqlite3.OperationalError, folder: Path) -> Exception:
    text = str(error)
    if "locked" in text or "busy" in text:
        return ProjectError(
            f"{folder.name} is in use by another program for too long.",
            "Wait until it has finished, or close it, and try again.",
        )
    if "readonly" in text or "unable to open" in text:
        return ProjectError(
            f"{folder.name} cannot be written.",
            "Copy the project to a folder of yours, or change its permissions.",
        )
    if "full" in text or "disk I/O" in text:
        return ProjectError(
            f"The disk that holds {folder.name} is full or fails ({text}).",
            "Free some room; everything done so far is kept.",
        )
    return error
