"""`store.json`: where an installed base comes from, and on which terms."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import BaseError
from engine.store.location import RECORD

FORMAT = "serstudio-stored-base"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Record:
    """`source`: repository, or name of the folder it was added from; `weights_sha256`: of the weights as published."""

    title: str
    source: str
    revision: str
    licence: str
    parameters: int | None
    words: str
    converted: bool
    weights_sha256: tuple[str, ...]


def write_record(folder: Path, record: Record) -> None:
    """Write `store.json`. Raises OSError."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(record)}
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def read_record(folder: Path) -> Record:
    """The record of a stored base. Raises BaseError where it cannot be read."""
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["format_version"] > FORMAT_VERSION:
            raise ValueError(content["format"])
        return Record(
            title=str(content["title"]),
            source=str(content["source"]),
            revision=str(content["revision"]),
            licence=str(content["licence"]),
            parameters=None if content["parameters"] is None else int(content["parameters"]),
            words=str(content["words"]),
            converted=bool(content["converted"]),
            weights_sha256=tuple(map(str, content["weights_sha256"])),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BaseError(
            f"The model {folder.name} is damaged: its {RECORD} cannot be read.",
            f"Remove it (serstudio models remove {folder.name}) and get it again.",
        ) from error
