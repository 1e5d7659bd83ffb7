"""Where the store lies, and what is in it."""

import os
import re
import unicodedata
from pathlib import Path

import platformdirs

from engine.choices import BUNDLED_BASES, BUNDLED_ENCODERS
from engine.user_path import user_path

RECORD = "store.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_KEPT_BY_WINDOWS = ("con", "prn", "aux", "nul")
_RESERVED = frozenset({*BUNDLED_BASES, *BUNDLED_ENCODERS, *_KEPT_BY_WINDOWS})
_PARTIAL = ".partial-"


def store_root() -> Path:
    """The folder of the installed bases: $SERSTUDIO_MODELS, or `models` among this user's data. It may not exist."""
    chosen = os.environ.get("SERSTUDIO_MODELS")
    if chosen:
        return user_path(chosen).absolute()
    return Path(platformdirs.user_data_dir("serstudio", appauthor=False)) / "models"


def is_store_name(name: str) -> bool:
    """Whether a base in the store could be called so: small letters, digits, dots, dashes and underscores."""
    return _NAME.fullmatch(name) is not None and name.split(".")[0] not in _RESERVED


def as_store_name(text: str) -> str:
    """`text` made fit to be a name: `My Model (2)` becomes `my-model-2`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")[:64] or "model"
    return name if is_store_name(name) else f"model-{name}"[:64]


def stored_folder(name: str) -> Path | None:
    """The folder of the installed base of that name; None where there is none."""
    if not is_store_name(name):
        return None
    folder = store_root() / name
    return folder if (folder / RECORD).is_file() else None


def installed_names() -> tuple[str, ...]:
    """Names of the installed bases, sorted."""
    root = store_root()
    if not root.is_dir():
        return ()
    return tuple(sorted(path.name for path in root.iterdir() if stored_folder(path.name) is not None))


def partial_folder(name: str) -> Path:
    """Where a base is downloaded to, until it is whole; kept between tries."""
    return store_root() / f"{_PARTIAL}{name}"


def size_of(folder: Path, *, unshared: bool = False) -> int:
    """Bytes of all files under `folder`; 0 where there is none.

    unshared: without the files that projects hold too, by a hard link, so that deleting them here frees nothing.
    """
    found = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum(each.st_size for each in found if not unshared or each.st_nlink == 1)
