"""One base has one name, and two bases have two."""

from pathlib import Path

import pytest

from engine.store.record import Record, write_record
from serstudio.base_titles import base_title, folder_titles, name_to_give_away


@pytest.mark.parametrize(
    ("base", "title"),
    [
        ("compact", "Compact"),
        ("xls-r-300m", "XLS-R 300M"),
        ("hf:/models/mine", "mine"),
        ("runs/a/base", "base"),
        ("added", "added"),
    ],
)
def test_a_base_is_called_as_on_the_models_page_or_as_its_folder(base: str, title: str) -> None:
    assert base_title(base) == title


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("compact", "compact"),
        ("xls-r-300m", "xls-r-300m"),
        ("of my own", "of my own"),
        ("/home/maria/models/mine/", "mine"),
        ("../mine", "mine"),
        ("runs/a/base", "base"),
        ("hf:/home/maria/mine", "mine"),
        ("hf:facebook/wav2vec2-base", "hf:facebook/wav2vec2-base"),
        ("hf:here/mine", "mine"),
        (".", "there"),
        ("..", "maria"),
    ],
)
def test_what_is_given_away_names_no_folder(
    base: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "maria" / "there" / "here" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "maria" / "there")
    assert name_to_give_away(base) == name


def test_a_base_that_was_added_has_the_title_that_was_recorded(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SERSTUDIO_MODELS", str(tmp_path))
    (tmp_path / "my-model").mkdir()
    record = Record("My Model (2)", "/stick", "", "MIT", None, "", converted=False, weights_sha256=())
    write_record(tmp_path / "my-model", record)
    assert base_title("my-model") == "My Model (2)"
    (tmp_path / "my-model" / "store.json").write_text("{", encoding="utf-8")
    assert base_title("my-model") == "my-model"


def test_folders_of_one_name_are_told_apart_by_what_lies_above() -> None:
    assert folder_titles(["/runs/a/base", "/runs/b/base", "/x/mine"]) == ["a/base", "b/base", "mine"]
    assert folder_titles(["/a/x/base", "/b/x/base"]) == ["a/x/base", "b/x/base"]
    assert folder_titles(["/runs/base"], taken=("base",)) == ["runs/base"]
    assert folder_titles(["/base", "/a/base"]) == ["/base", "a/base"]
    assert folder_titles(["/", ""]) == ["/", ""]
