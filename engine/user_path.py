"""Paths as people type them."""

from pathlib import Path


def user_path(typed: Path | str) -> Path:
    """`typed` with `~` and `~name` as the home folders that they mean; as it is where there is no such user."""
    try:
        return Path(typed).expanduser()
    except RuntimeError:
        return Path(typed)
