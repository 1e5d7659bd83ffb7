"""The command `serstudio VERB ...`: the verbs, and what happens to errors on the way out."""

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from serstudio import __version__, bug_report
from serstudio.cli import (
    bases,
    comparison,
    evaluation,
    experiments,
    help_verbs,
    live,
    metatraining,
    models,
    output,
    projects,
    recording,
)
from serstudio.cli.signals import heeded_signals
from serstudio.errors import SerStudioError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

_EPILOGUE = "`serstudio` alone opens the window; `serstudio tour` shows the whole job on a sample."


class _InOrder(click.Group):
    """Lists the verbs in the order of the work, not of the alphabet."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrder,
    name="serstudio",
    epilog=_EPILOGUE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="SER Studio")
def commands() -> None:
    """Teach a speech emotion recogniser a new language from a handful of clips."""


for verb in (
    projects.new,
    projects.import_,
    projects.label,
    recording.record,
    models.adapt,
    models.classify,
    live.live,
    models.check,
    comparison.compare,
    models.export,
    evaluation.evaluate,
    bases.models_group,
    metatraining.metatrain,
    experiments.experiment,
    help_verbs.tour,
    help_verbs.doctor,
):
    commands.add_command(verb)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; an error is one line on standard error.

    0 done; 1 the work failed or must be mended; 2 the command line was wrong; 130 interrupted.
    """
    _make_streams_usable()
    try:
        with heeded_signals():
            returned = commands.main(args=arguments, prog_name="serstudio", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except click.UsageError as error:
        output.fail(f"{error.format_message()} {_usage_hint(error)}")
        return EXIT_USAGE
    except click.ClickException as error:
        output.fail(error.format_message())
        return EXIT_FAILED
    except SerStudioError as error:
        output.fail(str(error))
        return EXIT_FAILED
    except Exception as error:
        return _failed_unexpectedly(error)
    return returned if isinstance(returned, int) else 0


def _usage_hint(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx is not None else "serstudio"
    return f"See '{path} --help'."


def _failed_unexpectedly(error: Exception) -> int:
    """What is not a SerStudioError: the machine's refusal (disk full, no permission), or our bug."""
    if isinstance(error, OSError) and (error.filename or error.errno == errno.ENOSPC):
        where = f" ({error.filename})" if error.filename else ""
        mend = "Free some space" if error.errno == errno.ENOSPC else "Check the path and its permissions"
        output.fail(f"The system refused: {error.strerror}{where}. {mend} and try again.")
        return EXIT_FAILED
    report = bug_report.write_bug_report(error)
    output.fail(
        f"A mistake of ours: {bug_report.one_line(error)}. "
        f"A report without your paths was written to {report}; please send it to us."
    )
    return EXIT_FAILED


def _make_streams_usable() -> None:
    """A closed stream swallows what it is given; a label in a script that the terminal lacks is escaped."""
    sys.stdout, sys.stderr = (stream or Path(os.devnull).open("w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    if os.name == "nt":  # colours and bars in the old Windows console
        os.system("")
