"""adapt, classify, check, export: making a model, using it, trusting it, handing it on."""

from collections.abc import Callable
from pathlib import Path

import click

from engine.choices import DEVICES, HEADS, METHODS, PRECISIONS, TRAINED, TUNING_PRECISIONS
from serstudio.cli import output
from serstudio.cli.projects import FOLDER, json_option
from serstudio.errors import SerStudioError
from serstudio.licence_words import terms_of
from serstudio.method_words import known_words
from serstudio.usecases.requests import (
    AdaptProject,
    CheckProject,
    CheckReport,
    ClassifyFiles,
    ExportModel,
    FilesClassified,
    ModelExported,
    VersionAdded,
)
from serstudio.usecases.small_export import needed_words
from serstudio.wording import bytes_in_words, counted

base_option = click.option(
    "--base",
    default="compact",
    show_default=True,
    metavar="NAME",
    help="compact, an installed model (see serstudio models list), or the folder of a model.",
)
device_option = click.option(
    "--device",
    type=click.Choice(DEVICES),
    default="auto",
    show_default=True,
    help="auto: a graphics card (cuda, then mps) where there is one, else the processor.",
)
classifying_precision_option = click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="auto",
    show_default=True,
    help="Of the numbers that the model's layers compute with; bf16 and int8 change scores a little. auto: the most "
    "exact one that is clearly faster than fp32, as measured once on this machine; else fp32.",
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),  # what every generator that draws from it takes
    metavar="N",
    default=0,
    show_default=True,
    help="The same seed, the same result; on a GPU up to rounding.",
)
method_option = click.option(
    "--method",
    type=click.Choice(METHODS),
    help="disjoint and pmf tune the encoder, which takes minutes; prototypes, logistic, ridge, lda and "
    "known-emotions only fit that head, which takes seconds; hgfm (XLSR-HGFM), multigate (multi-gating with "
    "architecture search) and fmaml (F-MAML) are published alternatives with a base of their own. [default: as "
    "the base recommends]",
)
head_option = click.option("--head", type=click.Choice(HEADS), help="Which head is fitted, also after tuning.")
speaker_mean_option = click.option(
    "--speaker-mean/--no-speaker-mean",
    default=None,
    help="Take each named speaker's mean away, so that the voice itself counts less; only of speakers with two "
    "labels or more, or with neutral clips.",
)


def tuning_options(command: Callable[..., None]) -> Callable[..., None]:
    """--steps, --lr, --trained, --precision: without them it is what the base recommends."""
    options = (
        click.option(
            "--steps",
            type=click.IntRange(min=0),
            metavar="N",
            help="Steps of tuning. [default: as the base recommends]",
        ),
        click.option(
            "--lr",
            type=output.FiniteRange(min=0, min_open=True),
            metavar="RATE",
            help="Learning rate. [default: as the base recommends for what is tuned]",
        ),
        click.option(
            "--trained",
            type=click.Choice(TRAINED),
            help="What is tuned: the whole encoder, low-rank additions to it, its LayerNorms, its highest layers or "
            "their LayerNorms, its extractor, or a linear map after that. [default: as the base recommends]",
        ),
        click.option(
            "--precision",
            type=click.Choice(TUNING_PRECISIONS),
            default="auto",
            show_default=True,
            help="Of the products in tuning. auto: bf16 where the machine has it in hardware.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@base_option
@method_option
@tuning_options
@head_option
@speaker_mean_option
@device_option
@seed_option
@json_option
def adapt(
    folder: Path,
    base: str,
    method: str | None,
    steps: int | None,
    lr: float | None,
    trained: str | None,
    precision: str,
    head: str | None,
    speaker_mean: bool | None,
    device: str,
    seed: int,
    as_json: bool,
) -> None:
    """Make a new model version from the labels of DIR.

    It always starts from the base and uses all labelled clips; earlier versions stay. The base says how it is
    best adapted; --method disjoint is the main paper's own fine-tuning.
    """
    request = AdaptProject(
        folder=folder,
        base=base,
        method=method,
        steps=steps,
        learning_rate=lr,
        device=device,
        seed=seed,
        head=head,
        trained=trained,
        speaker_mean=speaker_mean,
        precision=precision,
    )
    added = output.follow(request, VersionAdded)
    if as_json:
        output.print_json(added)
        return
    loss = f", final loss {added.final_loss:.3f}" if added.final_loss is not None else ""
    head_words = f" and {added.head}" if added.head not in ("prototypes", added.method_used) else ""
    output.say(
        f"Version {added.number}: {added.method_used}{head_words} on {counted(added.clip_count, 'clip')} of "
        f"{counted(len(added.labels), 'label')} in {added.seconds:.1f} s{loss}."
    )
    if added.known_labels:
        output.say(known_words(added.labels, added.known_labels))
    memory = f", at most {bytes_in_words(added.peak_memory_bytes)} of memory" if added.peak_memory_bytes else ""
    output.say(f"On {added.device}{memory}. It takes {bytes_in_words(added.size_bytes)} on disk.")


@click.command()
@click.argument("model", metavar="MODEL_OR_PROJECT", type=FOLDER)
@click.argument("paths", metavar="PATH...", nargs=-1, type=FOLDER, required=True)
@click.option("--speaker", metavar="NAME", help="Whose voice it is, for a model made with --speaker-mean.")
@device_option
@classifying_precision_option
@json_option
def classify(
    model: Path, paths: tuple[Path, ...], speaker: str | None, device: str, precision: str, as_json: bool
) -> None:
    """Classify audio files, or folders of them.

    The model is an exported folder, or a project: then its newest version.
    """
    request = ClassifyFiles(model=model, paths=paths, device=device, speaker=speaker, precision=precision)
    classified = output.follow(request, FilesClassified)
    if as_json:
        output.print_json(classified)
    elif classified.results:
        labels = list(classified.results[0].scores)
        output.print_table(
            ("file", "label", *labels),
            [(each.file, each.label, *(f"{each.scores[name]:.3f}" for name in labels)) for each in classified.results],
            numbers=labels,
        )
    if not classified.results:
        raise SerStudioError("Nothing was classified.", "Give audio files, or folders that hold some.")


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--base",
    metavar="NAME",
    help="compact, an installed model, or the folder of a model.  [default: that of the newest version, else compact]",
)
@method_option
@tuning_options
@head_option
@speaker_mean_option
@device_option
@seed_option
@json_option
def check(
    folder: Path,
    base: str | None,
    method: str | None,
    steps: int | None,
    lr: float | None,
    trained: str | None,
    precision: str,
    head: str | None,
    speaker_mean: bool | None,
    device: str,
    seed: int,
    as_json: bool,
) -> None:
    """Estimate the accuracy on clips that the model has not heard.

    It is done as the newest version was made, unless you say otherwise. A head is fitted anew without each speaker
    (or fold) of DIR, who is then classified, which takes seconds. A method that tunes is repeated without one part
    of the clips, two or three times, which takes as many times as long as adapting: a tuned model has heard every
    clip already.
    """
    request = CheckProject(
        folder=folder,
        base=base,
        device=device,
        seed=seed,
        method=method,
        head=head,
        speaker_mean=speaker_mean,
        steps=steps,
        learning_rate=lr,
        trained=trained,
        precision=precision,
    )
    report = output.follow(request, CheckReport)
    if as_json:
        output.print_json(report)
        return
    low, high = report.interval
    output.say(
        f"Accuracy {report.accuracy:.0%} (95 % interval {low:.0%} to {high:.0%}; chance {report.chance:.0%}), "
        f"unweighted {report.unweighted_accuracy:.0%}, macro-F1 {report.macro_f1:.2f}."
    )
    output.say(
        f"{counted(report.clip_count, 'clip')}, {counted(report.speaker_count, 'speaker')}, "
        f"{report.scheme} ({counted(report.fold_count, 'fold')}), {_how(report)}."
    )
    say_confusion(report.labels, report.confusion)


def _how(report: CheckReport) -> str:
    if report.adaptation_s is None:
        return f"head {report.head}"
    return f"{report.method} and head {report.head}, adapted anew in each in {report.adaptation_s:.1f} s"


def say_confusion(labels: tuple[str, ...], confusion: tuple[tuple[int, ...], ...]) -> None:
    """A row for each true label, a column for each label that it was taken for."""
    output.print_table(
        ("true, taken for:", *labels),
        [(name, *map(str, row)) for name, row in zip(labels, confusion, strict=True)],
        numbers=labels,
    )


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--to", "to", required=True, type=FOLDER, metavar="FOLDER", help="A new or empty folder.")
@click.option("--version", type=click.IntRange(min=1), metavar="N", help="[default: the newest]")
@click.option("--delta", is_flag=True, help="Leave the base out: small, for colleagues who have that base.")
@device_option
@json_option
def export(folder: Path, to: Path, version: int | None, delta: bool, device: str, as_json: bool) -> None:
    """Write a version as one folder for colleagues, and check it."""
    request = ExportModel(folder=folder, to=to, version=version, device=device, whole=not delta)
    exported = output.follow(request, ModelExported)
    if as_json:
        output.print_json(exported)
        return
    output.say(
        f"Version {exported.version} is in {exported.folder} ({bytes_in_words(exported.size_bytes)}). The copy gives "
        f"the same answers on {counted(exported.verified_clips, 'sound')} "
        f"(largest difference {exported.largest_difference:.1g})."
    )
    if exported.needs:
        output.say(f"The base is not in it. {needed_words(exported.needs)}")
    terms = terms_of(exported.licence)
    output.say("\n- ".join((f"{terms.headline}:", *terms.points)))
