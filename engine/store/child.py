"""A helper program and what it tells: JSON lines on its standard output, read without ever waiting for long."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_POLL_S = 0.1
Told = Mapping[str, Any]


class Child:
    """A running helper. `told` yields None every tenth of a second in which it says nothing, so that its reader may
    show that work goes on, and stop."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, name="store-child", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def told(self) -> Iterator[Told | None]:
        """Objects of its standard output, to its end."""
        while True:
            try:
                line = self._lines.get(timeout=_POLL_S)
            except queue.Empty:
                yield None
                continue
            if line is None:
                return
            try:
                value = json.loads(line)
            except ValueError:
                continue  # a library's own words
            if isinstance(value, dict):
                yield value

    def stop(self) -> int:
        """End it however far it is, and return its exit code."""
        if self._process.poll() is None:
            self._process.kill()
        code = self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return code


@contextmanager
def child(program: Path, arguments: list[str], options: list[str], environment: Mapping[str, str]) -> Iterator[Child]:
    """Start `python OPTIONS PROGRAM ARGUMENTS`; it is gone when the block is left.

    Its standard input is a pipe that closes when this process ends, however it ends: a helper that reads it knows.
    """
    process = subprocess.Popen(
        [sys.executable, *options, str(program), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(environment),
        text=True,
        encoding="utf-8",
        errors="replace",
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    helper = Child(process)
    try:
        yield helper
    finally:
        helper.stop()
