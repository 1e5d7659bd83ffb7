"""What a version's folder tells without the engine."""

import json
from pathlib import Path

import pytest

from engine.explanation import Explanation
from serstudio.project import read_version_files

LISTENS = Explanation("What it listens to", (("Spectrum", 0.25), ("Voice", 0.75)))


def version_with(folder: Path, explanation: object) -> Path:
    config = {"head": {"kind": "linear"}, "origin": {"explanation": explanation}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_an_explanation_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_version_files(version_with(tmp_path, LISTENS.as_json())).explanation == LISTENS


@pytest.mark.parametrize("damaged", [None, "words", {"title": "x"}, {"title": "x", "shares": [["a", "much"]]}])
def test_a_damaged_explanation_is_none(tmp_path: Path, damaged: object) -> None:
    files = read_version_files(version_with(tmp_path, damaged))
    assert (files.explanation, files.head) == (None, "linear")
