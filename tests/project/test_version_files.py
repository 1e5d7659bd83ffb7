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


def of_share(share: object) -> dict[str, object]:
    return {"title": "x", "shares": [["a", 0.5], ["b", share]]}


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        "words",
        {"title": "x"},
        *map(of_share, ("much", None, float("nan"), float("inf"), 10**400, 7.0, -0.1)),
    ],
)
def test_a_damaged_explanation_is_none(tmp_path: Path, damaged: object) -> None:
    files = read_version_files(version_with(tmp_path, damaged))
    assert (files.explanation, files.head) == (None, "linear")


def test_a_mean_in_single_precision_may_be_a_little_above_the_whole(tmp_path: Path) -> None:
    explanation = read_version_files(version_with(tmp_path, of_share(1.0000002))).explanation
    assert explanation is not None
    assert explanation.shares == (("a", 0.5), ("b", 1.0))


def test_a_delta_of_endless_size_is_none(tmp_path: Path) -> None:
    delta = {"base": "compact", "fingerprint": "a" * 64, "borrowed": "b" * 64, "whole_bytes": float("inf")}
    (tmp_path / "config.json").write_text(json.dumps({"delta": delta}), encoding="utf-8")
    assert read_version_files(tmp_path).delta is None
