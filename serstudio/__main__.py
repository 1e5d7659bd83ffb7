"""`serstudio` and `python -m serstudio`: alone or with a project folder the window, else the terminal."""

import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main() -> int:
    """Start what the command line asks for; returns the exit code."""
    multiprocessing.freeze_support()
    # No library opens a connection, in this process or in its workers; only the helper of `models download` does.
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
    arguments = sys.argv[1:]
    if opens_window(arguments):
        return _open_window(arguments)
    from serstudio.cli.app import main as run_command

    return run_command(arguments)


def opens_window(arguments: Sequence[str]) -> bool:
    """True for no argument, and for one that is a folder on disk and looks like one (not a verb)."""
    if not arguments:
        return True
    first = arguments[0]
    return len(arguments) == 1 and not first.startswith("-") and (Path(first) / "project.sqlite").is_file()


def _open_window(arguments: Sequence[str]) -> int:
    if not has_display():
        _fail("There is no display to open the window on. Use the terminal: serstudio --help, or serstudio tour.")
        return 2
    try:
        from serstudio.gui.app import main as run_window
    except ImportError as error:
        _fail(f"The window cannot start: {error}. Run bash packaging/run.sh, which installs what is missing.")
        return 1
    return run_window(arguments)


def has_display() -> bool:
    """False on a Linux machine without a screen; a chosen Qt platform (tests) counts as one."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _fail(message: str) -> None:
    sys.stderr.write(f"serstudio: {message}\n")


if __name__ == "__main__":
    sys.exit(main())
