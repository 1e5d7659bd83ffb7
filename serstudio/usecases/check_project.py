"""Check: what accuracy to expect, measured on clips that the model has not heard."""

from collections.abc import Generator, Iterator, Mapping
from typing import Any

from engine.adaptation import AdaptationSettings, resolve_settings
from engine.adaptation.clips import embed_each
from engine.adaptation.thrift import ran_out_of_memory
from engine.bases import Base, load_base
from engine.device import resolve_device
from engine.errors import ModelFolderError
from engine.evaluation.cross_validation import Checked, Scheme, cross_validate
from engine.evaluation.metrics import accuracy, macro_f1, unweighted_accuracy, wilson_interval
from engine.heads.speakers import neutral_label
from engine.model_folder import read_origin
from serstudio.project import Project
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.usecases.labelled_clips import Labelled, read_labelled
from serstudio.usecases.requests import CheckProject, CheckReport
from serstudio.wording import counted


def check_project(request: CheckProject) -> Iterator[Event]:
    """Leave one speaker out where speakers are named, else folds, with a warning that these flatter."""
    device = resolve_device(request.device)
    with Project.open(request.folder) as project:
        labelled = yield from read_labelled(project)
        newest = _newest_origin(project, request.base)
    yield Progress(0, None, "Loading the base")
    base = load_base(request.base)
    settings = _settings(request, base, newest)
    try:
        base.encoder.to(device)
        embeddings = yield from _listen(base, labelled)
    except (RuntimeError, MemoryError) as error:
        if device.type == "cpu" or not ran_out_of_memory(error):
            raise
        yield Warned("The GPU's memory ran out: starting again on the processor, which takes longer.")
        base.encoder.cpu()
        embeddings = yield from _listen(base, labelled)
    checked = cross_validate(
        embeddings,
        labelled.label_indices,
        [row.speaker for row in labelled.rows],
        standardised=base.standardised,
        seed=request.seed,
        head=settings.head_kind,
        speaker_mean=settings.speaker_mean,
        neutral=neutral_label(labelled.label_names),
    )
    if checked.scheme is Scheme.FOLDS:
        yield Warned(
            "Not every label has clips of two named speakers, so voices may be on both sides: expect less of a "
            "new speaker.",
            "Name the speaker of each clip, and label two speakers or more for each emotion.",
        )
    unasked = len(labelled.clips) - len(checked.positions)
    if unasked:
        yield Warned(f"{counted(unasked, 'label')} with a single clip could not be asked.", "Label a second one.")
    yield Done(_report(labelled, checked, settings))


def _listen(base: Base, labelled: Labelled) -> Generator[Event, None, list[Any]]:
    """The embedding of each clip."""
    embeddings = []
    for step, embedding in enumerate(embed_each(base.encoder, labelled.clips), start=1):
        embeddings.append(embedding)
        yield Progress(step, len(labelled.clips), "Listening to clips")
    return embeddings


def _newest_origin(project: Project, base: str) -> Mapping[str, Any]:
    """How the newest version was made, if it was made from `base`; else nothing."""
    versions = project.versions()
    if not versions or versions[-1].base != base:
        return {}
    try:
        return read_origin(project.folder / versions[-1].folder)
    except ModelFolderError:  # a damaged version is no hindrance: nothing of it is needed to check
        return {}


def _settings(request: CheckProject, base: Base, newest: Mapping[str, Any]) -> AdaptationSettings:
    """What was asked for; where nothing was, as the newest version was made; else as the base recommends."""
    method, head, speaker_mean = request.method, request.head, request.speaker_mean
    if (method, head) == (None, None):
        method, head = newest.get("method"), newest.get("head")
    if speaker_mean is None:
        speaker_mean = newest.get("speaker_mean")
    return resolve_settings(base.recommended, method=method, head=head, speaker_mean=speaker_mean, seed=request.seed)


def _report(labelled: Labelled, checked: Checked, settings: AdaptationSettings) -> CheckReport:
    names = labelled.label_names
    true = labelled.label_indices
    hits = int(checked.confusion.trace())
    asked = len(checked.positions)
    return CheckReport(
        scheme=checked.scheme.value,
        fold_count=checked.fold_count,
        labels=names,
        confusion=tuple(tuple(int(count) for count in row) for row in checked.confusion),
        accuracy=accuracy(checked.confusion),
        interval=wilson_interval(hits, asked),
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
    )
