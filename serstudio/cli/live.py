"""live: one bar a label for a microphone, or for a file in its place."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serstudio.cli import output
from serstudio.cli.models import classifying_precision_option, device_option
from serstudio.cli.projects import FOLDER
from serstudio.cli.recording import find_device

if TYPE_CHECKING:
    from rich.console import RenderableType

    from engine.audio.capture import Microphone
    from engine.decision import Decision
    from serstudio.usecases.stream_live import Samples, StreamEnded, StreamEvent, StreamStarted

_BAR_CELLS = 40


@click.command()
@click.argument("model", metavar="MODEL_OR_PROJECT", type=FOLDER)
@click.option("--input", "input_file", type=FOLDER, metavar="CLIP", help="A file in place of the microphone.")
@click.option("--fast", is_flag=True, help="Take --input as fast as it can be read, not as it sounds.")
@click.option("--device-name", metavar="NAME", help="Part of a microphone's name; `serstudio doctor` lists them.")
@click.option("--seconds", type=output.FiniteRange(min=0.1), metavar="N", help="Stop after N seconds of sound.")
@device_option
@classifying_precision_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, as they come.")
def live(
    model: Path,
    input_file: Path | None,
    fast: bool,
    device_name: str | None,
    seconds: float | None,
    device: str,
    precision: str,
    as_json: bool,
) -> None:
    """Classify as it is spoken; Ctrl-C stops.

    Five times a second, from the last two seconds.
    """
    if input_file is not None and device_name is not None:
        raise click.UsageError("Give either --input or --device-name.")
    if fast and input_file is None:
        raise click.UsageError("--fast needs --input: nobody speaks faster than he speaks.")
    from serstudio.usecases.stream_live import OpenStream, file_blocks, stream_live

    with ExitStack() as stack:
        if input_file is not None:
            rate_hz, blocks = file_blocks(input_file, in_real_time=not fast)
        else:
            rate_hz, blocks = _open_microphone(device_name, stack)
        if seconds is not None:
            blocks = _first_seconds(blocks, round(seconds * rate_hz))
        _show(stream_live(OpenStream(model, rate_hz, device, precision), blocks), as_json=as_json)


def _open_microphone(device_name: str | None, stack: ExitStack) -> "tuple[int, Iterator[Samples]]":
    """The microphone's rate, and its blocks; it is opened when the first one is asked for."""
    from engine.audio.capture import Microphone

    microphone = Microphone(find_device(device_name))
    stack.callback(microphone.stop)
    return microphone.rate_hz, _listen(microphone)


def _listen(microphone: "Microphone") -> "Iterator[Samples]":
    from serstudio.usecases.stream_live import microphone_blocks

    microphone.start()  # now: what was said while the model loaded is old
    yield from microphone_blocks(microphone)


def _first_seconds(blocks: "Iterator[Samples]", samples: int) -> "Iterator[Samples]":
    for block in blocks:
        yield block[:samples]
        samples -= len(block)
        if samples <= 0:
            return


def _show(events: "Iterator[StreamEvent]", *, as_json: bool) -> None:
    """Draw bars on a terminal; else one line a decision. The answer for all that was heard comes last."""
    from rich.live import Live

    from engine.decision import Decision
    from serstudio.usecases.stream_live import StreamEnded, StreamStarted

    kinds = {StreamStarted: "started", Decision: "heard", StreamEnded: "ended"}

    console = output.stdout_console()
    draws = console.is_terminal and not as_json
    started: StreamStarted | None = None
    with Live(console=console, auto_refresh=False, transient=True) if draws else ExitStack() as screen:
        for event in events:
            if as_json:
                kind = kinds[type(event)]
                click.echo(output.to_json({"event": kind, **output.to_plain(event)}, indent=None))
            elif isinstance(event, StreamStarted):
                started = event
                if started.note:
                    output.warn(started.note)
            elif isinstance(event, Decision) and started is not None:
                if isinstance(screen, Live):
                    screen.update(_bars(started, event), refresh=True)
                else:
                    output.say(_line(started, event))
            elif isinstance(event, StreamEnded):
                ended = event
    if not as_json:
        _say_end(ended)


def _bars(started: "StreamStarted", heard: "Decision") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    best = max(heard.scores)
    for label, score in zip(started.labels, heard.scores, strict=True):
        style = "dim" if heard.quiet else label.colour
        filled = round(score * _BAR_CELLS)
        bar = Text("█" * filled + "·" * (_BAR_CELLS - filled), style=style)
        strong = "bold" if score == best and not heard.quiet else ""
        table.add_row(Text(f"{label.symbol} {label.name}", style=strong), bar, Text(f"{score:4.0%}", style=strong))
    quiet = "  too quiet to judge" if heard.quiet else ""
    table.add_row(Text(f"{heard.end_s:.1f} s"), Text(f"{heard.level_dbfs:.0f} dB{quiet}", style="dim"), Text(""))
    return table


def _line(started: "StreamStarted", heard: "Decision") -> str:
    if heard.quiet:
        return f"{heard.end_s:6.1f} s  too quiet to judge ({heard.level_dbfs:.0f} dB)"
    score, label = max(zip(heard.scores, (each.name for each in started.labels), strict=True))
    return f"{heard.end_s:6.1f} s  {label} {score:.0%}"


def _say_end(ended: "StreamEnded") -> None:
    if ended.label is None:
        output.warn("Too little was heard to say anything.")
        return
    scores = ", ".join(f"{name} {score:.0%}" for name, score in ended.scores.items())
    output.say(f"All {ended.duration_s:.1f} s: {ended.label} ({scores})")
