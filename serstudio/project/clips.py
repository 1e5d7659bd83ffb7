"""The clips of a project: rows here, audio in `audio/`, named by its SHA-256 and never changed."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Sequence

from engine.names import same_name
from serstudio.errors import ProjectError
from serstudio.project.changes import Image
from serstudio.project.database import Database
from serstudio.project.history import History
from serstudio.project.labels import Labels
from serstudio.project.records import Clip, NewClip, clip_of, now_text

_THESE = "id IN (SELECT value FROM json_each(?)) AND removed = 0"


class Clips:
    """What is changed is read once more within the action: only there can no other process change it."""

    def __init__(self, database: Database, history: History, labels: Labels) -> None:
        self._database = database
        self._history = history
        self._labels = labels

    def all(self) -> list[Clip]:
        rows = self._database.rows("SELECT * FROM clips WHERE removed = 0 ORDER BY id")
        return [clip_of(row) for row in rows]

    def labelling(self, *, speakers: bool) -> str:
        """SHA-256 (hexadecimal) of id, name of the label and, if asked, speaker of each labelled clip, by id."""
        rows = self._database.rows(
            "SELECT clips.id, labels.name, clips.speaker FROM clips JOIN labels ON labels.id = clips.label_id "
            "WHERE clips.removed = 0 ORDER BY clips.id"
        )
        told = [(row["id"], row["name"], row["speaker"] if speakers else None) for row in rows]
        return hashlib.sha256(json.dumps([speakers, told]).encode()).hexdigest()

    def one(self, clip_id: int) -> Clip:
        row = self._database.row("SELECT * FROM clips WHERE id = ? AND removed = 0", clip_id)
        if row is None:
            raise ProjectError(f"Clip {clip_id} is not in the project.", "It may have been removed.")
        return clip_of(row)

    def by_hash(self, sha256: str) -> Clip | None:
        row = self._database.row("SELECT * FROM clips WHERE sha256 = ? AND removed = 0", sha256)
        return None if row is None else clip_of(row)

    def add(self, new_clips: Sequence[NewClip], description: str) -> list[Clip]:
        """Add clips; one that was removed earlier returns with the label and the speaker it had."""
        with self._history.action(description):
            known = {
                row["sha256"]: row
                for row in self._database.rows(
                    "SELECT id, sha256, removed, label_id, speaker FROM clips "
                    "WHERE sha256 IN (SELECT value FROM json_each(?))",
                    json.dumps([clip.sha256 for clip in new_clips]),
                )
            }
            ids = []
            speakers = self._speakers()
            for clip in new_clips:
                row = known.get(clip.sha256)
                kept = row["speaker"] if row is not None else None
                speaker = _spelt(clip.speaker if kept is None else kept, speakers)
                if row is None:
                    ids.append(self._history.insert("clips", _image_of(clip, speaker)))
                elif row["removed"]:
                    ids.append(row["id"])
                    before: Image = {"removed": 1, "label_id": row["label_id"], "speaker": row["speaker"]}
                    after: Image = {
                        "removed": 0,
                        "label_id": clip.label_id if row["label_id"] is None else row["label_id"],
                        "speaker": speaker,
                    }
                    self._history.update("clips", row["id"], before, after)
                else:
                    raise ProjectError(f"{clip.name} is in the project already.", "Nothing was added.")
        added = {clip.id: clip for clip in self._some(ids)}
        return [added[clip_id] for clip_id in ids]

    def remove(self, clip_ids: Iterable[int]) -> None:
        clip_ids = list(clip_ids)
        with self._history.action(f"Remove {_in_words(self._some(clip_ids))}"):
            for clip in self._some(clip_ids):
                self._history.update("clips", clip.id, {"removed": 0}, {"removed": 1})

    def set_label(self, clip_ids: Iterable[int], label_id: int | None) -> None:
        clip_ids = list(clip_ids)
        words = _in_words(self._some(clip_ids))
        if label_id is None:
            text = f"Take the label off {words}"
        else:
            text = f"Label {words} '{self._labels.one(label_id).name}'"
        with self._history.action(text):
            if label_id is not None:
                self._labels.one(label_id)  # raises where it has been removed meanwhile
            for clip in self._some(clip_ids):
                if clip.label_id != label_id:
                    before, after = {"label_id": clip.label_id}, {"label_id": label_id}
                    self._history.update("clips", clip.id, before, after)

    def set_speaker(self, clip_ids: Iterable[int], speaker: str | None) -> None:
        """Under the spelling that other clips have of this name; who renames all clips of a speaker can change it."""
        clips = self._some(clip_ids)
        ids = [clip.id for clip in clips]
        speaker = _spelt(speaker, self._speakers(but=ids))
        words = _in_words(clips)
        text = f"Take the speaker off {words}" if speaker is None else f"Set the speaker of {words} to {speaker}"
        with self._history.action(text):
            for clip in self._some(ids):
                if clip.speaker != speaker:
                    before, after = {"speaker": clip.speaker}, {"speaker": speaker}
                    self._history.update("clips", clip.id, before, after)

    def rename(self, clip_id: int, name: str) -> None:
        name = " ".join(unicodedata.normalize("NFC", name).split())
        if not name:
            raise ProjectError("The name of a clip is empty.", "Type at least one character.")
        with self._history.action(f"Rename {self.one(clip_id).name}"):
            clip = self.one(clip_id)
            if name != clip.name:
                self._history.update("clips", clip_id, {"name": clip.name}, {"name": name})

    def _speakers(self, but: Sequence[int] = ()) -> dict[str, str]:
        """The first spelling of each speaker, by `same_name`, of all clips `but` these."""
        rows = self._database.rows(
            "SELECT speaker FROM clips WHERE removed = 0 AND speaker IS NOT NULL "
            "AND id NOT IN (SELECT value FROM json_each(?)) GROUP BY speaker ORDER BY MIN(id) DESC",
            json.dumps(but),
        )
        return {same_name(row["speaker"]): row["speaker"] for row in rows}

    def _some(self, clip_ids: Iterable[int]) -> list[Clip]:
        """These clips. ProjectError if one of them is not there."""
        wanted = list(dict.fromkeys(clip_ids))
        rows = self._database.rows(f"SELECT * FROM clips WHERE {_THESE} ORDER BY id", json.dumps(wanted))
        if len(rows) < len(wanted):
            missing = sorted(set(wanted) - {row["id"] for row in rows})
            raise ProjectError(f"Clip {missing[0]} is not in the project.", "It may have been removed.")
        return [clip_of(row) for row in rows]


def _spelt(speaker: str | None, speakers: dict[str, str]) -> str | None:
    """The spelling of `speaker` in `speakers`, where a new one is added; None for nobody named."""
    cleaned = " ".join(unicodedata.normalize("NFC", speaker or "").split())
    return speakers.setdefault(same_name(cleaned), cleaned) if cleaned else None


def _image_of(clip: NewClip, speaker: str | None) -> Image:
    return {
        "sha256": clip.sha256,
        "file": clip.file,
        "name": clip.name,
        "duration_s": clip.duration_s,
        "rate_hz": clip.rate_hz,
        "channels": clip.channels,
        "speaker": speaker,
        "label_id": clip.label_id,
        "source": clip.source.value,
        "added_at": now_text(),
    }


def _in_words(clips: Sequence[Clip]) -> str:
    return clips[0].name if len(clips) == 1 else f"{len(clips)} clips"
