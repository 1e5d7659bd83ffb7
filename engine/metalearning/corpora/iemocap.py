"""IEMOCAP: the emotions are in one text file a dialogue, the clips in one folder a dialogue."""

import re
from pathlib import Path

from engine.errors import CorpusError
from engine.metalearning.corpora.corpus import Findings, FoundClip

_LINE = re.compile(r"^\[[\d. ]+-[\d. ]+\]\t(?P<clip>(?P<session>Ses\d\d)\w+_(?P<sex>[FM])\d+)\t(?P<label>\w+)\t", re.M)

# As is usual, excitement counts as happiness. Left out: oth (other) and xxx (the annotators did not agree).
LABELS = {
    "ang": "anger",
    "hap": "happiness",
    "exc": "happiness",
    "sad": "sadness",
    "neu": "neutral",
    "fru": "frustration",
    "fea": "fear",
    "sur": "surprise",
    "dis": "disgust",
}


def find_iemocap(root: Path) -> Findings:
    """Utterances of `Session*/dialog/EmoEvaluation/*.txt`, each in `Session*/sentences/wav/DIALOGUE/UTTERANCE.wav`.

    A session has two speakers, and the last part of an utterance's name says which of them it is (F or M); the
    letter at its start only says who wore the markers. An utterance that is there twice is taken once.
    Raises CorpusError if there is no EmoEvaluation folder.
    """
    evaluations = sorted(root.rglob("dialog/EmoEvaluation/Ses*.txt"))
    if not evaluations:
        raise CorpusError(f"{root} holds no dialog/EmoEvaluation/Ses*.txt.", "Choose the folder with Session1 in it.")
    clips: dict[str, FoundClip] = {}
    missing, unlabelled = 0, 0
    for evaluation in evaluations:
        wavs = evaluation.parents[2] / "sentences" / "wav" / evaluation.stem
        for line in _LINE.finditer(evaluation.read_text(encoding="utf-8", errors="replace")):
            path = wavs / f"{line['clip']}.wav"
            label = LABELS.get(line["label"])
            if label is None:
                unlabelled += 1
            elif path.is_file():
                clips.setdefault(line["clip"], FoundClip(path, label, line["session"] + line["sex"]))
            else:
                missing += 1
    return Findings(tuple(clips.values()), missing, unlabelled)
