"""Run an experiment: train what has to be trained, measure every cell, lay the table out."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from engine.bases import Base, load_base
from engine.choices import Protocol, Recommended
from engine.device import resolve_device
from engine.errors import BaseError, CorpusError, RecipeError
from engine.metalearning.corpora import CORPORA, Corpus, read_corpus
from engine.metalearning.events import Trained, TrainingProgress, TrainingRemark, left_out_remarks
from engine.metalearning.experiments.grid import Layout, Setting
from engine.metalearning.experiments.measured import Measured
from engine.metalearning.experiments.measurement import Group, Measurement, groups_of
from engine.metalearning.experiments.parts import clips_of
from engine.metalearning.experiments.recipe import ExperimentRecipe, with_changes
from engine.metalearning.experiments.table import Figure, Table
from engine.metalearning.experiments.trainings import Training, read_trainings
from engine.metalearning.experiments.trajectory import fingerprint
from engine.metalearning.train import train_recipe


@dataclass(frozen=True)
class TableMade:
    """The last event."""

    table: Table


Report = TrainingProgress | TrainingRemark
ExperimentEvent = Report | TableMade


@dataclass(frozen=True)
class Conditions:
    """How an experiment is run.

    corpora_root: one folder a corpus. out: trainings and figures are kept there. base: a trained base to measure in
    place of training one, tuned as it recommends. start: what trainings start from in place of the recipe's encoder.
    beside: the folder of the table's recipe, where those that it names are looked for before the bundled ones.
    """

    corpora_root: Path
    out: Path
    base: str | None = None
    start: str | None = None
    protocol: Protocol = Protocol.RANDOM
    seed: int = 0
    device: str = "auto"
    beside: Path | None = None


def run_experiment(recipe: ExperimentRecipe, conditions: Conditions) -> Iterator[ExperimentEvent]:
    """Measure `recipe`; the last event is `TableMade`.

    Stopped and started again it goes on where it was. Corpora that are absent are told, and their cells stay empty.
    Raises RecipeError, CorpusError (none of the corpora is there), BaseError, DeviceError, AudioError.
    """
    trainings = read_trainings(recipe.measure.trainings, conditions.beside)
    if conditions.base is not None and len(trainings) > 1:
        raise RecipeError(
            f"Table {recipe.table} compares {len(trainings)} trainings, and --base is a single base.",
            "Leave --base out; --start says what the trainings start from.",
        )
    given: Base | None = None
    told: list[str] = []
    if conditions.base is not None:
        given = load_base(conditions.base)
        recipe, told = tuned_as_recommended(recipe, given.recommended)
    layout = Layout(recipe, {name: training.title for name, training in trainings.items()})
    corpora = yield from _read_corpora(recipe, conditions.corpora_root)
    device = resolve_device(conditions.device)
    kept = _results(recipe, conditions.out)
    figures: dict[Setting, Figure] = {}
    for training in trainings.values():
        source, origin = yield from _train(training, conditions)
        told.append(f"{training.title}: {origin}")
        if source is not None:
            base = given or load_base(source)
            base.encoder.to(device)
            if flattery := _flattery(base, corpora) if given else "":
                told.append(flattery)
                yield TrainingRemark(flattery)
            figures |= yield from _measure(recipe, training, base, corpora, conditions, kept)
    yield TableMade(layout.fill(figures, [_protocol_in_words(recipe, conditions.protocol), *told]))


def tuned_as_recommended(recipe: ExperimentRecipe, recommended: Recommended) -> tuple[ExperimentRecipe, list[str]]:
    """The recipe with what a base of other making recommends to tune, and a note; the paper's setting is for XLS-R, and
    may ruin another encoder. A table that compares rates keeps its own."""
    measure = recipe.measure
    theirs = measure.trained, measure.learning_rates[0]
    ours = recommended.trained, recommended.rate_for(recommended.trained)
    if len(measure.learning_rates) > 1 or max(measure.steps) == 0 or ours == theirs:
        return recipe, []
    note = f"Tuned as the base recommends: {ours[0]} at {ours[1]:g} (the table's own: {theirs[0]} at {theirs[1]:g})."
    return with_changes(recipe, trained=ours[0], learning_rates=(ours[1],)), [note]


def _results(recipe: ExperimentRecipe, out: Path) -> Measured:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecipeError(f"{out} cannot be made ({error.strerror}).", "Choose another --out.") from error
    return Measured(out / f"table{recipe.table}.json")


def _read_corpora(recipe: ExperimentRecipe, root: Path) -> Generator[Report, None, dict[str, Corpus]]:
    """What is there of the corpora to measure; what is not there, or is another corpus, is told."""
    if not root.is_dir():
        raise CorpusError(f"There is no folder {root}.", "Give the folder that holds one folder a corpus.")
    names = recipe.measure.corpora
    absent = [name for name in names if not (root / name).is_dir()]
    corpora: dict[str, Corpus] = {}
    for name in names:
        if name not in absent:
            yield TrainingProgress(0, 0, f"Reading {CORPORA[name].title}")
            try:
                corpora[name] = read_corpus(name, root / name)
            except CorpusError as error:
                yield TrainingRemark(error.message, error.hint)
    if absent:
        verb = "are" if len(absent) > 1 else "is"
        yield TrainingRemark(
            f"Of {len(names)} corpora to measure, {len(absent)} {verb} not in {root}: {', '.join(absent)}.",
            "Their cells stay empty.",
        )
    if not corpora:
        raise CorpusError(f"There is nothing to measure table {recipe.table} on.", "Put one of its corpora there.")
    for name, corpus in corpora.items():
        yield from left_out_remarks(CORPORA[name].title, corpus)
    return corpora


def _train(training: Training, conditions: Conditions) -> Generator[Report, None, tuple[str | None, str]]:
    """The base to measure (None if there is nothing to train on), and in words where it is from."""
    if conditions.base is not None:
        return conditions.base, f"nothing was trained, the base {conditions.base} was measured."
    root, total = conditions.corpora_root, len(training.settings.data.corpora)
    absent = training.absent(root)
    recipe = training.fitted(root, conditions.start)
    if absent:
        yield TrainingRemark(
            f"{training.title}: of {total} corpora to train on, {len(absent)} not in {root}: {', '.join(absent)}.",
            "It is trained on the others." if recipe else "It is not trained, and its cells stay empty.",
        )
    if recipe is None:
        return None, f"not trained, for want of {', '.join(absent)}."
    folder = ""
    try:
        run_folder = conditions.out / training.run_folder(recipe)
        for event in train_recipe(recipe, root, run_folder, device=conditions.device):
            match event:
                case Trained():
                    folder = str(event.folder)
                case TrainingProgress():
                    yield replace(event, message=f"{training.title}: {event.message}")
                case TrainingRemark():
                    yield event
    except CorpusError as error:  # the table's other trainings may go on
        yield TrainingRemark(f"{training.title}: {error.message}", error.hint)
        return None, f"not trained: {error.message}"
    except BaseError as error:
        raise BaseError(
            error.message, f"{error.hint.rstrip('.')}, or train from another encoder: --start ENCODER."
        ) from error
    start = conditions.start or training.settings.base.start
    return folder, f"trained from {start} on {total - len(absent)} of the paper's {total} corpora."


def _measure(
    recipe: ExperimentRecipe,
    training: Training,
    base: Base,
    corpora: Mapping[str, Corpus],
    conditions: Conditions,
    kept: Measured,
) -> Generator[Report, None, dict[Setting, Figure]]:
    groups = [
        Group(settings, clips_of(corpora[settings[0].corpora], settings[0].parts, training.settings, recipe.measure))
        for settings in groups_of(recipe, training.name, list(corpora))
    ]
    measurement = Measurement(
        recipe, base, fingerprint(base.encoder), kept, conditions.corpora_root, conditions.protocol, conditions.seed
    )
    return (yield from measurement.run([group for group in groups if group.clips]))


def _flattery(base: Base, corpora: Mapping[str, Corpus]) -> str:
    """What to know of a base that somebody else has trained; empty if it is new to all of the corpora."""
    heard = [CORPORA[name].title for name in base.training.get("corpora", {}) if name in corpora]
    if not heard:
        return ""
    return (
        f"The base was trained on {', '.join(heard)}: unless the clips measured here were held out, "
        "its figures there are too good."
    )


def _protocol_in_words(recipe: ExperimentRecipe, protocol: Protocol) -> str:
    measure = recipe.measure
    speakers = "query speakers absent from the support" if protocol is Protocol.NEW_SPEAKERS else "speakers at random"
    return f"Episodes: {measure.episodes}; queries a label: {measure.queries}; {speakers}."
