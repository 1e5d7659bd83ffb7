"""record: a clip from a microphone into a project, with a level meter."""

import queue
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serstudio.cli import output
from serstudio.cli.projects import FOLDER, json_option, keep_recovered
from serstudio.cli.signals import Terminated

if TYPE_CHECKING:
    from serstudio.project import Clip
    from serstudio.usecases.record_clip import Recorder

_METER_S = 0.1
_FLOOR_DBFS = -60.0


def find_device(name: str | None) -> int | None:
    """Index of the input device whose name contains `name`; None (the default one) for no name."""
    from engine.audio.capture import list_input_devices
    from engine.errors import MicrophoneError

    if name is None:
        return None
    devices = list_input_devices()
    for device in devices:
        if name.lower() in device.name.lower():
            return device.index
    known = ", ".join(f"'{device.name}'" for device in devices) or "none"
    raise MicrophoneError(f"No microphone is called '{name}'.", f"This machine has: {known}.")


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--name", help="The clip's name. [default: the time]")
@click.option("--as", "label_name", metavar="LABEL", help="Give the clip this label.")
@click.option("--speaker", metavar="S", help="Say who speaks.")
@click.option(
    "--seconds", type=output.FiniteRange(min=0.1), metavar="N", help="Stop after N seconds. [default: at Enter]"
)
@click.option("--device-name", metavar="NAME", help="Part of a microphone's name; `serstudio doctor` lists them.")
@json_option
def record(
    folder: Path,
    name: str | None,
    label_name: str | None,
    speaker: str | None,
    seconds: float | None,
    device_name: str | None,
    as_json: bool,
) -> None:
    """Record one clip into the project DIR.

    Enter stops; Ctrl-C throws the recording away.
    """
    from contextlib import closing

    from serstudio.errors import ProjectError
    from serstudio.project import Project
    from serstudio.usecases.label_clips import label_clips
    from serstudio.usecases.record_clip import Recorder

    if seconds is None and not sys.stdin.isatty():
        raise click.UsageError("Nobody can press Enter here: give --seconds.")
    device = find_device(device_name)
    with Project.open(folder) as project, closing(Recorder(project, device)) as recorder:
        keep_recovered(project)
        if label_name is not None and project.find_label(label_name) is None:
            known = ", ".join(label.name for label in project.labels()) or "none"
            raise ProjectError(f"The project has no label '{label_name}'.", f"It has: {known}.")
        clip = _record(recorder, name, seconds)
        if label_name is not None:
            label_clips(project, [clip.id], label_name)
        if speaker is not None:
            project.set_speaker([clip.id], speaker.strip() or None)
        if as_json:
            output.print_json(project.clip(clip.id))
        else:
            output.say(f"Recorded {clip.name}: {clip.duration_s:.1f} s (id {clip.id}).")


def _record(recorder: "Recorder", name: str | None, seconds: float | None) -> "Clip":
    """Record until the time is up or Enter. Ctrl-C discards the recording; what else ends it leaves it for recovery."""
    recorder.start()
    recorder.begin()
    try:
        with output.progress_bar() as bar:
            task = bar.add_task("Recording" if seconds else "Recording; Enter stops", total=seconds, tail="")
            stop = _enter_pressed() if seconds is None else queue.SimpleQueue()
            while stop.empty() and recorder.problem is None and (seconds is None or recorder.elapsed_s < seconds):
                bar.update(task, completed=min(recorder.elapsed_s, seconds or 0.0), tail=_meter(recorder))
                time.sleep(_METER_S)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and not isinstance(error, Terminated):
            recorder.discard()
        else:
            output.warn("The recording was cut off.", "It is kept, and comes back when the project is opened again.")
        raise
    if recorder.problem is not None:
        output.warn(recorder.problem, "What was recorded until then is kept.")
    if recorder.overruns:
        output.warn("The machine was too busy and lost some samples.", "Close other programs.")
    return recorder.finish(name)


def _meter(recorder: "Recorder") -> str:
    level = recorder.levels()
    filled = round(20 * (max(level.peak_dbfs, _FLOOR_DBFS) - _FLOOR_DBFS) / -_FLOOR_DBFS)
    clipped = " CLIPPED" if level.clipped else ""
    return f"{'█' * filled}{'·' * (20 - filled)} {level.peak_dbfs:5.0f} dB{clipped}"


def _enter_pressed() -> "queue.SimpleQueue[str]":
    """A queue that gets the line once Enter is pressed; its thread ends with the program."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=lambda: lines.put(sys.stdin.readline()), daemon=True).start()
    return lines
