"""A report of an error that is our own mistake, safe to send: nobody's folders or file names are in it."""

import platform
import re
import tempfile
import time
import traceback
from pathlib import Path

import platformdirs

from serstudio import __version__

_ROOT = r"""(?:file:/+|/+(?=\w|\.)|~/|[A-Za-z]:[\\/]|\\\\)"""
_QUOTED_PATH = re.compile(rf"""(?P<quote>['"])(?P<path>{_ROOT}[^'"\n]*)(?P=quote)""")
# A bare path has no sure end, for folders have spaces in their names: words before another slash belong to
# it, and so do a few before a suffix. Better too much is taken out than too little.
_BARE_PATH = re.compile(
    rf"""(?P<url>https?://[^\s'"]+)|(?<![\w.\]>/…])(?P<path>{_ROOT}[^\s'",;:)]*"""
    r"""(?:(?:\ [^\s/\\'",;:)]+){1,4}[/\\][^\s'",;:)]*)*(?:(?:\ [^\s/\\'",;:)]+){1,3}\.\w{2,5}\b)?)"""
)
_CODE_ROOTS = ("/site-packages/", "/engine/", "/serstudio/", "/tests/", "/lib/python3")


def redact_paths(text: str) -> str:
    """Replace every absolute path: code keeps its place in the package, all else only its suffix.

    A participant's name is often in a folder or file name, so neither may leave the machine.
    """
    text = _QUOTED_PATH.sub(lambda found: f"'{_redacted(found['path'])}'", text)
    return _BARE_PATH.sub(lambda found: found["url"] or _redacted(found["path"]), text)


def _redacted(path: str) -> str:
    plain = path.replace("\\", "/")
    if plain.endswith((".py", ".pyc")):
        for root in _CODE_ROOTS:
            if root in plain:
                return "…" + plain[plain.rindex(root) :]
    suffix = Path(plain).suffix
    return f"<path{suffix}>" if len(suffix) <= 6 else "<path>"


def describe_bug(error: BaseException) -> str:
    """The text of a report: versions, system, and the path-redacted traceback."""
    trace = "".join(traceback.format_exception(error))
    head = (
        f"SER Studio {__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()} {platform.machine()}"
    )
    return f"{head}\n{time.strftime('%Y-%m-%d %H:%M:%S')}\n\n{redact_paths(trace)}"


def write_bug_report(error: BaseException) -> Path:
    """Write `describe_bug(error)` to the user's log folder (the temporary one if that fails)."""
    name = f"serstudio-{time.strftime('%Y%m%d-%H%M%S')}.txt"
    text = describe_bug(error)
    try:
        folder = Path(platformdirs.user_log_dir("serstudio", appauthor=False))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(text, encoding="utf-8")
    except OSError:
        path = Path(tempfile.gettempdir()) / name
        path.write_text(text, encoding="utf-8")
    return path


def one_line(error: BaseException) -> str:
    """The kind and first line of an unexpected error, path-redacted, for a one-line message."""
    first = (str(error).splitlines() or [""])[0]
    return redact_paths(f"{type(error).__name__}: {first}".rstrip(": "))
