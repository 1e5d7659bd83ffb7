"""The window's own resources: line icons and the interface font."""

from functools import cache
from pathlib import Path

from engine.resources import resource


@cache
def icon_source(name: str) -> str:
    """The SVG text of the line icon `name`; its strokes are `currentColor`."""
    return resource(f"icons/{name}.svg").read_text(encoding="utf-8")


def font_files() -> list[Path]:
    """The bundled interface fonts, empty when they were left out of a package."""
    return sorted(resource("fonts").glob("*.otf"))
