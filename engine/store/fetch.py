"""Download one model: a program of its own, started by `download`, never imported; the only one that uses the network.

    python -P fetch.py FOLDER REPOSITORY REVISION PATH [PATH ...]

Writes each PATH of the repository, at that commit, into FOLDER. What is there of a file is kept, so that the next try
goes on after it. It sends no token and no telemetry, and ends when its standard input does, that is, with whoever
started it. On standard output, JSON lines:

    {"files": [{"path": ..., "size": ..., "sha256": ... or null, "git": ...}]}    first: what the hub says of them
    {"bytes": so far, of all files}
    {"done": true}, or {"failed": kind, "detail": ...}    last
"""

import errno
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

_TELL_S = 0.2
_PIECE = 2**16  # bytes; at most so many are lost when it is stopped, and a slow line moves too
_EXTRAS = ("preprocessor_config.json", "README.md", "LICENSE", "LICENSE.md", "LICENSE.txt")  # taken where they are
_UNFINISHED = ".part"


def tell(**values: object) -> None:
    print(json.dumps(values), flush=True)  # noqa: T201


class Counted:
    """A file that tells how many bytes of the whole download are there, five times a second."""

    def __init__(self, file: BinaryIO, before: int) -> None:
        self._file = file
        self._before = before
        self._told = 0.0

    def write(self, piece: bytes) -> int:
        written = self._file.write(piece)
        if time.monotonic() - self._told > _TELL_S:
            self._file.flush()
            tell(bytes=self._before + self._file.tell())
            self._told = time.monotonic()
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def wanted(info: Any, paths: list[str]) -> list[dict[str, Any]]:
    """What the hub says of the files to fetch; those that it lacks are missing."""
    return [
        {
            "path": each.rfilename,
            "size": int(each.size or 0),
            "sha256": each.lfs.sha256 if each.lfs is not None else None,
            "git": each.blob_id,
        }
        for each in info.siblings or ()
        if each.rfilename in paths or each.rfilename in _EXTRAS
    ]


def fetch(folder: Path, repository: str, revision: str, files: list[dict[str, Any]]) -> None:
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    constants.DOWNLOAD_CHUNK_SIZE = _PIECE
    before = 0
    for file in files:
        path, size = folder / file["path"], int(file["size"])
        unfinished = path.with_name(path.name + _UNFINISHED)
        if path.is_file() and path.stat().st_size != size:
            path.unlink()  # of another version
        if not path.is_file():
            if unfinished.is_file() and unfinished.stat().st_size > size:
                unfinished.unlink()
            with unfinished.open("ab") as written:
                tell(bytes=before + written.tell())
                http_get(
                    hf_hub_url(repository, file["path"], revision=revision),
                    Counted(written, before),  # type: ignore[arg-type]
                    resume_size=written.tell(),
                    headers=build_hf_headers(token=False) | {"Accept-Encoding": "identity"},
                    expected_size=size,
                )
            unfinished.rename(path)
        before += size
        tell(bytes=before)


def kind_of(error: Exception) -> str:
    """gated, gone, refused, full, offline; other where none fits."""
    from huggingface_hub import errors

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError | errors.DisabledRepoError):
        return "gated"
    if isinstance(error, errors.RepositoryNotFoundError | errors.RevisionNotFoundError | errors.EntryNotFoundError):
        return "gone"
    if isinstance(status, int):
        return "gone" if status in (404, 410) else "refused"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "full"
    module = type(error).__module__.split(".")[0]
    if module.startswith("http") or isinstance(error, ConnectionError | TimeoutError):
        return "offline"
    return "other"


def end_with_parent() -> None:
    """Ends this process when its standard input closes: whoever started it is gone."""
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> int:
    threading.Thread(target=end_with_parent, daemon=True).start()
    folder, repository, revision, *paths = sys.argv[1:]
    try:
        from huggingface_hub import HfApi

        info = HfApi(token=False).model_info(repository, revision=revision, files_metadata=True, timeout=20)
        files = wanted(info, paths)
        tell(files=files)
        if set(paths) <= {file["path"] for file in files}:
            fetch(Path(folder), repository, revision, files)
            tell(done=True)
    except Exception as error:
        tell(failed=kind_of(error), detail=f"{type(error).__name__}: {error}".splitlines()[0][:300])
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the thread still reads
