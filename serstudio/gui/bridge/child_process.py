"""Starting a child process of the window, or saying in words why there is none."""

import multiprocessing as mp
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from engine.errors import SerStudioError

SPAWN = mp.get_context("spawn")


def start_child(serve: Callable[..., None], name: str, *more: object) -> tuple[SpawnProcess, Connection]:
    """A process that runs `serve` with one end of a pipe, and with `more`; the other end is ours.

    Raises OSError where the system has no room for it; nothing is left open then.
    """
    ours, theirs = SPAWN.Pipe()
    with theirs:  # closed here, so that the end of the child is seen as the end of the pipe
        try:
            process = SPAWN.Process(target=serve, args=(theirs, *more), name=f"serstudio-{name}", daemon=True)
            process.start()
        except BaseException:
            ours.close()
            raise
    return process, ours


@contextmanager
def start_in_words() -> Iterator[None]:
    """Turn what the system says while a process is started into a cause and a mend."""
    try:
        yield
    except OSError as error:
        raise SerStudioError(
            f"The engine could not be started ({error.strerror or error}).", "Close other programs, and try again."
        ) from error
