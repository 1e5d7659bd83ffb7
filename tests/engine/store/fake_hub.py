"""A hub on loopback: the two addresses that a download asks for, and the ways in which they can fail."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import urlsplit

REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """`files`: what the repository holds; the rest: how it behaves. `asked`: (method, path, range) of each request."""

    repository: str
    files: dict[str, bytes]
    large: frozenset[str] = frozenset({"model.safetensors", "pytorch_model.bin"})
    status: int = 200  # of every answer, with `error_code` beside it
    error_code: str = ""
    stop_after: dict[str, int] = field(default_factory=dict)  # file: bytes after which the line goes dead
    sent_instead: dict[str, bytes] = field(default_factory=dict)  # file: content that is not what was promised
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    url: str = ""
    ended: Event = field(default_factory=Event)

    def listing(self) -> dict[str, object]:
        """As the hub describes a model with the metadata of its files."""
        siblings = []
        for name, content in self.files.items():
            sibling: dict[str, object] = {
                "rfilename": name,
                "size": len(content),
                "blobId": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
            }
            if name in self.large:
                digest = hashlib.sha256(content).hexdigest()
                sibling["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
            siblings.append(sibling)
        return {"id": self.repository, "sha": REVISION, "siblings": siblings, "private": False, "tags": []}

    def ranges(self, name: str) -> list[str]:
        """The Range header of each request for that file."""
        return [asked for method, path, asked in self.asked if method == "GET" and path.endswith(f"/{name}")]


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """The hub is up inside the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            wanted = self.headers.get("Range", "")
            hub.asked.append((self.command, path, wanted))
            hub.tokens += [self.headers["Authorization"]] if self.headers["Authorization"] else []
            if hub.status != 200:
                self.answer(hub.status, b"{}", {"X-Error-Code": hub.error_code} if hub.error_code else {})
            elif path == f"/api/models/{hub.repository}/revision/{REVISION}":
                self.answer(200, json.dumps(hub.listing()).encode())
            elif path.startswith(f"/{hub.repository}/resolve/{REVISION}/"):
                self.send(path.rsplit("/", 1)[-1], wanted)
            else:
                self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

        def send(self, name: str, wanted: str) -> None:
            content = hub.sent_instead.get(name, hub.files[name])
            first = int(match[1]) if (match := re.match(r"bytes=(\d+)-", wanted)) else 0
            headers = {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"} if wanted else {}
            stop = hub.stop_after.pop(name, None)
            self.answer(
                206 if wanted else 200, content[first:], headers, None if stop is None else max(0, stop - first)
            )

        def answer(
            self, status: int, content: bytes, headers: dict[str, str] | None = None, stop: int | None = None
        ) -> None:
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "HEAD":
                return
            self.wfile.write(content[:stop])
            if stop is not None:
                self.wfile.flush()
                hub.ended.wait(30)  # nothing more comes, as when a cable is pulled
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        hub.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
