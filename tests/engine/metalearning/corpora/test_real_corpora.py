"""The eight corpora in ../shared/corpora, by their manifests and by their file names."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from engine.metalearning.corpora import CORPORA, EMOTIONS, emotion_of, read_corpus

pytestmark = pytest.mark.corpora

NAMES = (
    "banglaser", "emodb", "emovo", "indian-emospeech-commands", "korean-emotiontts", "nemo", "ravdess", "turev-db",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_clips_speakers_and_language_are_those_of_the_list_of_licences(name: str, corpora: Path) -> None:
    listed = re.search(
        rf"^\| {re.escape(name)} \| [^|]+ \| (?P<clips>\d+) \| (?P<speakers>\d+) \|",
        (corpora / "LICENCES.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert listed is not None

    corpus = read_corpus(name, corpora / name, longest_s=None)

    assert len(corpus.clips) == int(listed["clips"])
    assert len({clip.speaker for clip in corpus.clips}) == int(listed["speakers"])
    assert (corpus.missing, corpus.unreadable, corpus.unlabelled, corpus.too_long) == (0, 0, 0, 0)


@pytest.mark.parametrize("name", NAMES)
def test_labels_and_long_clips_are_those_of_the_manifest(name: str, corpora: Path) -> None:
    with (corpora / name / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    short = [row for row in rows if float(row["duration_s"]) <= 9.375]

    corpus = read_corpus(name, corpora / name)

    assert Counter(clip.label for clip in corpus.clips) == Counter(emotion_of(row["label"]) for row in short)
    assert {clip.label for clip in corpus.clips} <= set(EMOTIONS)
    assert corpus.too_long == len(rows) - len(short)


@pytest.mark.parametrize("name", NAMES)
def test_file_names_say_what_the_manifest_says(name: str, corpora: Path) -> None:
    by_manifest = read_corpus(name, corpora / name, longest_s=None)
    by_name = CORPORA[name].find(corpora / name)

    assert {clip.path: (clip.label, clip.speaker) for clip in by_name.clips} == {
        clip.path: (clip.label, clip.speaker) for clip in by_manifest.clips
    }
