"""The adapted models of a project, numbered in the order in which they were made."""

import contextlib
import json
import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from serstudio.errors import ProjectError
from serstudio.project.database import Database
from serstudio.project.kept_bases import drop_unneeded_bases
from serstudio.project.records import ModelVersion
from serstudio.project.staging import Staging


class Versions:
    """Not in the undo history: a model is made from labels, and can be made again."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self.folder = folder

    def all(self) -> list[ModelVersion]:
        return [
            ModelVersion(
                **{
                    **dict(row),
                    "labels": tuple(json.loads(row["labels"])),
                    "created_at": datetime.fromisoformat(row["created_at"]),
                }
            )
            for row in self._database.rows("SELECT * FROM versions ORDER BY number")
        ]

    def next_number(self) -> int:
        """A number that was never used, not even by a version removed since or a folder without a row."""
        self._database.check_folder()
        row = self._database.row("SELECT seq FROM sqlite_sequence WHERE name = 'versions'")
        folders = [int(path.name) for path in self.folder.glob("*") if re.fullmatch(r"\d{4,}", path.name)]
        return max([row["seq"] if row else 0, *folders]) + 1

    def add(self, version: ModelVersion) -> None:
        with self._database.transaction():
            if self._database.row("SELECT 1 FROM versions WHERE number = ?", version.number):
                raise ProjectError(f"There is a version {version.number} already.", "Adapt once more.")
            values = {
                **asdict(version),
                "labels": json.dumps(version.labels, ensure_ascii=False),
                "created_at": version.created_at.isoformat(timespec="milliseconds"),
            }
            marks = ", ".join("?" * len(values))
            self._database.execute(
                f"INSERT INTO versions ({', '.join(values)}) VALUES ({marks})", tuple(values.values())
            )

    def remove(self, number: int) -> None:
        """Remove the row and the folder, and the base that it alone needed. The number is not used again."""
        version = next((version for version in self.all() if version.number == number), None)
        if version is None:
            raise ProjectError(f"There is no version {number}.", "Choose one of those that are listed.")
        self._database.check_folder()
        with self._database.transaction():
            self._database.execute("DELETE FROM versions WHERE number = ?", (number,))
        # Renamed first: a kill while it is deleted leaves a staging folder, not half a model.
        staging = Staging(self.folder)
        with contextlib.suppress(FileNotFoundError):
            (self.folder / Path(version.folder).name).rename(staging.folder / "removed")
        staging.close()
        with contextlib.suppress(OSError):  # the version is gone, as was asked; its base can go with the next one
            drop_unneeded_bases(self.folder.parent)
