"""What the child process of Live runs. No Qt: the child is spawned from this module alone."""

import os
from importlib import import_module
from multiprocessing.connection import Connection

from serstudio.usecases.stream_live import serve_live


def serve_politely(connection: Connection) -> None:
    """`serve_live` on half of the processors: two seconds of sound need no more, and threads that wait
    for one another on a busy machine make each answer many times slower. Runs in the child.
    """
    os.environ["OMP_NUM_THREADS"] = str(min(4, max(1, (os.cpu_count() or 2) // 2)))
    import_module("serstudio.usecases.live_session")  # torch takes seconds: while the user looks at the screen
    serve_live(connection)
