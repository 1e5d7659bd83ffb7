"""What a base is called: the same words on every page."""

from collections.abc import Sequence
from pathlib import Path, PurePath

from engine.choices import BUNDLED_BASES
from engine.errors import BaseError
from engine.store import offer_called, read_record, stored_folder


def base_title(base: str) -> str:
    """As on the Models page, else the last part of its folder."""
    stored = stored_folder(base)
    if stored is not None:
        return _recorded_title(stored)
    offer = offer_called(base)
    if offer is not None:
        return offer.title
    return "Compact" if base == BUNDLED_BASES[0] else Path(base.removeprefix("hf:")).name or base


def _recorded_title(folder: Path) -> str:
    try:
        return read_record(folder).title
    except BaseError:
        return folder.name


def name_to_give_away(base: str) -> str:
    """What a model that is given away says of its base: of a folder the last part, for a path tells of its owner."""
    folder = Path(base.removeprefix("hf:"))
    if base.startswith("hf:") and not folder.is_absolute() and not folder.is_dir():
        return base  # an ID of the hub
    is_named = folder.name not in ("", "..")
    return (folder if is_named else folder.resolve()).name or base


def folder_titles(folders: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """For each as much of the end of its path as tells it from the others: "base", or "a/base" beside "b/base".

    `taken`: titles that others have already.
    """
    parts = [PurePath(folder).parts for folder in dict.fromkeys(folders)]
    titles = []
    for folder in folders:
        own = PurePath(folder).parts
        length = 1
        while length < len(own) and (
            str(PurePath(*own[-length:])) in taken or sum(other[-length:] == own[-length:] for other in parts) > 1
        ):
            length += 1
        titles.append(str(PurePath(*own[-length:])) if own else folder)
    return titles
