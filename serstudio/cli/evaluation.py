"""evaluate: the few-shot protocol of the main paper over any manifest."""

import os
from pathlib import Path

import click

from engine.choices import METHODS, Protocol
from serstudio.cli import output
from serstudio.cli.models import (
    base_option,
    device_option,
    head_option,
    say_confusion,
    seed_option,
    speaker_mean_option,
    tuning_options,
)
from serstudio.cli.projects import FOLDER
from serstudio.usecases.research_requests import (
    CompareMethods,
    Evaluated,
    EvaluateManifest,
    MethodsCompared,
    MethodUsed,
)
from serstudio.wording import bytes_in_words, counted

_COUNT = click.IntRange(min=1)


@click.command()
@click.option("--manifest", required=True, type=FOLDER, metavar="CSV", help="Columns file,label,speaker.")
@click.option("--root", type=FOLDER, metavar="DIR", help="Where its files lie. [default: beside it]")
@click.option(
    "--ways", type=click.IntRange(min=2), metavar="N", default=4, show_default=True, help="Labels an episode."
)
@click.option("--shots", type=_COUNT, metavar="N", default=5, show_default=True, help="Support clips a label.")
@click.option("--queries", type=_COUNT, metavar="N", default=12, show_default=True, help="Query clips a label.")
@click.option("--episodes", type=_COUNT, metavar="N", default=100, show_default=True, help="Episodes to draw.")
@click.option(
    "--protocol",
    type=click.Choice([protocol.value for protocol in Protocol]),
    default="random",
    show_default=True,
    help="new-speakers: query speakers are absent from the support.",
)
@base_option
@click.option(
    "--method",
    "methods",
    type=click.Choice(METHODS),
    multiple=True,
    help="May be given more than once: every method gets the same episodes. [default: as the base recommends]",
)
@tuning_options
@head_option
@speaker_mean_option
@device_option
@seed_option
@click.option(
    "--json",
    "json_path",
    type=FOLDER,
    metavar="OUT.json",
    help="Write the result there as JSON; a list if there are several methods.",
)
def evaluate(
    manifest: Path,
    root: Path | None,
    ways: int,
    shots: int,
    queries: int,
    episodes: int,
    protocol: str,
    base: str,
    methods: tuple[str, ...],
    steps: int | None,
    lr: float | None,
    trained: str | None,
    precision: str,
    head: str | None,
    speaker_mean: bool | None,
    device: str,
    seed: int,
    json_path: Path | None,
) -> None:
    """Measure few-shot accuracy over a corpus manifest.

    The protocol of section 4.5 of the main paper: many random episodes, each with a few support
    clips a label to adapt to, and query clips to classify.
    """
    if json_path is not None:
        _refuse_unwritable(json_path)
    request = EvaluateManifest(
        manifest=manifest,
        root=root,
        ways=ways,
        shots=shots,
        queries=queries,
        episodes=episodes,
        protocol=protocol,
        base=base,
        steps=steps,
        learning_rate=lr,
        device=device,
        seed=seed,
        head=head,
        trained=trained,
        speaker_mean=speaker_mean,
        precision=precision,
    )
    if methods:
        results = output.follow(CompareMethods(request, methods), MethodsCompared).results
    else:
        results = (output.follow(request, Evaluated),)
    for evaluated in results:
        _say(evaluated)
    for skipped in results[0].skipped:
        output.warn(f"skipped {skipped.file}: {skipped.reason}")
    if json_path is not None:
        text = output.to_json(results[0] if len(results) == 1 else results)
        # a name in an old encoding is escaped, in JSON's own way
        json_path.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")


def _refuse_unwritable(path: Path) -> None:
    """Before the episodes, which may take hours, and not when they are to be written."""
    if not path.resolve().parent.is_dir():
        raise click.UsageError(f"The folder of {path} does not exist; make it first.")
    if path.is_dir():
        raise click.UsageError(f"{path} is a folder; --json needs the name of a file.")
    if not os.access(path if path.exists() else path.resolve().parent, os.W_OK):
        raise click.UsageError(f"{path} may not be written; choose another place.")


def _in_words(used: MethodUsed, evaluated: Evaluated) -> str:
    """With the number of its episodes, where they are not all."""
    tuned = f"{used.method}, {used.steps} steps of {evaluated.request.trained}, head {used.head}"
    how = tuned if used.steps else used.head
    return how if len(evaluated.methods_used) == 1 else f"{how} ({counted(used.episodes, 'episode')})"


def _say(evaluated: Evaluated) -> None:
    request = evaluated.request
    how = " or ".join(_in_words(used, evaluated) for used in evaluated.methods_used)
    half = evaluated.accuracy_ci95
    reach = "(one episode, so no interval" if half is None else f"± {half:.1%} ({request.episodes:,} episodes"
    voices = ", speaker mean" if request.speaker_mean else ""
    output.say(
        f"{request.ways}-way {request.shots}-shot, {request.protocol}, {request.base}, {how}{voices}: "
        f"accuracy {evaluated.accuracy:.1%} {reach}; chance {1 / request.ways:.0%})."
    )
    memory = f", at most {bytes_in_words(evaluated.peak_memory_bytes)} of memory" if evaluated.peak_memory_bytes else ""
    output.say(
        f"Unweighted accuracy {evaluated.unweighted_accuracy:.1%}, macro-F1 {evaluated.macro_f1:.3f}, "
        f"{evaluated.seconds_per_episode:.2f} s an episode "
        f"and {evaluated.shared_seconds:.1f} s for the clips, on {evaluated.machine}{memory}."
    )
    say_confusion(evaluated.labels, evaluated.confusion)
