"""A project: one folder that can be moved or zipped, in which every action is committed at once."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.names import same_name
from engine.user_path import user_path
from serstudio.errors import ProjectError
from serstudio.project import palette
from serstudio.project.changes import Change, RowChange, VersionsChanged, describe
from serstudio.project.clips import Clips
from serstudio.project.database import FILE_NAME, Database, create_database, find_folder, in_words, make_empty_folder
from serstudio.project.history import History
from serstudio.project.labels import Labels, new_images
from serstudio.project.records import Clip, Label, ModelVersion, NewClip, now_text
from serstudio.project.staging import Staging, sweep
from serstudio.project.versions import Versions

Listener = Callable[[Change], None]


class Project:
    """An open project. One thread uses it; other processes may open the same folder at the same time.

    Nothing is cached: what another process commits is seen at the next call, and `announce` tells
    the listeners of this one. All methods raise ProjectError with a cause and a mend.
    """

    def __init__(self, folder: Path) -> None:
        """Use `Project.open` or `Project.create`."""
        self.folder = folder
        self._database = Database(folder / FILE_NAME)
        self._history = History(self._database, self._committed)
        self._labels = Labels(self._database, self._history)
        self._clips = Clips(self._database, self._history, self._labels)
        self._versions = Versions(self._database, folder / "models")
        self._staging: list[Staging] = []
        self._listeners: list[Listener] = []

    # --- opening and closing -----------------------------------------------------------------------

    @classmethod
    def create(cls, folder: Path, name: str, language: str, labels: Sequence[str] = ()) -> Self:
        """Make a project in `folder`, which must be new or empty, and open it."""
        folder = user_path(folder).absolute()
        name = palette.clean_name(name, "project")
        label_rows = new_images(labels)

        def fill(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO details (id, name, language, created_at) VALUES (1, ?, ?, ?)",
                (name, language.strip(), now_text()),
            )
            for row in label_rows:
                marks = ", ".join(f":{column}" for column in row)
                connection.execute(f"INSERT INTO labels ({', '.join(row)}) VALUES ({marks})", row)

        with in_words(folder / FILE_NAME):
            make_empty_folder(folder)
            create_database(folder / FILE_NAME, fill)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the project in `folder`, and sweep what a process that died left half written."""
        folder = find_folder(user_path(folder).absolute())
        with in_words(folder / FILE_NAME):
            project = cls(folder)
            try:
                for part in (project.audio_folder, project.versions_folder):
                    part.mkdir(exist_ok=True)  # a zip tool may have left out an empty folder
                    sweep(part)
            except BaseException:
                project.close()
                raise
        return project

    def close(self) -> None:
        """Let go of the folder: it can be moved, copied or zipped. Safe to call twice."""
        for staging in self._staging:
            staging.close()
        self._staging.clear()
        self._listeners.clear()
        self._database.close()

    def check_folder(self) -> None:
        """ProjectError where the folder was moved, renamed or deleted since it was opened, or its disk taken away."""
        self._database.check_folder()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- details -----------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._detail("name")

    @property
    def language(self) -> str:
        return self._detail("language")

    def rename(self, name: str | None = None, language: str | None = None) -> None:
        """Change the name, the language or both; undoable."""
        after = {} if name is None else {"name": palette.clean_name(name, "project")}
        if language is not None:
            after["language"] = language.strip()
        with self._history.action("Change the details of the project"):
            before = {column: self._detail(column) for column in after}
            if before != after:
                self._history.update("details", 1, before, after)

    def _detail(self, column: str) -> str:
        row = self._database.row("SELECT * FROM details")
        if row is None:
            raise ProjectError(
                f"The project file of {self.folder.name} is damaged (no details).",
                "Restore it from a backup.",
            )
        return str(row[column])

    # --- labels ------------------------------------------------------------------------------------

    def labels(self) -> list[Label]:
        """In the order in which the user put them."""
        return self._labels.all()

    def label(self, label_id: int) -> Label:
        return self._labels.one(label_id)

    def find_label(self, name: str) -> Label | None:
        """The label of that name; upper and lower case and stray spaces do not matter."""
        wanted = same_name(name)
        return next((label for label in self.labels() if same_name(label.name) == wanted), None)

    def add_label(
        self, name: str, colour: str | None = None, symbol: str | None = None, key: str | None = None
    ) -> Label:
        """A new label, last in order; what is None is chosen so that it differs from the others."""
        return self._labels.add(name, colour, symbol, key)

    def edit_label(
        self,
        label_id: int,
        *,
        name: str | None = None,
        colour: str | None = None,
        symbol: str | None = None,
        key: str | None = None,
    ) -> Label:
        """Change what is not None. A name or a key that another label has is refused."""
        return self._labels.edit(label_id, name=name, colour=colour, symbol=symbol, key=key)

    def remove_label(self, label_id: int) -> None:
        """Its clips become unlabelled; undo brings both back."""
        self._labels.remove(label_id)

    def label_counts(self) -> dict[int, int]:
        """Clips per label id, in no particular order; 0 for a label without clips."""
        return self._labels.counts()

    # --- clips -------------------------------------------------------------------------------------

    @property
    def audio_folder(self) -> Path:
        return self.folder / "audio"

    def clips(self) -> list[Clip]:
        """All clips, in the order in which they were added."""
        return self._clips.all()

    def labelling(self, *, speakers: bool) -> str:
        """A fingerprint of what a model is made of: which clips have which labels, and whose voices they are if asked.

        The sound of a clip never changes, so it is not in it.
        """
        return self._clips.labelling(speakers=speakers)

    def clip(self, clip_id: int) -> Clip:
        return self._clips.one(clip_id)

    def clip_path(self, clip: Clip) -> Path:
        """Where the audio of `clip` lies now. The file is an original: it is read, never written."""
        return self.folder / clip.file

    def find_hash(self, sha256: str) -> Clip | None:
        """The clip whose audio has this SHA-256 (hexadecimal), unless it was removed."""
        return self._clips.by_hash(sha256)

    def add_clips(self, new_clips: Sequence[NewClip], description: str) -> list[Clip]:
        """Add rows for audio that lies in `audio/` already: one action, one undo step."""
        return self._clips.add(new_clips, description)

    def remove_clips(self, clip_ids: Iterable[int]) -> None:
        """Take clips out of the list. Their audio stays in the folder, so that undo works."""
        self._clips.remove(clip_ids)

    def set_label(self, clip_ids: Iterable[int], label_id: int | None) -> None:
        """Label these clips, or take their label off (None)."""
        self._clips.set_label(clip_ids, label_id)

    def set_speaker(self, clip_ids: Iterable[int], speaker: str | None) -> None:
        """Say who speaks in these clips; None or an empty name for nobody named.

        A speaker of other clips keeps the spelling that he has there; case and stray spaces make no other speaker.
        """
        self._clips.set_speaker(clip_ids, speaker)

    def rename_clip(self, clip_id: int, name: str) -> None:
        """Change the name under which a clip is listed; its file keeps its own."""
        self._clips.rename(clip_id, name)

    # --- history -----------------------------------------------------------------------------------

    @contextmanager
    def action(self, description: str) -> Iterator[None]:
        """Group what is done inside as one undo step, committed together or not at all."""
        with self._history.action(description):
            yield

    @property
    def undo_text(self) -> str | None:
        """What `undo` would take back, in words; None when there is nothing."""
        return self._history.undo_text

    @property
    def redo_text(self) -> str | None:
        return self._history.redo_text

    def undo(self) -> str | None:
        """Take the newest action back and return its description; None when there is none."""
        return self._history.undo()

    def redo(self) -> str | None:
        """Do again what was undone last and return its description; None when there is none."""
        return self._history.redo()

    # --- adapted models ----------------------------------------------------------------------------

    @property
    def versions_folder(self) -> Path:
        return self.folder / "models"

    def versions(self) -> list[ModelVersion]:
        """Oldest first."""
        return self._versions.all()

    def next_version_number(self) -> int:
        """A number that no version of this project ever had."""
        return self._versions.next_number()

    def add_version(self, version: ModelVersion) -> None:
        """List a model whose folder is in place."""
        self._versions.add(version)
        self.announce(VersionsChanged())

    def remove_version(self, number: int) -> None:
        """Delete a model, its folder too. This cannot be undone."""
        self._versions.remove(number)
        self.announce(VersionsChanged())

    def staging_folder(self) -> Path:
        """A new hidden folder in `models/`, on the same disk, to write a model in and then rename.

        It is deleted when this project is closed, or, should the process die, when it is next opened.
        """
        return self._new_staging(self.versions_folder)

    def audio_staging_folder(self) -> Path:
        """The same inside `audio/`, for recordings that are being copied."""
        return self._new_staging(self.audio_folder)

    def _new_staging(self, parent: Path) -> Path:
        with in_words(self.folder / FILE_NAME):
            staging = Staging(parent)
        self._staging.append(staging)
        return staging.folder

    # --- listeners ---------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after each commit, in this thread; the returned function ends that."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def changed_elsewhere(self) -> bool:
        """Whether another process (or another window) has written in this project since this was last asked."""
        return self._database.changed_elsewhere()

    def announce(self, change: Change) -> None:
        """Tell the listeners what another process has done to this folder."""
        for listener in [*self._listeners]:
            listener(change)

    def _committed(self, rows: Sequence[RowChange]) -> None:
        for change in describe(rows):
            self.announce(change)
