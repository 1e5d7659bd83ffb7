"""Check: what accuracy to expect, measured on clips that the model has not heard."""

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.adaptation import AdaptationSettings, resolve_settings
from engine.adaptation.clips import embed_each
from engine.bases import COMPACT, Base, base_for, load_base
from engine.choices import SYSTEMS, TUNING_METHODS
from engine.device import resolve_device
from engine.errors import ModelFolderError
from engine.evaluation.cross_adaptation import CrossAdapted, FoldProgress, cross_adapt
from engine.evaluation.cross_validation import Checked, cross_validate
from engine.evaluation.metrics import accuracy, macro_f1, unweighted_accuracy
from engine.heads.speakers import neutral_label
from engine.model_folder import read_origin
from engine.out_of_memory import ran_out_of_memory
from serstudio.method_words import is_tuning
from serstudio.project import ModelVersion, Project
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.usecases.folds_in_words import Remarks, fold_progress, fold_warnings
from serstudio.usecases.labelled_clips import Labelled, read_labelled
from serstudio.usecases.requests import CheckProject, CheckReport
from serstudio.usecases.version_base import load_base_of


def check_project(request: CheckProject) -> Iterator[Event]:
    """A head: leave one speaker out where speakers are named. A method that tunes: repeat it, in a few folds."""
    resolve_device(request.device)  # one that is not there is told before the work
    with Project.open(request.folder) as project:
        labelled = yield from read_labelled(project)
        newest = next(reversed(project.versions()), None)
        folder = project.folder
    yield Progress(0, None, "Loading the base")
    base = _base(request, folder, newest)
    made = _origin(folder, newest) if newest is not None and newest.base in (request.base, base.name) else {}
    settings = _settings(request, base, made)
    adaptation_s = None
    if settings.tunes:
        repeated = yield from _repeat(base, labelled, settings, request.device)
        checked, settings, adaptation_s = repeated.checked, repeated.settings, repeated.adaptation_s
    else:
        checked = yield from _check_head(base, labelled, settings, request.device)
    yield from fold_warnings(labelled, checked.scheme, len(checked.positions))
    yield Done(_report(labelled, checked, settings, adaptation_s))


def _repeat(
    base: Base, labelled: Labelled, settings: AdaptationSettings, device: str
) -> Generator[Event, None, CrossAdapted]:
    """Adapt anew in every fold."""
    remarks = Remarks()
    for event in cross_adapt(base, labelled.clips, labelled.label_names, settings, resolve_device(device)):
        match event:
            case FoldProgress():
                yield fold_progress(event, "Adapting anew")
            case CrossAdapted():
                return event
            case remark:
                yield from remarks.tell(remark)
    raise AssertionError("cross_adapt() ends with CrossAdapted")


def _check_head(
    base: Base, labelled: Labelled, settings: AdaptationSettings, device: str
) -> Generator[Event, None, Checked]:
    """Fit the head anew in every fold, to embeddings that are computed once."""
    place = resolve_device(device)
    try:
        base.encoder.to(place)
        embeddings = yield from _listen(base, labelled)
    except (RuntimeError, MemoryError) as error:
        if place.type == "cpu" or not ran_out_of_memory(error):
            raise
        yield Warned("The GPU's memory ran out: starting again on the processor, which takes longer.")
        base.encoder.cpu()
        embeddings = yield from _listen(base, labelled)
    return cross_validate(
        embeddings,
        labelled.label_indices,
        [row.speaker for row in labelled.rows],
        standardised=base.standardised,
        blocks=base.encoder.extractor.blocks,
        seed=settings.seed,
        head=settings.head_kind,
        speaker_mean=settings.speaker_mean,
        neutral=neutral_label(labelled.label_names),
        known=base.known_by_name(labelled.label_names),
    )


def _listen(base: Base, labelled: Labelled) -> Generator[Event, None, list[Any]]:
    """The embedding of each clip."""
    embeddings = []
    for step, embedding in enumerate(embed_each(base.encoder, labelled.clips), start=1):
        embeddings.append(embedding)
        yield Progress(step, len(labelled.clips), "Listening to clips")
    return embeddings


def _base(request: CheckProject, folder: Path, newest: ModelVersion | None) -> Base:
    """What was asked for: a base, or that of the newest version, or a method, which may have one of its own."""
    as_made = (request.method, request.head) == (None, None)
    if request.base is not None:
        return load_base(_base_name(request.base, request.method, newest if as_made else None))
    if newest is None or (newest.base in SYSTEMS and not as_made):
        return load_base(base_for(COMPACT, request.method))
    name = base_for(newest.base, request.method)
    return load_base_of(folder, newest) if name == newest.base else load_base(name)


def _base_name(base: str, method: str | None, newest: ModelVersion | None) -> str:
    """`base`, or the one that `method` has beside it; without a method, the one that `newest` was made from."""
    if newest is not None and newest.base == base_for(base, newest.method):
        return newest.base
    return base_for(base, method)


def _origin(project: Path, version: ModelVersion) -> Mapping[str, Any]:
    """How a version was made; nothing if it is damaged, which is no hindrance: nothing of it is needed to check."""
    try:
        return read_origin(project / version.folder)
    except ModelFolderError:
        return {}


def _settings(request: CheckProject, base: Base, newest: Mapping[str, Any]) -> AdaptationSettings:
    """What was asked for; where nothing was, as the newest version was made; else as the base recommends."""
    asked = {name: getattr(request, name) for name in ("method", "head", "steps", "learning_rate", "trained")}
    if (request.method, request.head) == (None, None):
        made = {name: newest.get(name) for name in _fields_of(newest)}
        asked = {name: made.get(name) if value is None else value for name, value in asked.items()}
    speaker_mean = request.speaker_mean
    if speaker_mean is None and request.method not in SYSTEMS:  # who asks for a system did not ask for voices
        speaker_mean = newest.get("speaker_mean")
    return resolve_settings(
        base.recommended, **asked, speaker_mean=speaker_mean, seed=request.seed, precision=request.precision
    )


def _fields_of(origin: Mapping[str, Any]) -> tuple[str, ...]:
    """What of a version's origin says how to make it again."""
    if not is_tuning(str(origin.get("method"))):
        return ("method", "head")
    head = ("head",) if origin["method"] in TUNING_METHODS else ()  # a system's is its network's last layer
    trained = ("trained",) if origin.get("steps") else ()
    return ("method", "steps", "learning_rate", *head, *trained)


def _report(
    labelled: Labelled, checked: Checked, settings: AdaptationSettings, adaptation_s: float | None
) -> CheckReport:
    names = labelled.label_names
    true = labelled.label_indices
    asked = len(checked.positions)
    return CheckReport(
        scheme=checked.scheme.value,
        fold_count=checked.fold_count,
        labels=names,
        confusion=tuple(tuple(int(count) for count in row) for row in checked.confusion),
        accuracy=accuracy(checked.confusion),
        interval=checked.interval(true, [row.speaker for row in labelled.rows]),
        unweighted_accuracy=unweighted_accuracy(checked.confusion),
        macro_f1=macro_f1(checked.confusion),
        clip_count=asked,
        speaker_count=len({row.speaker for row in labelled.rows if row.speaker}),
        mistakes=tuple(
            (labelled.rows[position].id, names[true[position]], names[answer])
            for position, answer in zip(checked.positions, checked.answers, strict=True)
            if answer != true[position]
        ),
        chance=1 / len(names),
        method=settings.method,
        head=settings.head_kind,
        adaptation_s=adaptation_s,
    )
