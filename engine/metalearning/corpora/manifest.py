"""A corpus with a `manifest.csv` of its own: file,label,speaker,language,duration_s."""

from pathlib import Path

from engine.emotions import emotion_of
from engine.metalearning.corpora.corpus import Findings, FoundClip
from engine.metalearning.corpora.tables import duration_s, read_rows

MANIFEST = "manifest.csv"


def find_by_manifest(root: Path) -> Findings:
    """The rows of `root/manifest.csv`, whose files are relative to `root`; labels may be any that `emotions` knows.

    Speaker and duration may be left empty. Of rows that name one file the first is taken: clips that are there twice
    would be in support and query, or in training and test, at once. Raises CorpusError for a table without the
    columns file and label, and for a duration that is no number.
    """
    clips: dict[Path, FoundClip] = {}
    missing, unlabelled = 0, 0
    table = root / MANIFEST
    for row in read_rows(table, ("file", "label")):
        label, path = emotion_of(row["label"]), root / row["file"]
        if label is None:
            unlabelled += 1
        elif not path.is_file():
            missing += 1
        else:
            duration = duration_s(table, row, "duration_s")
            clips.setdefault(path.resolve(), FoundClip(path, label, row.get("speaker") or None, duration_s=duration))
    return Findings(tuple(clips.values()), missing, unlabelled)
