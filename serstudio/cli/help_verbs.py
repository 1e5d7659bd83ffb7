"""tour, doctor: seeing how it works, and why it does not."""

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serstudio.cli import output
from serstudio.cli.projects import FOLDER, json_option
from serstudio.usecases.events import Done, Progress, Warned

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from serstudio.usecases.tour import TourEnded


@click.command()
@click.option("--folder", type=FOLDER, metavar="DIR", help="Keep the project and the model there.")
@json_option
def tour(folder: Path | None, as_json: bool) -> None:
    """Show the whole job on the bundled synthetic sample."""
    from serstudio.usecases.tour import Said, StepStarted, TourEnded, take_tour

    ended: TourEnded | None = None
    view = _TourView(silent=as_json)
    with view, closing(take_tour(folder)) as events:
        for event in events:
            match event:
                case StepStarted():
                    view.say(f"\n{event.number}. {event.title}\n   $ {event.command}")
                case Said():
                    view.say(f"   {event.text}")
                case Progress():
                    view.progress(event)
                case Warned():
                    view.say(f"   Note: {event.message} {event.hint}".rstrip())
                case Done(result=TourEnded() as ended):
                    pass
    if ended is None:
        raise TypeError("the tour did not end with Done")
    if as_json:
        output.print_json(ended)
    else:
        _say_end(ended)


def _say_end(ended: "TourEnded") -> None:
    low, high = ended.check_interval
    output.say(
        f"\nDone in {ended.total_s:.0f} s. Of {ended.unheard_clips} clips that were not labelled, "
        f"{ended.unheard_right} were recognised; of the {ended.new_speaker_clips} of a speaker who was never "
        f"labelled, {ended.new_speaker_right}. Check expected {ended.check_accuracy:.0%} ({low:.0%} to {high:.0%})."
    )
    output.say("These clips are SYNTHETIC: the figures show that the steps work, not how well real speech does.")
    if ended.folder is not None:
        output.say(f"The project and the model are in {ended.folder}.")


class _TourView:
    """Lines on standard output; between them a bar on standard error, never both at once."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._bar: Bar | None = None
        self._stack = ExitStack()

    def __enter__(self) -> "_TourView":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def say(self, text: str) -> None:
        self._stack.close()
        self._bar = None
        if not self._silent:
            output.say(text)

    def progress(self, event: Progress) -> None:
        if self._bar is None:
            self._bar = self._stack.enter_context(output.progress_bar())
            self._bar.add_task("", total=None, tail="")
        output.show_progress(self._bar, self._bar.task_ids[0], event)


@click.command()
@json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Look at this machine, and say how to mend what is missing.

    The exit code is 1 if something will not work.
    """
    from serstudio.usecases.doctor import Finding, Verdict, examine_machine

    marks = {Verdict.OK: "ok", Verdict.NOTE: "note", Verdict.PROBLEM: "PROBLEM"}
    findings: list[Finding] = []
    for finding in examine_machine():
        findings.append(finding)
        if not as_json:
            output.say(f"{marks[finding.verdict]:<8} {finding.name + ':':<14} {finding.detail}")
            if finding.mend:
                output.say(f"{'':<23} -> {finding.mend}")
    works = all(finding.verdict is not Verdict.PROBLEM for finding in findings)
    if as_json:
        output.print_json({"works": works, "findings": findings})
    context.exit(0 if works else 1)
