"""The projects opened last, kept in the settings."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QSettings

from serstudio.project.database import FILE_NAME

_SETTING = "projects/recent"
_KEPT = 12


@dataclass(frozen=True)
class RecentProject:
    """One line of the welcome page. `opened` is an ISO time in UTC."""

    folder: str
    name: str
    language: str
    opened: str

    @property
    def missing(self) -> bool:
        try:
            return not (Path(self.folder) / FILE_NAME).is_file()
        except OSError:
            return False  # opening it tells why it cannot be

    def when(self, now: datetime | None = None) -> str:
        """ "today", "yesterday", "3 days ago" or a date."""
        opened = datetime.fromisoformat(self.opened).astimezone()
        days = ((now or datetime.now(UTC)).astimezone().date() - opened.date()).days
        if days <= 0:
            return f"today {opened:%H:%M}"
        if days == 1:
            return "yesterday"
        return f"{days} days ago" if days < 14 else f"{opened:%d %B %Y}".lstrip("0")


class RecentProjects:
    """Newest first, one entry a folder."""

    def __init__(self, settings: QSettings) -> None:
        self._settings = settings

    def all(self) -> list[RecentProject]:
        try:
            entries = json.loads(str(self._settings.value(_SETTING, "[]")))
            return [RecentProject(**entry) for entry in entries]
        except (ValueError, TypeError):
            return []  # written by another version: the list is a convenience, not data

    def add(self, folder: Path, name: str, language: str) -> None:
        opened = datetime.now(UTC).isoformat(timespec="seconds")
        entry = RecentProject(str(folder), name, language, opened)
        others = [other for other in self.all() if other.folder != entry.folder]
        self._store([entry, *others][:_KEPT])

    def remove(self, folder: str) -> None:
        self._store([entry for entry in self.all() if entry.folder != folder])

    def _store(self, entries: list[RecentProject]) -> None:
        self._settings.setValue(_SETTING, json.dumps([asdict(entry) for entry in entries]))
