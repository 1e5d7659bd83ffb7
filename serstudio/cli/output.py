"""What the terminal shows: results on standard output, progress and warnings on standard error."""

import dataclasses
import json
import math
import sys
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from serstudio.cli.signals import heeded_signals
from serstudio.usecases import dispatch
from serstudio.usecases.dispatch import Request
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.wording import in_words

if TYPE_CHECKING:  # rich costs a tenth of a second, which `--help` does not need
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

ResultT = TypeVar("ResultT")

_WIDE = 4000  # columns of a result that goes to a file or a pipe: nothing is cut off
_LOG_EVERY_S = 60.0  # where no bar can be drawn


class FiniteRange(click.FloatRange):
    """A range of numbers that can be counted with: neither nan nor inf is."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def stdout_console() -> "Console":
    """The console of results; user text in it is never taken for markup."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDE
    return Console(width=width, markup=False, emoji=False, highlight=False)


def stderr_console() -> "Console":
    """The console of progress, warnings and errors."""
    from rich.console import Console

    return Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)


def follow(request: Request, result_type: type[ResultT]) -> ResultT:
    """Run `request` to its end, drawing its progress, and return the result that its `Done` carries."""

    def events() -> Generator[Event, None, None]:
        yield from dispatch.run(request)  # loads the use-case, and torch: under the bar, for it takes seconds

    return follow_events(events(), result_type)


def follow_events(events: Generator[Event, None, None], result_type: type[ResultT]) -> ResultT:
    """Draw `events` on standard error; the generator is closed on every way out, Ctrl-C too."""
    result: object = None
    with heeded_signals() as interrupted, closing(events) as run, progress_bar() as bar:
        task, log = bar.add_task("Starting", total=None, tail=""), ProgressLog(bar.console)
        for event in run:
            if interrupted():
                raise KeyboardInterrupt
            match event:
                case Progress():
                    show_progress(bar, task, event)
                    log.show(event)
                case Warned():
                    warn(event.message, event.hint, bar.console)
                case Done():
                    result = event.result
    if not isinstance(result, result_type):
        raise TypeError(f"the use-case gave {type(result).__name__}, not {result_type.__name__}")
    return result


def progress_bar() -> "Bar":
    """A bar that vanishes when it is done; nothing at all where standard error is not a terminal."""
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    console = stderr_console()
    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[tail]}", markup=False),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def show_progress(bar: "Bar", task: "TaskID", event: Progress) -> None:
    """Draw one step."""
    bar.update(task, description=event.message, total=event.total, completed=event.step, tail=_tail(event))


class ProgressLog:
    """Where standard error is a file, a line a minute tells how far a long run is; a short run leaves none."""

    def __init__(self, console: "Console", clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._next = clock() + _LOG_EVERY_S

    def show(self, event: Progress) -> None:
        """Tell of one step, if it is time."""
        if self._console.is_terminal or self._clock() < self._next:
            return
        self._next = self._clock() + _LOG_EVERY_S
        told = ": ".join(part for part in (event.message, _tail(event)) if part)
        self._console.print(f"{datetime.now():%H:%M:%S} {_one_line(told)}")


def _tail(event: Progress) -> str:
    """What stands behind the bar: 12/40 clips, loss 0.812, about 8 s left."""
    count = f"{event.step}/{event.total} {event.unit}".rstrip() if event.total else ""
    loss = f"loss {event.loss:.3f}" if event.loss is not None else ""
    left = f"about {in_words(event.remaining_s)} left" if event.remaining_s is not None else ""
    return ", ".join(part for part in (count, loss, left) if part)


def warn(message: str, hint: str = "", console: "Console | None" = None) -> None:
    """One line on standard error about something the user should know although the work goes on."""
    (console or stderr_console()).print(f"Note: {_one_line(f'{message} {hint}')}")


def fail(message: str) -> None:
    """The one line on standard error that ends a failed command."""
    click.echo(f"serstudio: {_one_line(message)}", err=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def say(text: str) -> None:
    """One line of a result."""
    click.echo(text)


def print_json(value: object) -> None:
    """A result for a script: one JSON document on standard output."""
    click.echo(to_json(value))


def to_json(value: object, indent: int | None = 2) -> str:
    """JSON of dataclasses, paths, enums and containers of them; floats keep all their digits."""
    plain_ascii = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
    return json.dumps(to_plain(value), ensure_ascii=plain_ascii, indent=indent)


def to_plain(value: object) -> Any:
    """`value` as dicts, lists, strings and numbers; one that JSON has no word for, such as NaN, is None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [to_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """A plain table; the columns named in `numbers` are set to the right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(Text(column), justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    stdout_console().print(table)
