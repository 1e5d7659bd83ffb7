"""Unlimited undo and redo, kept in the project file, so that they outlive the program.

An action is the list of rows that it touched, before and after, written in the same transaction as
the rows themselves. Undo writes the images back in reverse; a new action drops what was undone.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from serstudio.project.changes import Image, RowChange
from serstudio.project.database import Database
from serstudio.project.records import now_text


class History:
    """Writes rows through `insert`, `update` and `delete`, and remembers their images."""

    def __init__(self, database: Database, on_commit: Callable[[Sequence[RowChange]], None]) -> None:
        self._database = database
        self._on_commit = on_commit
        self._open_rows: list[RowChange] | None = None

    @contextmanager
    def action(self, description: str) -> Iterator[None]:
        """Everything written inside is one transaction and one undo step. An inner action joins the outer.

        An action that touched no row leaves the history, and what can be redone, as it is.
        """
        if self._open_rows is not None:
            yield
            return
        rows: list[RowChange] = []
        self._open_rows = rows
        try:
            with self._database.transaction():
                yield
                if rows:
                    self._database.execute("DELETE FROM actions WHERE undone = 1")
                    self._database.execute(
                        "INSERT INTO actions (description, done_at, rows) VALUES (?, ?, ?)",
                        (description, now_text(), _to_json(rows)),
                    )
        finally:
            self._open_rows = None
        if rows:
            self._on_commit(rows)

    def insert(self, table: str, image: Image) -> int:
        row_id = _insert(self._database, table, image)
        self._remember(RowChange(table, row_id, None, {**image, "id": row_id}))
        return row_id

    def update(self, table: str, row_id: int, before: Image, after: Image) -> None:
        """Write `after` (columns and values) to a row whose same columns held `before`."""
        _update(self._database, table, row_id, after)
        self._remember(RowChange(table, row_id, before, after))

    def delete(self, table: str, row_id: int, before: Image) -> None:
        self._database.execute(f"DELETE FROM {table} WHERE id = ?", (row_id,))
        self._remember(RowChange(table, row_id, before, None))

    def _remember(self, row: RowChange) -> None:
        if self._open_rows is None:
            raise RuntimeError("rows are written inside an action only")
        self._open_rows.append(row)

    # --- undo and redo -----------------------------------------------------------------------------

    @property
    def undo_text(self) -> str | None:
        return self._description(_NEXT_UNDO)

    @property
    def redo_text(self) -> str | None:
        return self._description(_NEXT_REDO)

    def _description(self, statement: str) -> str | None:
        found = self._database.row(statement)
        return None if found is None else str(found["description"])

    def undo(self) -> str | None:
        """Take the newest action back; None when there is none."""
        return self._step(_NEXT_UNDO, undone=1)

    def redo(self) -> str | None:
        """Do the last undone action again; None when there is none."""
        return self._step(_NEXT_REDO, undone=0)

    def _step(self, statement: str, undone: int) -> str | None:
        with self._database.transaction():
            found = self._database.row(statement)
            if found is None:
                return None
            rows = _from_json(found["rows"])
            if undone:
                rows = tuple(row.reversed() for row in reversed(rows))
            for row in rows:
                _apply(self._database, row)
            self._database.execute("UPDATE actions SET undone = ? WHERE id = ?", (undone, found["id"]))
        self._on_commit(rows)
        return str(found["description"])


_NEXT_UNDO = "SELECT * FROM actions WHERE undone = 0 ORDER BY id DESC LIMIT 1"
_NEXT_REDO = "SELECT * FROM actions WHERE undone = 1 ORDER BY id LIMIT 1"


def _apply(database: Database, row: RowChange) -> None:
    if row.after is None:
        database.execute(f"DELETE FROM {row.table} WHERE id = ?", (row.row_id,))
    elif row.before is None:
        _insert(database, row.table, row.after)
    else:
        _update(database, row.table, row.row_id, row.after)


def _insert(database: Database, table: str, image: Image) -> int:
    columns = ", ".join(image)
    marks = ", ".join("?" * len(image))
    return database.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(image.values()))


def _update(database: Database, table: str, row_id: int, image: Image) -> None:
    columns = ", ".join(f"{column} = ?" for column in image)
    database.execute(f"UPDATE {table} SET {columns} WHERE id = ?", (*image.values(), row_id))


def _to_json(rows: Sequence[RowChange]) -> str:
    images = [[row.table, row.row_id, row.before, row.after] for row in rows]
    return json.dumps(images, ensure_ascii=False, separators=(",", ":"))


def _from_json(text: str) -> tuple[RowChange, ...]:
    images: list[list[Any]] = json.loads(text)
    return tuple(RowChange(*image) for image in images)
