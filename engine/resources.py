"""Where the bundled resources lie: beside the packages in a checkout, inside `engine` once installed."""

from pathlib import Path


def resource(relative: str) -> Path:
    """Path of a bundled file or folder, e.g. `bases/compact`."""
    package = Path(__file__).resolve().parent
    installed = package / "_resources"
    return (installed if installed.is_dir() else package.parent / "resources") / relative
