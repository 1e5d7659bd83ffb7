"""Downloading a model on offer into its partial folder, checked file by file against what was promised."""

import hashlib
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.checksums import sha256_of
from engine.errors import BaseError
from engine.store.catalogue import Offer, OfferedFile
from engine.store.child import child
from engine.store.files import WEIGHTS
from engine.store.install import check_room
from engine.store.steps import Step

_PROGRAM = Path(__file__).with_name("fetch.py")
_RATE_OVER_S = 5.0
_QUIET = {
    "HF_HUB_OFFLINE": "0",
    "TRANSFORMERS_OFFLINE": "0",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",  # a protocol of its own, that does not go on where it was stopped
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "DO_NOT_TRACK": "1",
}


def download(offer: Offer, folder: Path) -> Iterator[Step]:
    """Fetch what is missing of `offer` into `folder`, and check it all. Raises BaseError.

    It can be stopped between any two steps; a later call goes on where it was.
    """
    if offer.pickled:
        (folder / WEIGHTS).unlink(missing_ok=True)  # rewritten by an earlier try: done again from what is checked
    check_room(folder, room_needed(offer, folder))
    arguments = [str(folder), offer.repository, offer.revision, *(file.path for file in offer.files)]
    meter = _Meter()
    published: list[Mapping[str, Any]] = []
    finished, failed = False, ""
    yield Step("Connecting", 0, None)
    with child(_PROGRAM, arguments, ["-P"], os.environ | _QUIET) as helper:
        for told in helper.told():
            if told is not None and "files" in told:
                published = list(told["files"])
                check_promises(offer, published)
                meter.total = sum(int(file["size"]) for file in published)
            elif told is not None and "bytes" in told:
                meter.measure(int(told["bytes"]))
            elif told is not None:
                finished, failed = "done" in told, str(told.get("failed", ""))
            yield meter.step()
    if not finished:
        raise _failure(offer, failed)
    yield from _checked(offer, folder, published)


def room_needed(offer: Offer, folder: Path) -> int:
    """Bytes still to come, and those of a second copy while pickled weights are rewritten."""
    there = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    rewritten = sum(file.size_bytes for file in offer.weights) if offer.pickled else 0
    return max(0, offer.size_bytes + rewritten - there)


def check_promises(offer: Offer, published: list[Mapping[str, Any]]) -> None:
    """Whether the hub has, at the pinned commit, what the catalogue says. Raises BaseError."""
    there = {str(file["path"]): file for file in published}
    for file in offer.files:
        if file.path not in there:
            raise BaseError(f"{offer.repository} no longer has {file.path}.", _ELSEWHERE)
        stated = there[file.path]
        if int(stated["size"]) != file.size_bytes or (stated["sha256"] or file.sha256) != file.sha256:
            raise _changed(offer, file.path)


def _checked(offer: Offer, folder: Path, published: list[Mapping[str, Any]]) -> Iterator[Step]:
    """Compare every file with the hub's checksum and the catalogue's; a wrong one is deleted. Raises BaseError."""
    promised = {file.path: file for file in offer.files}
    total, done = sum(int(file["size"]) for file in published), 0
    for file in published:
        yield Step("Checking", done, total)
        path = folder / str(file["path"])
        if not _is_as_published(path, file, promised.get(str(file["path"]))):
            path.unlink(missing_ok=True)
            raise BaseError(
                f"{path.name} of {offer.title} did not arrive as it was sent: its checksum is wrong.",
                "It was deleted. Try again; what else has arrived is kept.",
            )
        done += int(file["size"])


def _is_as_published(path: Path, stated: Mapping[str, Any], promised: OfferedFile | None) -> bool:
    if path.stat().st_size != int(stated["size"]):
        return False
    sha256 = sha256_of(path)
    if promised is not None and promised.sha256 != sha256:
        return False
    return bool(sha256 == stated["sha256"] if stated["sha256"] else _git_id(path) == stated["git"])


def _git_id(path: Path) -> str:
    """What git, and so the hub, calls a small file's content: SHA-1 of a header and the content."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class _Meter:
    """How much has come, how fast in the last seconds, and how long the rest takes."""

    def __init__(self) -> None:
        self.total: int | None = None
        self._done = 0
        self._seen: deque[tuple[float, int]] = deque()

    def measure(self, done: int) -> None:
        now = time.monotonic()
        self._done = done
        self._seen.append((now, done))
        while now - self._seen[0][0] > _RATE_OVER_S:
            self._seen.popleft()

    def step(self) -> Step:
        if self.total is None:
            return Step("Connecting", 0, None)
        rate, remaining_s = None, None
        if len(self._seen) > 1 and (time_s := time.monotonic() - self._seen[0][0]) >= 0.5:
            rate = (self._done - self._seen[0][1]) / time_s
            remaining_s = (self.total - self._done) / rate if rate > 0 else None
        return Step("Downloading", self._done, self.total, rate, remaining_s)


_ELSEWHERE = "Get the model's folder elsewhere and add it: serstudio models add FOLDER"
_FAILURES = {
    "offline": (
        "The download of {title} stopped: there is no connection to where it is published.",
        "Try again when you are online: it goes on where it was. Without a network: serstudio models add FOLDER",
    ),
    "gone": ("{repository} is no longer there, or not at the version that SER Studio knows.", _ELSEWHERE),
    "gated": ("{repository} is only given to people who ask its publisher.", _ELSEWHERE),
    "refused": ("The publisher's server refused {title} for now.", "Try again later: it goes on where it was."),
    "full": ("The disk is full.", "Free some space and try again: the download goes on where it was."),
    "": ("The download of {title} stopped.", "Try again: it goes on where it was."),
}


def _failure(offer: Offer, kind: str) -> BaseError:
    message, hint = _FAILURES.get(kind, _FAILURES[""])
    return BaseError(message.format(title=offer.title, repository=offer.repository), hint)


def _changed(offer: Offer, path: str) -> BaseError:
    return BaseError(
        f"{path} of {offer.repository} is not the file that SER Studio knows: its size or checksum differs.",
        "Nothing was downloaded. Update SER Studio, or add a copy that you trust: serstudio models add FOLDER",
    )
