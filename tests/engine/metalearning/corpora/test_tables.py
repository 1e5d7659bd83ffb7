"""Corpora that come with tables: IEMOCAP, MELD, DUSHA, Common Voice; and any that has a manifest.csv."""

from collections import Counter
from pathlib import Path

import pytest

from engine.errors import CorpusError
from engine.metalearning.corpora import read_corpus
from tests.engine.metalearning.corpora.trees import make_tree, write_table

EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]	Ses01F_impro01_F000	neu	[2.5000, 2.5000, 2.5000]
C-E2:	Neutral;	()
C-F1:	neu	()

[10.0100 - 11.3925]	Ses01F_impro01_M000	exc	[2.5000, 2.5000, 2.5000]
[14.8872 - 18.0175]	Ses01F_impro01_F001	xxx	[2.5000, 2.5000, 2.5000]
[19.2900 - 20.7875]	Ses01F_impro01_M001	fru	[2.5000, 3.5000, 2.0000]
[21.3257 - 24.7400]	Ses01F_impro01_F002	ang	[2.5000, 3.5000, 2.0000]
"""


def said(corpus) -> dict[str, tuple[str | None, str | None]]:
    return {clip.path.name: (clip.label, clip.speaker) for clip in corpus.clips}


def test_iemocap_takes_the_speaker_from_the_utterance_and_leaves_out_disagreement(tmp_path: Path) -> None:
    wavs = "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_"
    make_tree(tmp_path, [f"{wavs}{turn}.wav" for turn in ("F000", "M000", "F001", "M001")])
    evaluation = tmp_path / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    evaluation.parent.mkdir(parents=True)
    evaluation.write_text(EVALUATION)

    corpus = read_corpus("iemocap", tmp_path)

    assert said(corpus) == {
        "Ses01F_impro01_F000.wav": ("neutral", "Ses01F"),
        "Ses01F_impro01_M000.wav": ("happiness", "Ses01M"),
        "Ses01F_impro01_M001.wav": ("frustration", "Ses01M"),
    }
    assert (corpus.unlabelled, corpus.missing) == (1, 1)


def test_a_clip_of_which_there_are_two_copies_is_one(tmp_path: Path) -> None:
    """Else it could be in support and query at once: an archive unpacked twice, or two releases side by side."""
    for copy in ("", "IEMOCAP_full_release/"):
        session = tmp_path / "iemocap" / copy / "Session1"
        make_tree(session, ["sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"])
        (session / "dialog/EmoEvaluation").mkdir(parents=True)
        (session / "dialog/EmoEvaluation/Ses01F_impro01.txt").write_text(EVALUATION)
        crowd = tmp_path / "dusha" / copy / "crowd_train"
        write_table(crowd / "raw_crowd_train.tsv", [dusha_row("a", "angry")], "\t")
        make_tree(crowd, ["wavs/a.wav"])
    for release in ("16.1", "17.0"):
        make_voice(tmp_path / f"common-voice/cv-corpus-{release}/en", voice_rows("Scottish English", 3))

    assert {name: len(read_corpus(name, tmp_path / name).clips) for name in ("iemocap", "dusha", "common-voice")} == {
        "iemocap": 1,
        "dusha": 1,
        "common-voice": 3,
    }


def test_iemocap_without_its_evaluations(tmp_path: Path) -> None:
    make_tree(tmp_path, ["Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"])

    with pytest.raises(CorpusError, match=r"dialog/EmoEvaluation"):
        read_corpus("iemocap", tmp_path)


def meld_row(dialogue: int, utterance: int, emotion: str, speaker: str) -> dict[str, object]:
    return {
        "Sr No.": 1,
        "Utterance": '"Oh, you know."',
        "Speaker": speaker,
        "Emotion": emotion,
        "Sentiment": "neutral",
        "Dialogue_ID": dialogue,
        "Utterance_ID": utterance,
    }


def test_meld_numbers_start_again_in_each_split(tmp_path: Path) -> None:
    write_table(tmp_path / "train_sent_emo.csv", [meld_row(0, 0, "joy", "Joey"), meld_row(0, 1, "anger", "Ross")])
    write_table(tmp_path / "dev_sent_emo.csv", [meld_row(0, 0, "surprise", "Monica")])
    make_tree(tmp_path, ["train_splits/dia0_utt0.mp4", "dev_splits_complete/dia0_utt0.mp4"])

    corpus = read_corpus("meld", tmp_path)

    assert [(clip.path.parent.name, clip.label, clip.speaker) for clip in corpus.clips] == [
        ("dev_splits_complete", "surprise", "Monica"),
        ("train_splits", "happiness", "Joey"),
    ]
    assert corpus.missing == 1


def test_meld_without_its_clips_or_its_tables(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"none of train_sent_emo\.csv"):
        read_corpus("meld", tmp_path)
    write_table(tmp_path / "train_sent_emo.csv", [meld_row(0, 0, "joy", "Joey")])
    with pytest.raises(CorpusError, match="name 1 clips, and none of them is there"):
        read_corpus("meld", tmp_path)


def dusha_row(clip: str, emotion: str, source: str = "s1", golden: str = "") -> dict[str, object]:
    return {
        "hash_id": clip,
        "audio_path": f"wavs/{clip}.wav",
        "duration": 0.2,
        "annotator_emo": emotion,
        "golden_emo": golden,
        "speaker_text": "текст",
        "speaker_emo": "angry",
        "source_id": source,
        "annotator_id": "1",
    }


def test_dusha_is_decided_by_most_of_its_annotators(tmp_path: Path) -> None:
    rows = [
        dusha_row("a", "angry"),
        dusha_row("a", "angry"),
        dusha_row("a", "sad"),
        dusha_row("b", "positive", "s2"),
        dusha_row("tie", "sad"),
        dusha_row("tie", "neutral"),
        dusha_row("none", "other"),
        dusha_row("golden", "sad", golden="sad"),
        dusha_row("gone", "sad"),
    ]
    write_table(tmp_path / "crowd_train/raw_crowd_train.tsv", rows, "\t")
    make_tree(tmp_path, [f"crowd_train/wavs/{clip}.wav" for clip in ("a", "b", "tie", "none", "golden")])

    corpus = read_corpus("dusha", tmp_path)

    assert said(corpus) == {"a.wav": ("anger", "s1"), "b.wav": ("happiness", "s2")}
    assert (corpus.unlabelled, corpus.missing) == (2, 1)


def test_dusha_without_its_tables(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"raw_crowd_train\.tsv"):
        read_corpus("dusha", tmp_path)


def voice_rows(accent: str, count: int, column: str = "accents") -> list[dict[str, object]]:
    return [
        {
            "client_id": f"speaker{index % 3}",
            "path": f"{accent or 'none'}{index}.mp3",
            "sentence": 'a "quote',
            column: accent,
        }
        for index in range(count)
    ]


def make_voice(folder: Path, rows: list[dict[str, object]]) -> None:
    write_table(folder / "validated.tsv", rows, "\t")
    write_table(folder / "clip_durations.tsv", [{"clip": row["path"], "duration[ms]": 4500} for row in rows], "\t")
    (folder / "clips").mkdir()
    for row in rows:
        (folder / "clips" / str(row["path"])).touch()


def test_common_voice_has_language_accent_pairs(tmp_path: Path) -> None:
    make_voice(tmp_path / "cv-corpus-17.0/en", voice_rows("Scottish English", 5) + voice_rows("Welsh English", 2))
    make_voice(tmp_path / "cv-corpus-17.0/ro", voice_rows("", 4, column="accent"))  # before release 8

    corpus = read_corpus("common-voice", tmp_path)

    accents = Counter(clip.accent for clip in corpus.clips)
    assert accents == {"en: Scottish English": 5, "en: Welsh English": 2, "ro: unspecified": 4}
    assert {clip.speaker for clip in corpus.clips} == {"speaker0", "speaker1", "speaker2"}
    assert {(clip.label, clip.duration_s) for clip in corpus.clips} == {(None, 4.5)}


def test_common_voice_without_its_clips_or_its_tables(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"no LANGUAGE/validated\.tsv"):
        read_corpus("common-voice", tmp_path)
    write_table(tmp_path / "ro/validated.tsv", voice_rows("", 2), "\t")
    with pytest.raises(CorpusError, match="name 2 clips, and none of them is there"):
        read_corpus("common-voice", tmp_path)


MANIFEST_ROWS = [
    {"file": "a/1.wav", "label": "rabbia", "speaker": "f1", "language": "it", "duration_s": 0.25},
    {"file": "a/2.wav", "label": "gioia", "speaker": "", "language": "it", "duration_s": ""},
    {"file": "a/3.wav", "label": "whisper", "speaker": "f1", "language": "it", "duration_s": 1},
    {"file": "a/4.wav", "label": "paura", "speaker": "f1", "language": "it", "duration_s": 1},
]


def test_a_manifest_comes_before_file_names(tmp_path: Path) -> None:
    make_tree(tmp_path, ["a/1.wav", "a/2.wav", "a/3.wav"])
    write_table(tmp_path / "manifest.csv", MANIFEST_ROWS)

    corpus = read_corpus("emovo", tmp_path)

    assert [(clip.label, clip.speaker, clip.duration_s) for clip in corpus.clips] == [
        ("anger", "f1", 0.25),  # as the manifest says
        ("happiness", None, 0.2),  # as the audio says
    ]
    assert (corpus.unlabelled, corpus.missing) == (1, 1)


@pytest.mark.parametrize("duration", ["long", "nan", "-1"])
def test_a_manifest_with_an_impossible_duration(tmp_path: Path, duration: str) -> None:
    make_tree(tmp_path, ["a/1.wav"])
    write_table(tmp_path / "manifest.csv", [{**MANIFEST_ROWS[0], "duration_s": duration}])

    with pytest.raises(CorpusError, match=rf"the duration '{duration}' in duration_s"):
        read_corpus("emovo", tmp_path)


def test_a_manifest_without_a_column_or_in_another_encoding(tmp_path: Path) -> None:
    write_table(tmp_path / "manifest.csv", [{"file": "a.wav", "emotion": "anger"}])
    with pytest.raises(CorpusError, match="has no column label"):
        read_corpus("emovo", tmp_path)
    (tmp_path / "manifest.csv").write_bytes("file,label\nä.wav,anger\n".encode("utf-16"))
    with pytest.raises(CorpusError, match="is not a table in UTF-8"):
        read_corpus("emovo", tmp_path)
