"""Check: what accuracy to expect, measured on clips that the prototypes have not seen."""

from collections.abc import Iterator

from engine.adaptation.clips import embed_each
from engine.bases import load_base
from engine.device import resolve_device
from engine.evaluation.cross_validation import Checked, Scheme, cross_validate
from engine.evaluation.metrics import accuracy, macro_f1, unweighted_accuracy, wilson_interval
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
    yield Progress(0, None, "Loading the base")
    base = load_base(request.base)
    base.encoder.to(device)
    embeddings = []
    for step, embedding in enumerate(embed_each(base.encoder, labelled.clips), start=1):
        embeddings.append(embedding)
        yield Progress(step, len(labelled.clips), "Listening to clips")
    checked = cross_validate(
        embeddings,
        labelled.label_indices,
        [row.speaker for row in labelled.rows],
        standardised=base.standardised,
        seed=request.seed,
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
    yield Done(_report(labelled, checked))


def _report(labelled: Labelled, checked: Checked) -> CheckReport:
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
    )
