"""What changed in a project: views are told this, never merely "refresh"."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ClipsAdded:
    ids: tuple[int, ...]


@dataclass(frozen=True)
class ClipsRemoved:
    ids: tuple[int, ...]


@dataclass(frozen=True)
class ClipsChanged:
    """Their label, speaker or name."""

    ids: tuple[int, ...]


@dataclass(frozen=True)
class LabelsChanged:
    """Labels were added, edited or removed."""


@dataclass(frozen=True)
class VersionsChanged:
    """An adapted model was added or removed."""


@dataclass(frozen=True)
class DetailsChanged:
    """The name or the language of the project."""


@dataclass(frozen=True)
class HistoryChanged:
    """What undo and redo would do."""


Change = ClipsAdded | ClipsRemoved | ClipsChanged | LabelsChanged | VersionsChanged | DetailsChanged | HistoryChanged

Image = dict[str, Any]


@dataclass(frozen=True)
class RowChange:
    """One row before and after. None: the row is not there; otherwise the columns that matter."""

    table: str
    row_id: int
    before: Image | None
    after: Image | None

    def reversed(self) -> "RowChange":
        return RowChange(self.table, self.row_id, self.after, self.before)


def describe(rows: Sequence[RowChange]) -> list[Change]:
    """What listeners are told of these row changes, `HistoryChanged` last. A clip is told of once."""
    added: dict[int, None] = {}
    removed: dict[int, None] = {}
    changed: dict[int, None] = {}
    for row in rows:
        if row.table != "clips":
            continue
        was, is_now = _shown(row.before), _shown(row.after)
        if is_now and not was:
            added[row.row_id] = None
        elif was and not is_now:
            removed[row.row_id] = None
        elif was:
            changed[row.row_id] = None
    tables = {row.table for row in rows}
    changes: list[Change] = []
    if "labels" in tables:
        changes.append(LabelsChanged())
    if "details" in tables:
        changes.append(DetailsChanged())
    gone = tuple(id_ for id_ in sorted(removed) if id_ not in added)
    if gone:
        changes.append(ClipsRemoved(gone))
    if added:
        changes.append(ClipsAdded(tuple(sorted(added))))
    still = tuple(id_ for id_ in sorted(changed) if id_ not in added and id_ not in removed)
    if still:
        changes.append(ClipsChanged(still))
    changes.append(HistoryChanged())
    return changes


def _shown(image: Image | None) -> bool:
    """Whether a clip with this image is in the list; an image without `removed` is of a shown clip."""
    return image is not None and not image.get("removed", 0)
