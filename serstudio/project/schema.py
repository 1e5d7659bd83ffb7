"""The tables of `project.sqlite` and the steps from each older schema to the next.

`PRAGMA user_version` is the number of migrations applied. A migration is never edited once released:
the next change of the tables is one more function at the end of `MIGRATIONS`.
"""

import sqlite3
from collections.abc import Callable, Sequence

APPLICATION_ID = 0x53455253  # "SERS": tells our file from any other SQLite file

_TABLES = (
    """CREATE TABLE details (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        name TEXT NOT NULL,
        language TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE labels (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        colour TEXT NOT NULL,
        symbol TEXT NOT NULL,
        key TEXT NOT NULL,
        position INTEGER NOT NULL
    ) STRICT""",
    # A removed clip keeps its row, so that the same file brought in again returns with its label.
    """CREATE TABLE clips (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        sha256 TEXT NOT NULL UNIQUE,
        file TEXT NOT NULL,
        name TEXT NOT NULL,
        duration_s REAL NOT NULL,
        rate_hz INTEGER NOT NULL,
        channels INTEGER NOT NULL,
        speaker TEXT,
        label_id INTEGER REFERENCES labels (id),
        source TEXT NOT NULL,
        added_at TEXT NOT NULL,
        removed INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    "CREATE INDEX clips_by_label ON clips (label_id)",
    """CREATE TABLE versions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        folder TEXT NOT NULL,
        created_at TEXT NOT NULL,
        base TEXT NOT NULL,
        method TEXT NOT NULL,
        steps INTEGER NOT NULL,
        learning_rate REAL NOT NULL,
        seed INTEGER NOT NULL,
        labels TEXT NOT NULL,
        clip_count INTEGER NOT NULL,
        seconds REAL NOT NULL,
        final_loss REAL
    ) STRICT""",
    # rows: JSON list of [table, row id, before, after]; see history.py.
    """CREATE TABLE actions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        description TEXT NOT NULL,
        done_at TEXT NOT NULL,
        rows TEXT NOT NULL,
        undone INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
)


def _create_tables(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)


def _remember_what_versions_are_made_of(connection: sqlite3.Connection) -> None:
    """See `records.ModelVersion.labelling`."""
    connection.execute("ALTER TABLE versions ADD COLUMN labelling TEXT NOT NULL DEFAULT ''")


Migration = Callable[[sqlite3.Connection], None]
MIGRATIONS: tuple[Migration, ...] = (_create_tables, _remember_what_versions_are_made_of)


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Apply the migrations that are missing, all or none, and mark the file as ours."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read inside the transaction: another process may have migrated while this one waited.
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        for migration in migrations[version:]:
            migration(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {max(version, len(migrations))}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
