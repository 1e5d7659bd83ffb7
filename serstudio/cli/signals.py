"""Ctrl-C and SIGTERM while a verb runs."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM: somebody other than the user ends the program, as a logout or a shutdown does."""


@contextmanager
def heeded_signals() -> Iterator[Callable[[], bool]]:
    """Both raise KeyboardInterrupt at once, SIGTERM as `Terminated`; the function given tells whether one of them came.

    A library may swallow the exception (an import hook, a destructor): who asks at every event ends all the same.
    """
    came = threading.Event()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        came.set()
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield came.is_set
        return
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
