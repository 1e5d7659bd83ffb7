"""The child side of the window's worker process: requests in, events out. No Qt here.

The parent sends a Request and reads events until Done, Failed or Cancelled; None ends the process. The cancel
flag is looked at after every event; a child that is too deep in a step to notice is killed by the parent.
"""

import signal
import sys
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event as CancelFlag

from engine.errors import SerStudioError
from serstudio.bug_report import describe_bug
from serstudio.usecases.dispatch import Request, run
from serstudio.usecases.events import Done


@dataclass(frozen=True)
class Failed:
    """The job ended with an error. `report` is empty when the user can mend it, else the text of a bug report."""

    message: str
    hint: str
    report: str


@dataclass(frozen=True)
class Cancelled:
    """The job ended because the user asked for it."""


def failure_of(error: Exception) -> Failed:
    """An error as it crosses the pipe."""
    if isinstance(error, SerStudioError):
        return Failed(error.message, error.hint, "")
    return Failed("Something went wrong inside SER Studio.", "Please send us the report.", describe_bug(error))


def serve_jobs(connection: Connection, cancel: CancelFlag) -> None:
    """Serve until the parent sends None or goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the window to act on
    while True:
        try:
            request = connection.recv()
            if request is None:
                return
            _serve_one(connection, cancel, request)
        except (EOFError, OSError):
            return  # the parent is gone, and with it whoever wanted the answer


def _serve_one(connection: Connection, cancel: CancelFlag, request: Request) -> None:
    """Send the events of one request; the last is Done, Failed or Cancelled."""
    try:
        with closing(run(request)) as events:  # closing lets the use-case clean up what is half written
            for event in events:
                connection.send(event)
                if cancel.is_set() and not isinstance(event, Done):
                    connection.send(Cancelled())
                    return
    except ConnectionError:
        raise
    except Exception as error:
        connection.send(failure_of(error))
    finally:
        _give_back()


def _give_back() -> None:
    """Leave no memory of a GPU with this process while it waits: Live is another one, and may need it."""
    if "torch" in sys.modules:
        from engine.out_of_memory import give_back

        give_back()
