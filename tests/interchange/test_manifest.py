"""Manifests as people's spreadsheets really write them."""

import unicodedata
from pathlib import Path

import pytest

from engine.errors import ManifestError
from serstudio.interchange.manifest import ManifestRow, read_manifest, write_manifest


def rows_of(path: Path, content: str | bytes, root: Path | None = None) -> tuple[ManifestRow, ...]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_manifest(path, root).rows


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "manifest.csv"


def test_files_are_relative_to_the_manifest(table: Path) -> None:
    rows = rows_of(table, "file,label,speaker\na.wav,joy,Anna\nsub/b.wav,anger,Ben\n")
    assert rows == (
        ManifestRow(table.parent / "a.wav", "joy", "Anna"),
        ManifestRow(table.parent / "sub" / "b.wav", "anger", "Ben"),
    )


def test_files_are_relative_to_the_root_if_given(table: Path, tmp_path: Path) -> None:
    (tmp_path / "audio").mkdir()
    rows = rows_of(table, f"file,label\na.wav,joy\n{tmp_path}/b.wav,joy\n", tmp_path / "audio")
    assert [row.file for row in rows] == [tmp_path / "audio" / "a.wav", tmp_path / "b.wav"]
    with pytest.raises(ManifestError, match="There is no folder"):
        read_manifest(table, tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content",
    [
        "file;label;speaker\na, b.wav;joy;Anna\n",
        "file\tlabel\tspeaker\na, b.wav\tjoy\tAnna\n",
        '\ufefffile,label,speaker\r\n"a, b.wav",joy,Anna\r\n',
        'File , LABEL, Speaker ,note\n"a, b.wav" , joy ,Anna,cold\n',
        '\n\nduration,speaker,label,file\n1.5,Anna,joy,"a, b.wav"\n,,,\n\n',
        "file,label,speaker\n'a, b.wav'".replace("'", '"') + ",joy,Anna",
        "file;label;speaker\na, b.wav;joy;Anna\n".encode("utf-16"),
        "sep=;\r\nfile;label;speaker\r\na, b.wav;joy;Anna\r\n",
        "\nSEP=\t\nfile\tlabel\tspeaker\na, b.wav\tjoy\tAnna\n",
    ],
)
def test_every_dialect_gives_the_same_row(table: Path, content: str | bytes) -> None:
    assert rows_of(table, content) == (ManifestRow(table.parent / "a, b.wav", "joy", "Anna"),)


def test_empty_cells_are_none(table: Path) -> None:
    rows = rows_of(table, "file,label,speaker\na.wav,,\nb.wav, ,Anna\nc.wav,joy\n")
    assert [(row.label, row.speaker) for row in rows] == [(None, None), (None, "Anna"), ("joy", None)]


def test_any_script(table: Path) -> None:
    (row,) = rows_of(table, "file,label,speaker\nзапись.wav,радость,Аня\n")
    assert (row.file.name, row.label, row.speaker) == ("запись.wav", "радость", "Аня")


def test_files_are_found_under_the_other_spelling(table: Path, tmp_path: Path) -> None:
    """Backslashes of Windows; accents in two code points, as macOS writes them, or in one."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.wav").touch()
    (tmp_path / unicodedata.normalize("NFD", "żal.wav")).touch()
    mixed = tmp_path / unicodedata.normalize("NFD", "café") / unicodedata.normalize("NFC", "né.wav")
    mixed.parent.mkdir()
    mixed.touch()
    names = ("sub\\a.wav", *(unicodedata.normalize("NFC", name) for name in ("żal.wav", "café/né.wav", "café\\né.wav")))
    rows = rows_of(table, "file,label\n" + "".join(f"{name},joy\n" for name in names))
    assert len(rows) == 4
    assert all(row.file.exists() for row in rows)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("path,label\na.wav,joy\n", r"no column 'file' \(its first line has: path, label\)"),
        ("file,emotion\na.wav,joy\n", "no column 'label'"),
        ("a.wav,joy\nb.wav,anger\n", "no column 'file'"),
        ("", "no column 'file'.*nothing"),
        ("file,label\n", "no rows"),
        ("file,label\na.wav,joy\n,anger\n", "Line 3 of manifest.csv names no file"),
        (b"file,label\ncaf\xe9.wav,joy\n", r"not in UTF-8 \(byte 14\)"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt \x00", "not a text file"),
        ("file,label,speaker\na.wav,angry, mild,f1\n", "Line 2 of manifest.csv has more cells"),
        ("file,label,text,label\na.wav,joy,ja,anger\n", "2 columns 'label'"),
        ("file,label\n" + "a" * 200_000 + ",joy\n", "line 2 cannot be read"),
    ],
)
def test_what_is_wrong_is_named(table: Path, content: str | bytes, cause: str) -> None:
    with pytest.raises(ManifestError, match=cause) as caught:
        rows_of(table, content)
    assert caught.value.hint


@pytest.mark.parametrize(
    "content",
    [
        'file,label,text\na.wav,joy,ja\nb.wav,joy,"nein\nc.wav,joy,ja\n',
        'file,label,text\na.wav,joy,ja\nb.wav,joy,"nein\nc.wav,joy,ja\nd.wav,joy,"gut" so\n',
        'file,label\na.wav,joy\nb.wav,"joy\nc.wav,joy\n' + "d.wav,joy\n" * 20_000,
    ],
)
def test_a_quotation_mark_that_is_not_closed_takes_no_clips_away(table: Path, content: str) -> None:
    with pytest.raises(ManifestError, match="line 3 cannot be read") as caught:
        rows_of(table, content)
    assert "quotation mark" in caught.value.hint


def test_lines_and_marks_within_cells_are_text(table: Path) -> None:
    rows = rows_of(table, 'file,text,label\na.wav,"ja,\r\n""ja""",joy\nb.wav,"so" so,anger\nc.wav,5" so,calm\n')
    assert [row.label for row in rows] == ["joy", "anger", "calm"]


def test_in_a_table_with_tabs_single_quotation_marks_are_text(table: Path) -> None:
    """As in Common Voice, and in what ELAN and Praat write."""
    rows = rows_of(table, 'file\ttext\tlabel\na.wav\t"Nein\tjoy\nb.wav\t"So," sagt er\tcalm\nc.wav\tja\tanger\n')
    assert [(row.file.name, row.label) for row in rows] == [("a.wav", "joy"), ("b.wav", "calm"), ("c.wav", "anger")]


def test_missing_manifest_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="There is no file"):
        read_manifest(tmp_path / "nowhere.csv")
    with pytest.raises(ManifestError, match="could not be read"):
        read_manifest(tmp_path)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    rows = (
        ManifestRow(tmp_path / "sub" / "a, b.wav", "zło;ść", 'An"na'),
        ManifestRow(Path("/elsewhere/c.wav"), None, None),
    )
    write_manifest(tmp_path / "out.csv", rows)
    text = (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "file,label,speaker"
    assert str(tmp_path) not in text, "relative, so that the folder can be moved"
    assert read_manifest(tmp_path / "out.csv").rows == rows
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_unwritable_place_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="could not be written"):
        write_manifest(tmp_path / "nowhere" / "out.csv", [])


@pytest.mark.corpora
def test_manifests_of_real_corpora(corpora: Path) -> None:
    for path in corpora.glob("*/manifest.csv"):
        rows = read_manifest(path).rows
        assert len(rows) > 100
        assert all(row.label and row.speaker for row in rows)
        assert all(row.file.is_file() for row in rows[::50])
