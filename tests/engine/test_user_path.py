"""Paths as people type them."""

from pathlib import Path

from engine.user_path import user_path


def test_home_folders_are_put_in_where_there_are_such() -> None:
    assert user_path("~/clips") == Path.home() / "clips"
    assert user_path(Path("~nobody-of-that-name/a.wav")) == Path("~nobody-of-that-name/a.wav")
    assert user_path("take~1.wav") == Path("take~1.wav")
