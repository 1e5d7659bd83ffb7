"""compare: methods side by side on the labels of a project."""

from pathlib import Path

import click

from engine.choices import METHODS
from serstudio.cli import output
from serstudio.cli.models import base_option, device_option, seed_option
from serstudio.cli.projects import FOLDER, json_option
from serstudio.comparison_words import BRACKETS, bases_words, best_method, difference_words, scheme_words, summary
from serstudio.errors import SerStudioError
from serstudio.method_words import METHOD_SOURCES, method_title
from serstudio.usecases.comparison_requests import USUAL_METHODS, ComparedMethod, CompareProject, ProjectCompared
from serstudio.wording import in_words


@click.command()
@click.argument("folder", metavar="PROJECT", type=FOLDER)
@click.option(
    "--method",
    "methods",
    type=click.Choice(METHODS),
    multiple=True,
    help="May be given more than once; the others are compared with the first. [default: what the base recommends, "
    f"then {', '.join(USUAL_METHODS)}]",
)
@base_option
@device_option
@seed_option
@json_option
def compare(folder: Path, methods: tuple[str, ...], base: str, device: str, seed: int, as_json: bool) -> None:
    """Compare methods on the labels of PROJECT.

    Every method is adapted anew in two or three parts of your clips, each without one part, and is then asked about
    the part that it has not heard. The parts are of whole speakers where they are named, and the same for all
    methods. Nothing in the project changes. It takes some minutes, for each method is adapted several times.

    hgfm, multigate and fmaml are other groups' systems, rebuilt from their papers. Each starts from a base of its
    own that comes with SER Studio. Only hgfm can be put on another: where --base names one, it starts from that, with
    a new network unless that base holds a trained one. All are done as their base recommends.
    """
    request = CompareProject(folder=folder, methods=methods, base=base, device=device, seed=seed)
    compared = output.follow(request, ProjectCompared)
    if as_json:
        output.print_json(compared)
    else:
        _say(compared)
    if all(each.figures is None for each in compared.methods):
        raise SerStudioError("No method could be measured.", "The reasons stand above.")


def _say(compared: ProjectCompared) -> None:
    best = best_method(compared.methods)
    first = compared.methods[0].method
    columns = ("", "method", "accuracy", "95 %", "unweighted", "macro-F1", "adapting", f"beside {first}")
    output.print_table(
        columns,
        [_cells(each, is_best=each.method == best) for each in compared.methods if each.figures is not None],
        numbers=columns[2:7],
    )
    for each in compared.methods:
        if each.figures is None:
            output.say(f"{each.method} could not be measured: {each.error} {each.hint}".rstrip())
    output.say("")
    output.say(f"{summary(compared)} Chance is {compared.chance:.0%}.")
    if any(each.figures is not None and each.figures.difference is not None for each in compared.methods):
        output.say(BRACKETS)
    output.say(scheme_words(compared))
    output.say(bases_words(compared.methods))
    for each in compared.methods:
        output.say(f"  {each.method}: {method_title(each.method)}. {METHOD_SOURCES[each.method]}")


def _cells(compared: ComparedMethod, *, is_best: bool) -> tuple[str, ...]:
    figures = compared.figures
    assert figures is not None
    low, high = figures.interval
    return (
        "*" if is_best else "",
        f"{compared.method} (recommended)" if compared.is_recommended else compared.method,
        f"{figures.accuracy:.0%}",
        f"{low:.0%} to {high:.0%}",
        f"{figures.unweighted_accuracy:.0%}",
        f"{figures.macro_f1:.2f}",
        in_words(figures.adaptation_s) if figures.adaptation_s >= 1 else f"{figures.adaptation_s:.1f} s",
        difference_words(figures),
    )
