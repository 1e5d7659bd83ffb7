"""An open project as Qt sees it: its changes as signals, its clips as a list model."""

from collections.abc import Sequence
from enum import Enum
from itertools import islice

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from serstudio.project import (
    Change,
    Clip,
    ClipsAdded,
    ClipsChanged,
    ClipsRemoved,
    DetailsChanged,
    HistoryChanged,
    Label,
    LabelsChanged,
    Project,
    VersionsChanged,
)

_NO_PARENT = QModelIndex()
Index = QModelIndex | QPersistentModelIndex


class ProjectModel(QObject):
    """Owns the open project and turns what it announces into signals. GUI thread only."""

    clips_added = Signal(object)  # tuple of clip ids
    clips_removed = Signal(object)
    clips_changed = Signal(object)
    labels_changed = Signal()
    versions_changed = Signal()
    details_changed = Signal()
    history_changed = Signal()
    anything_changed = Signal()

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project = project
        self._unsubscribe = project.subscribe(self.on_change)

    def on_change(self, change: Change) -> None:
        if isinstance(change, ClipsAdded):
            self.clips_added.emit(change.ids)
        elif isinstance(change, ClipsRemoved):
            self.clips_removed.emit(change.ids)
        elif isinstance(change, ClipsChanged):
            self.clips_changed.emit(change.ids)
        elif isinstance(change, LabelsChanged):
            self.labels_changed.emit()
        elif isinstance(change, VersionsChanged):
            self.versions_changed.emit()
        elif isinstance(change, DetailsChanged):
            self.details_changed.emit()
        elif isinstance(change, HistoryChanged):
            self.history_changed.emit()
        self.anything_changed.emit()

    def close(self) -> None:
        self._unsubscribe()
        self.project.close()


class ClipFilter(Enum):
    """Which clips the list shows, beside one label's."""

    ALL = "all"
    UNLABELLED = "unlabelled"
    LABELLED = "labelled"


class ClipRole:
    """Extra roles of the clip list."""

    CLIP = Qt.ItemDataRole.UserRole
    LABEL = Qt.ItemDataRole.UserRole + 1


class ClipListModel(QAbstractListModel):
    """The clips that pass a filter and a search, in the order added.

    Rows go and come one by one when a label changes, so that a list of 10,000 keeps its place.
    """

    def __init__(self, model: ProjectModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = model.project
        self._clips: dict[int, Clip] = {}
        self._labels: dict[int, Label] = {}
        self._rows: list[int] = []
        self._row_of: dict[int, int] = {}
        self._filter: ClipFilter | int = ClipFilter.ALL
        self._search = ""
        model.clips_added.connect(self.on_clips_added)
        model.clips_removed.connect(self.on_clips_removed)
        model.clips_changed.connect(self.on_clips_changed)
        model.labels_changed.connect(self.on_labels_changed)
        self.reload()

    # --- what the views read -----------------------------------------------------------------------

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        clip = self._clips.get(self._rows[index.row()])
        if clip is None:  # one of several that go, whose row is still there
            return None
        label = self._labels.get(clip.label_id) if clip.label_id is not None else None
        if role == Qt.ItemDataRole.DisplayRole:
            return clip.name
        if role == ClipRole.CLIP:
            return clip
        if role == ClipRole.LABEL:
            return label
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            speaker = f", speaker {clip.speaker}" if clip.speaker else ""
            return f"{clip.name}, {clip.duration_s:.1f} s{speaker}, {label.name if label else 'no label'}"
        return None

    def clip_at(self, row: int) -> Clip | None:
        return self._clips.get(self._rows[row]) if 0 <= row < len(self._rows) else None

    def clip(self, clip_id: int | None) -> Clip | None:
        """The clip of that id, whatever the filter; None when it is not in the project."""
        return None if clip_id is None else self._clips.get(clip_id)

    def row_of(self, clip_id: int) -> int | None:
        """The row of a clip, None when the filter hides it."""
        return self._row_of.get(clip_id)

    def total(self) -> int:
        """All clips, whatever the filter."""
        return len(self._clips)

    def newest(self, count: int) -> list[Clip]:
        """The clips added last, the newest first, whatever the filter."""
        return list(islice(reversed(self._clips.values()), count))

    def speakers(self) -> list[str]:
        """The names of all speakers, sorted."""
        return sorted({clip.speaker for clip in self._clips.values() if clip.speaker})

    def next_unlabelled(self, after_row: int) -> int | None:
        """The row of the next clip without a label, from `after_row` round to the start again."""
        count = len(self._rows)
        for offset in range(1, count + 1):
            row = (after_row + offset) % count
            if self._clips[self._rows[row]].label_id is None:
                return row
        return None

    # --- filter ------------------------------------------------------------------------------------

    def set_filter(self, wanted: ClipFilter | int) -> None:
        """All, unlabelled, labelled, or (an int) those of one label id."""
        self._filter = wanted
        self._rebuild()

    def set_search(self, text: str) -> None:
        """Keep clips whose name or speaker holds every word of `text`."""
        self._search = text.casefold().strip()
        self._rebuild()

    def _passes(self, clip: Clip) -> bool:
        if isinstance(self._filter, ClipFilter):
            if self._filter is ClipFilter.UNLABELLED and clip.label_id is not None:
                return False
            if self._filter is ClipFilter.LABELLED and clip.label_id is None:
                return False
        elif clip.label_id != self._filter:
            return False
        if not self._search:
            return True
        text = f"{clip.name} {clip.speaker or ''}".casefold()
        return all(word in text for word in self._search.split())

    def reload(self) -> None:
        """Read everything anew."""
        self._clips = {clip.id: clip for clip in self._project.clips()}
        self._labels = {label.id: label for label in self._project.labels()}
        self._rebuild()

    def _rebuild(self) -> None:
        self.beginResetModel()
        self._rows = [clip.id for clip in self._clips.values() if self._passes(clip)]
        self._index_rows()
        self.endResetModel()

    def _index_rows(self) -> None:
        self._row_of = {clip_id: row for row, clip_id in enumerate(self._rows)}

    # --- changes -----------------------------------------------------------------------------------

    def on_clips_added(self, ids: Sequence[int]) -> None:
        if any(clip_id in self._clips for clip_id in ids) or len(ids) > 1:
            self._read_in_order(ids)
            return
        newest = self._project.clip(ids[0])
        if self._clips and newest.id < next(reversed(self._clips)):
            self._read_in_order(ids)  # undo put it back in the middle
            return
        self._clips[newest.id] = newest
        if self._passes(newest):
            row = len(self._rows)
            self.beginInsertRows(_NO_PARENT, row, row)
            self._rows.append(newest.id)
            self._row_of[newest.id] = row
            self.endInsertRows()

    def _read_in_order(self, ids: Sequence[int]) -> None:
        if ids:
            self.reload()

    def on_clips_removed(self, ids: Sequence[int]) -> None:
        for clip_id in ids:  # all of them before the first row goes: the view must not go on to one that follows
            self._clips.pop(clip_id, None)
        for clip_id in ids:
            self._hide_row(clip_id)

    def on_clips_changed(self, ids: Sequence[int]) -> None:
        if len(ids) > 200:
            self.reload()
            return
        for clip_id in ids:
            self._clips[clip_id] = clip = self._project.clip(clip_id)
            row = self._row_of.get(clip_id)
            if not self._passes(clip):
                self._hide_row(clip_id)
            elif row is None:
                self._rebuild()
            else:
                index = self.index(row)
                self.dataChanged.emit(index, index)

    def _hide_row(self, clip_id: int) -> None:
        row = self._row_of.get(clip_id)
        if row is None:
            return
        self.beginRemoveRows(_NO_PARENT, row, row)
        del self._rows[row]
        self._index_rows()
        self.endRemoveRows()

    def on_labels_changed(self) -> None:
        self._labels = {label.id: label for label in self._project.labels()}
        if isinstance(self._filter, int) and self._filter not in self._labels:
            self.set_filter(ClipFilter.ALL)
        elif self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))
