"""Ctrl-C and SIGTERM while a verb runs."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def heeded_signals() -> Iterator[Callable[[], bool]]:
    """Both raise KeyboardInterrupt at once; the function given tells whether one of them came.

    A library may swallow the exception (an import hook, a destructor): who asks at every event ends all the same.
    """
    came = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        came.set()
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield came.is_set
        return
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
