"""The configuration in the folder of a base or an adapted model, read without the engine's torch."""

import json
from pathlib import Path
from typing import Any


def read_config(folder: Path) -> dict[str, Any]:
    """What `config.json` in `folder` says. Raises OSError, ValueError where it cannot be read."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        raise ValueError(f"{folder.name} has a configuration of no known kind")
    return config
