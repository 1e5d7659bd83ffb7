"""DUSHA: many annotators a clip, one row each."""

from collections import Counter, defaultdict
from pathlib import Path

from engine.emotions import emotion_of
from engine.errors import CorpusError
from engine.metalearning.corpora.corpus import Findings, FoundClip
from engine.metalearning.corpora.tables import duration_s, read_rows

_COLUMNS = ("audio_path", "duration", "annotator_emo", "golden_emo", "source_id")


def find_dusha(root: Path) -> Findings:
    """Clips of `crowd_train/raw_crowd_train.tsv` and its like (crowd and podcast, train and test), in `wavs/`.

    A clip's emotion is what more than half of its annotators said; its authors weigh annotators by Dawid and Skene's
    method and keep the sure ones, which leaves out the same doubtful clips, more or less. Like them, rows with a
    golden answer (they check the annotators) are passed over. The speaker is `source_id`. A clip that is there twice is
    taken once.
    Raises CorpusError if there is no such table. The podcasts' sound is not published: their clips count as missing.
    """
    tables = sorted(root.rglob("raw_*.tsv"))
    if not tables:
        raise CorpusError(f"{root} holds no raw_crowd_train.tsv or its like (raw_*.tsv).", "Unpack crowd.tar there.")
    clips: dict[str, FoundClip] = {}
    missing, unlabelled = 0, 0
    for table in tables:
        votes: dict[str, Counter[str]] = defaultdict(Counter)
        rows: dict[str, dict[str, str]] = {}
        for row in read_rows(table, _COLUMNS, "\t"):
            if not row["golden_emo"]:
                votes[row["audio_path"]][row["annotator_emo"]] += 1
                rows[row["audio_path"]] = row
        present = {path.name for path in (table.parent / "wavs").glob("*")}
        for name, row in rows.items():
            answer, count = votes[name].most_common(1)[0]
            label = emotion_of(answer)
            path = table.parent / name
            if label is None or 2 * count <= votes[name].total():
                unlabelled += 1
            elif path.name not in present:
                missing += 1
            else:
                seconds = duration_s(table, row, "duration")
                clips.setdefault(path.name, FoundClip(path, label, row["source_id"] or None, duration_s=seconds))
    return Findings(tuple(clips.values()), missing, unlabelled)
