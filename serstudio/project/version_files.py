"""What the folder of a version tells without the engine: for lists, and for what may be deleted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.delta_facts import DeltaFacts
from engine.explanation import Explanation
from serstudio.model_config import read_config


@dataclass(frozen=True)
class VersionFiles:
    """`head` is "" where it cannot be read; `delta` is None where the model is stored whole.

    `explanation`: what can be seen of how the model decides, None of most.
    """

    size_bytes: int
    head: str
    delta: DeltaFacts | None
    explanation: Explanation | None = None


def read_version_files(folder: Path) -> VersionFiles:
    """Of a folder that is damaged or gone, what there is."""
    try:
        size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
        config = read_config(folder)
    except (OSError, ValueError):
        return VersionFiles(0, "", None)
    head = config.get("head")
    kind = head.get("kind") if isinstance(head, dict) else None
    return VersionFiles(size, kind if isinstance(kind, str) else "", _delta(config), _explanation(config))


def needed_bases(models: Path) -> frozenset[str] | None:
    """Fingerprints of the bases that the models in `models` need; None where one cannot be read, so nobody knows."""
    found: set[str] = set()
    for folder in models.iterdir():
        if not (folder / "config.json").exists():
            continue
        try:
            config = read_config(folder)
            if config.get("delta") is not None:
                found.add(DeltaFacts.read(config["delta"]).fingerprint)
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None
    return frozenset(found)


def _explanation(config: dict[str, Any]) -> Explanation | None:
    try:
        return Explanation.read(config["origin"]["explanation"])
    except (KeyError, TypeError, ValueError):
        return None


def _delta(config: dict[str, Any]) -> DeltaFacts | None:
    try:
        return DeltaFacts.read(config["delta"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
