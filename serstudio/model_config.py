"""The configuration and the card in the folder of a base or an adapted model, read without the engine's torch."""

import json
from pathlib import Path
from typing import Any


def read_config(folder: Path) -> dict[str, Any]:
    """What `config.json` in `folder` says. Raises OSError, ValueError where it cannot be read."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        raise ValueError(f"{folder.name} has a configuration of no known kind")
    return config


def read_card(folder: Path) -> str:
    """The model card in `folder` as it is now, whoever has edited it; "" where there is none. Raises OSError.

    What is not UTF-8, as an old editor writes it, is replaced letter by letter.
    """
    card = folder / "README.md"
    return card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
