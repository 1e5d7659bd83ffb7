"""Live: sound in, decisions out, from a microphone or from a file through the very same code."""

import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.audio.capture import Microphone
from engine.audio.decode import iter_audio, probe_audio
from engine.decision import Decision
from engine.errors import MicrophoneError
from serstudio.usecases.worker_process import failure_of

if TYPE_CHECKING:
    from serstudio.usecases.live_session import LiveSession

Samples = NDArray[np.float32]

BLOCK_S = 0.05


@dataclass(frozen=True)
class OpenStream:
    """Load this model, of a model folder or a project, and expect blocks at this rate."""

    model: Path
    rate_hz: int
    device: str = "auto"
    precision: str = "auto"  # of `engine.choices.PRECISIONS`


@dataclass(frozen=True)
class EndStream:
    """To the child: nothing more will come; say what was heard."""


@dataclass(frozen=True)
class LabelShown:
    """A label of the model, as it is drawn."""

    name: str
    colour: str
    symbol: str


@dataclass(frozen=True)
class StreamStarted:
    """The model is loaded. `first_decision_s`: how much must be heard before anything is said.

    `note`: what the user should know of where it runs; mostly empty.
    """

    labels: tuple[LabelShown, ...]
    language: str
    first_decision_s: float
    note: str = ""


@dataclass(frozen=True)
class StreamEnded:
    """The answer for everything heard: what `classify` says of the same sound. None if it was too short."""

    label: str | None
    scores: dict[str, float]
    duration_s: float
    window_count: int


StreamEvent = StreamStarted | Decision | StreamEnded


def file_blocks(path: Path, *, in_real_time: bool) -> tuple[int, Iterator[Samples]]:
    """Rate in Hz and mono blocks of 50 ms; in real time they come as fast as they would be spoken."""
    rate_hz = probe_audio(path).rate_hz

    def blocks() -> Iterator[Samples]:
        started, given_s = time.monotonic(), 0.0
        for block in iter_audio(path, BLOCK_S):
            given_s += len(block) / rate_hz
            if in_real_time:
                time.sleep(max(0.0, started + given_s - time.monotonic()))
            yield block

    return rate_hz, blocks()


def microphone_blocks(microphone: Microphone, seconds: float | None = None) -> Iterator[Samples]:
    """What a started `microphone` hears, until `seconds` have passed (None: for ever).

    MicrophoneError once it is unplugged: it would be silent for ever, and the last answer stand there as if new.
    """
    started = time.monotonic()
    while seconds is None or time.monotonic() - started < seconds:
        time.sleep(BLOCK_S)
        if not microphone.running:
            raise MicrophoneError("The microphone went away.", "Plug it in and start again.")
        yield microphone.ring.read_new()


def stream_live(request: OpenStream, blocks: Iterable[Samples]) -> Iterator[StreamEvent]:
    """Classify `blocks` as they come. Raises SerStudioError."""
    session = _open_session(request)
    yield session.started
    for block in blocks:
        yield from session.feed(block)
    yield session.finish()


def serve_live(connection: Connection) -> None:
    """The child side of the window's Live screen: OpenStream, then arrays of samples, then EndStream.

    Answers with StreamStarted, Decision and StreamEnded, or Failed. None, or the parent's end, ends the process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the window to act on
    session: LiveSession | None = None
    try:
        while (message := connection.recv()) is not None:
            try:
                session = _act(connection, session, message)
            except ConnectionError:
                return
            except Exception as error:
                session = None
                connection.send(failure_of(error))
    except (EOFError, OSError):
        return  # the parent is gone


def _act(
    connection: Connection, session: "LiveSession | None", message: OpenStream | EndStream | Samples
) -> "LiveSession | None":
    """Do what one message asks for; returns the session that is open afterwards."""
    if isinstance(message, OpenStream):
        session = _open_session(message)
        connection.send(session.started)
    elif session is None:
        pass  # sound that was on its way when the stream failed
    elif isinstance(message, EndStream):
        connection.send(session.finish())
        return None
    else:
        for event in session.feed(message):
            connection.send(event)
    return session


def _open_session(request: OpenStream) -> "LiveSession":
    """Imported here, for the window takes the messages from this module and must not load torch."""
    from serstudio.usecases.live_session import LiveSession

    return LiveSession(request)
