"""MELD: one CSV file a split, with clips named by dialogue and utterance."""

from pathlib import Path

from engine.emotions import emotion_of
from engine.errors import CorpusError
from engine.metalearning.corpora.corpus import Findings, FoundClip
from engine.metalearning.corpora.files import audio_files
from engine.metalearning.corpora.tables import read_rows

_SPLITS = ("train", "dev", "test")
_COLUMNS = ("Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")


def find_meld(root: Path) -> Findings:
    """Rows of `train_sent_emo.csv`, `dev_...`, `test_...`, each the file `diaD_uttU` of its split's folder.

    Published are the videos in train_splits, dev_splits_complete and output_repeated_splits_test (mp4, whose sound is
    read as it is); folders of extracted sound may have any name with train, dev or test in it. Numbers start again in
    each split, so the folder matters. Raises CorpusError if there is no such table.
    """
    tables = {split: next(iter(sorted(root.rglob(f"{split}_sent_emo.csv"))), None) for split in _SPLITS}
    if not any(tables.values()):
        raise CorpusError(f"{root} holds none of train_sent_emo.csv, dev_sent_emo.csv and test_sent_emo.csv.")
    files = {
        (split, relative.stem): root / relative
        for relative in audio_files(root)
        for split in _SPLITS
        if split in relative.parent.as_posix().lower()
    }
    clips, missing, unlabelled = [], 0, 0
    for split, table in tables.items():
        for row in read_rows(table, _COLUMNS) if table else ():
            path = files.get((split, f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}"))
            label = emotion_of(row["Emotion"])
            if label is None:
                unlabelled += 1
            elif path is None:
                missing += 1
            else:
                clips.append(FoundClip(path, label, row["Speaker"]))
    return Findings(tuple(clips), missing, unlabelled)
