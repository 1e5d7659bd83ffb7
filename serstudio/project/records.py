"""The rows of a project as frozen values that cross borders freely."""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class ClipSource(StrEnum):
    IMPORTED = "imported"
    RECORDED = "recorded"


@dataclass(frozen=True)
class Label:
    """One of the user's own labels. `key` is '1'..'9', '0', a letter, or '' (more than 36 labels)."""

    id: int
    name: str
    colour: str  # '#rrggbb'
    symbol: str  # told apart without colour
    key: str
    position: int


@dataclass(frozen=True)
class Clip:
    """One recording. `file` is relative to the project folder, in posix form: 'audio/<sha256>.wav'."""

    id: int
    sha256: str
    file: str
    name: str  # what the user called it: the name of the imported file
    duration_s: float
    rate_hz: int
    channels: int
    speaker: str | None
    label_id: int | None
    source: ClipSource
    added_at: datetime


@dataclass(frozen=True)
class NewClip:
    """A clip to add; its audio already lies at `file` in the project folder."""

    sha256: str
    file: str
    name: str
    duration_s: float
    rate_hz: int
    channels: int
    speaker: str | None = None
    label_id: int | None = None
    source: ClipSource = ClipSource.IMPORTED


@dataclass(frozen=True)
class ModelVersion:
    """An adapted model of this project, in `folder` ('models/0001', relative to the project folder).

    `labelling`: the fingerprint (`Project.labelling`) of what it was made of, with the speakers if these were asked;
    '' of a version from before fingerprints were kept.
    """

    number: int
    folder: str
    created_at: datetime
    base: str
    method: str
    steps: int
    learning_rate: float
    seed: int
    labels: tuple[str, ...]
    clip_count: int
    seconds: float
    final_loss: float | None
    labelling: str = ""


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def label_of(row: sqlite3.Row) -> Label:
    return Label(row["id"], row["name"], row["colour"], row["symbol"], row["key"], row["position"])


def clip_of(row: sqlite3.Row) -> Clip:
    return Clip(
        id=row["id"],
        sha256=row["sha256"],
        file=row["file"],
        name=row["name"],
        duration_s=row["duration_s"],
        rate_hz=row["rate_hz"],
        channels=row["channels"],
        speaker=row["speaker"],
        label_id=row["label_id"],
        source=ClipSource(row["source"]),
        added_at=datetime.fromisoformat(row["added_at"]),
    )
