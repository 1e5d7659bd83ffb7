import csv
from pathlib import Path

import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, adapt
from engine.adaptation.clips import embed_whole, prepare
from engine.audio.windows import read_windows
from engine.bases import load_base

LABELS = ("anger", "sadness", "neutral")
SUPPORT, QUERY = ("03", "08", "09", "10"), ("11", "13", "14")  # speakers


def clips_of(corpora: Path, speakers: tuple[str, ...], per_label: int) -> list[LabelledClip]:
    folder = corpora / "emodb"
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])
    clips = []
    for number, label in enumerate(LABELS):
        files = [row["file"] for row in rows if row["label"] == label and Path(row["file"]).name[:2] in speakers]
        assert len(files) >= per_label
        clips += [LabelledClip(tuple(read_windows(folder / name, 2)), number) for name in files[:per_label]]
    return clips


@pytest.mark.corpora
def test_real_voices_are_told_apart_even_from_nothing(corpora: Path) -> None:
    settings = AdaptationSettings("hgfm", steps=15, learning_rate=1e-3, trained="extractor")
    *_, adapted = adapt(load_base(), clips_of(corpora, SUPPORT, 5), LABELS, settings)
    assert isinstance(adapted, Adapted)
    queries = clips_of(corpora, QUERY, 6)
    embeddings = embed_whole(adapted.encoder, prepare(adapted.encoder, queries))
    answers = adapted.head.logits(embeddings).argmax(-1)
    right = (answers == torch.tensor([clip.label for clip in queries])).float().mean()
    assert right > 0.6  # chance is a third
