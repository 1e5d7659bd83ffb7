"""What goes to standard output and what to standard error."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import pytest

from serstudio.cli import output
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.wording import counted


class Colour(Enum):
    DARK_RED = 1


@dataclass(frozen=True)
class Thing:
    path: Path
    colour: Colour
    parts: tuple[float, ...]


def test_json_of_everything_that_results_hold() -> None:
    thing = Thing(Path("a/b"), Colour.DARK_RED, (0.1, 1 / 3))
    when = datetime(2026, 1, 2, tzinfo=UTC)
    plain = json.loads(output.to_json({"things": [thing], 1: {"é"}, "none": None, "when": when}))
    assert plain == {
        "things": [{"path": "a/b", "colour": "dark_red", "parts": [0.1, 1 / 3]}],
        "1": ["é"],
        "none": None,
        "when": "2026-01-02T00:00:00+00:00",
    }


def test_what_is_no_number_is_null_for_json_has_no_nan() -> None:
    text = output.to_json({"loss": float("nan"), "most": [float("inf"), 1.5]}, indent=None)
    assert text == '{"loss": null, "most": [null, 1.5]}'


def _events(log: list[str]) -> Iterator[Event]:
    try:
        yield Progress(1, 2, "half", loss=0.5, remaining_s=3.0)
        yield Warned("two\nlines", "and a hint")
        yield Done(3)
    finally:
        log.append("closed")


def test_follow_returns_the_result_and_warns_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    log: list[str] = []
    assert output.follow_events(_events(log), int) == 3  # type: ignore[arg-type]
    assert log == ["closed"]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "Note: two lines and a hint\n"


def test_where_no_bar_can_be_drawn_a_long_run_tells_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    now = [100.0]
    log = output.ProgressLog(output.stderr_console(), clock=lambda: now[0])
    for step, seconds in enumerate((1.0, 58.0, 2.0, 30.0, 31.0), start=1):  # 1, 59, 61, 91 and 122 s after the start
        now[0] += seconds
        log.show(Progress(step, 5, "Training", loss=0.5, remaining_s=300.0))
    lines = capsys.readouterr().err.splitlines()
    told = ["Training: 3/5, loss 0.500, about 5 min 00 s left", "Training: 5/5, loss 0.500, about 5 min 00 s left"]
    assert [line.split(" ", 1)[1] for line in lines] == told


def test_a_wrong_result_is_a_bug() -> None:
    with pytest.raises(TypeError, match="int, not str"):
        output.follow_events(_events([]), str)  # type: ignore[arg-type]


def test_the_generator_is_closed_on_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is half written is taken away by the use-case's own clean-up, and at once."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    log: list[str] = []
    events = _events(log)
    monkeypatch.setattr(output, "show_progress", interrupted)
    with pytest.raises(KeyboardInterrupt):
        output.follow_events(events, int)  # type: ignore[arg-type]
    assert log == ["closed"]


def test_tables_are_never_cut_off_and_markup_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 300 + " [bold]not markup[/bold] :smile:"
    output.print_table(("file", "score"), [(long, "0.5")], numbers=("score",))
    head, row = capsys.readouterr().out.splitlines()
    assert row.startswith(long)
    assert head.split() == ["file", "score"]


def test_counted() -> None:
    assert counted(1, "clip") == "1 clip"
    assert counted(0, "clip") == "0 clips"
