"""What every corpus has in common: durations, what is left out, and folders that are not what they should be."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.audio import decode
from engine.errors import CorpusError
from engine.metalearning.corpora import CORPORA, Task, emotion_of, read_corpus
from engine.metalearning.corpora.digest import digest_of
from engine.metalearning.events import left_out_remarks
from engine.metalearning.model_card import Data, base_card
from tests.engine.metalearning.corpora.trees import make_tree


def test_clips_over_the_longest_duration_are_filtered_and_counted(tmp_path: Path) -> None:
    make_tree(tmp_path, ["03a01Wa.wav"], duration_s=9.375)
    make_tree(tmp_path, ["03a01Fa.wav"], duration_s=9.376)

    corpus = read_corpus("emodb", tmp_path)

    assert ([clip.label for clip in corpus.clips], corpus.too_long) == (["anger"], 1)
    everything = read_corpus("emodb", tmp_path, longest_s=None)
    assert (len(everything.clips), everything.too_long) == (2, 0)


def test_a_file_on_two_rows_of_a_manifest_is_one_clip(tmp_path: Path) -> None:
    make_tree(tmp_path, ["a.wav", "b.wav"])
    rows = ["file,label", "a.wav,anger", "b.wav,joy", "./a.wav,anger", "b.wav,fear"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")

    corpus = read_corpus("emodb", tmp_path)

    assert [(clip.path.name, clip.label) for clip in corpus.clips] == [("a.wav", "anger"), ("b.wav", "happiness")]


def test_a_speaker_spelt_twice_is_one(tmp_path: Path) -> None:
    """Under two names he would be on both sides of a split by speakers."""
    make_tree(tmp_path, ["a.wav", "b.wav", "c.wav", "d.wav"])
    rows = ["file,label,speaker", "a.wav,anger,Maria", "b.wav,joy,maria", "c.wav,joy,Maria ", "d.wav,joy, "]
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")

    assert [clip.speaker for clip in read_corpus("emodb", tmp_path).clips] == ["Maria", "Maria", "Maria", None]


def test_what_is_left_out_is_told_and_on_the_card(tmp_path: Path) -> None:
    make_tree(tmp_path, ["a.wav", "b.wav"])
    make_tree(tmp_path, ["long.wav"], duration_s=9.5)
    (tmp_path / "broken.wav").write_bytes(b"not sound at all")
    rows = ["a.wav,anger", "b.wav,Wut!", "long.wav,joy", "broken.wav,joy", "gone.wav,joy", "gone too.wav,joy"]
    (tmp_path / "manifest.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    corpus = read_corpus("emodb", tmp_path)

    told = [remark.message for remark in left_out_remarks("emodb", corpus)]

    assert told == [
        "emodb: 1 clips over 9.375 s are left out.",
        "emodb: 2 clips that its tables name are not there.",
        "emodb: 1 files have no sound that can be read, or under 0.1 s of it.",
        "emodb: 1 clips have no emotion that is known, and are left out.",
    ]
    card = base_card(
        name="x",
        summary="",
        licence="",
        data=Data([corpus], []),
        figures={},
        notes="",
        failures="",
        recipe_text="",
    )
    assert "| 1; 4 not there, unreadable or without a known label |" in card


def test_a_manifest_may_name_files_elsewhere(tmp_path: Path) -> None:
    make_tree(tmp_path, ["disk/a.wav"])
    (tmp_path / "corpora/emodb").mkdir(parents=True)
    manifest = tmp_path / "corpora/emodb/manifest.csv"
    manifest.write_text(f"file,label\n{tmp_path / 'disk/a.wav'},anger\n")
    corpus = read_corpus("emodb", tmp_path / "corpora/emodb")

    assert len(digest_of([corpus], tmp_path / "corpora")) == 64


def test_a_file_that_is_no_sound_is_counted(tmp_path: Path) -> None:
    make_tree(tmp_path, ["03a01Wa.wav"])
    (tmp_path / "03a01Fa.wav").write_bytes(b"not sound at all")
    (tmp_path / "03a01Na.wav").touch()

    corpus = read_corpus("emodb", tmp_path)

    assert (len(corpus.clips), corpus.unreadable) == (1, 2)


def test_a_file_of_hardly_any_sound_is_counted_also_where_a_table_tells_its_length(tmp_path: Path) -> None:
    make_tree(tmp_path, ["a.wav", "b.wav", "c.wav"])
    rows = ["file,label,speaker,duration_s", "a.wav,anger,x,0.1", "b.wav,anger,x,0.09", "c.wav,fear,x,0"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")

    corpus = read_corpus("emodb", tmp_path)

    assert ([clip.path.name for clip in corpus.clips], corpus.unreadable) == (["a.wav"], 2)


def test_nothing_but_files_that_are_no_sound(tmp_path: Path) -> None:
    (tmp_path / "03a01Fa.wav").write_bytes(b"not sound at all")

    with pytest.raises(CorpusError, match=r"None of the 1 files of EmoDB .* could be read as sound"):
        read_corpus("emodb", tmp_path)


def test_an_unknown_corpus_is_told_which_are_known(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"named 'emo-db'.*emodb"):
        read_corpus("emo-db", tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"EmoDB is not there: no folder .*emodb.*wav/03a01Fa\.wav"):
        read_corpus("emodb", tmp_path / "emodb")


@pytest.mark.parametrize("name", CORPORA)
def test_an_empty_folder_is_told_what_was_looked_for(name: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as raised:
        read_corpus(name, tmp_path)

    assert CORPORA[name].title in raised.value.message
    assert raised.value.message.count(". ") == 0
    assert ("looked for" in raised.value.message) or ("holds no" in raised.value.message)


def test_another_corpus_s_folder(tmp_path: Path) -> None:
    make_tree(tmp_path, ["wav/03a01Fa.wav"])

    with pytest.raises(CorpusError, match="does not look like EMOVO: looked for"):
        read_corpus("emovo", tmp_path)


def test_labels_of_which_none_is_known(tmp_path: Path) -> None:
    make_tree(tmp_path, ["wav/03a01Xa.wav"])

    with pytest.raises(CorpusError, match=r"None of the 1 files of EmoDB .* has a label that is known"):
        read_corpus("emodb", tmp_path)


def test_clips_are_in_the_order_of_their_paths(tmp_path: Path) -> None:
    make_tree(tmp_path, ["b/03a01Wa.wav", "a/03a02Wa.wav", "a/03a01Fa.wav"])

    paths = [clip.path for clip in read_corpus("emodb", tmp_path).clips]

    assert paths == sorted(paths)


@pytest.mark.parametrize(
    ("word", "emotion"),
    [
        ("angry", "anger"),
        (" Anger ", "anger"),
        ("rabbia", "anger"),
        ("joy", "happiness"),
        ("gioia", "happiness"),
        ("positive", "happiness"),
        ("fearful", "fear"),
        ("paura", "fear"),
        ("disgusto", "disgust"),
        ("tristezza", "sadness"),
        ("sorpresa", "surprise"),
        ("neutro", "neutral"),
        ("calm", "calm"),
        ("boredom", "boredom"),
        ("Wut", "anger"),
        ("COLÈRE", "anger"),
        ("colere", "anger"),
        ("alegria", "happiness"),
        ("mutluluk", "happiness"),
        ("Страх", "fear"),
        ("悲伤", "sadness"),
        ("गुस्सा", "anger"),
        ("other", None),
        ("", None),
    ],
)
def test_words_of_corpora_in_one_vocabulary(word: str, emotion: str | None) -> None:
    assert emotion_of(word) == emotion


def test_the_papers_corpora_and_tasks_are_all_there() -> None:
    table_3 = "crema-d iemocap meld ravdess tess dusha resd shemo subesco thorsten aesi emodb aesdd emoro"
    assert set(table_3.split()) < set(CORPORA)
    assert CORPORA["voxceleb2"].task is Task.SPEAKER
    assert CORPORA["common-voice"].task is Task.ACCENT


def test_headers_only_so_that_thousands_of_files_take_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def decoding(*_: object) -> None:
        raise AssertionError("a file was decoded")

    monkeypatch.setattr(decode, "_mono_blocks", decoding)
    make_tree(tmp_path, [f"AB0_anger_{index}.wav" for index in range(3)])
    assert len(read_corpus("nemo", tmp_path).clips) == 3
    with pytest.raises(AssertionError, match="decoded"):
        decode.check_audio(tmp_path / "AB0_anger_0.wav")


def test_reading_corpora_loads_no_torch() -> None:
    program = "import sys, engine.metalearning.corpora; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
