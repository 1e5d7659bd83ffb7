"""Compare: methods side by side on a project's own labels, each asked the same clips that it has not heard."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from engine.adaptation import AdaptationSettings, resolve_settings
from engine.bases import Base, base_for, load_base
from engine.choices import METHODS, SYSTEMS
from engine.device import resolve_device
from engine.errors import LabellingError, SerStudioError
from engine.evaluation.comparison import Contender, Outcome, compare
from engine.evaluation.cross_adaptation import CrossAdapted, FoldProgress, folds_for
from engine.evaluation.folds import Folds
from engine.evaluation.metrics import accuracy, macro_f1, unweighted_accuracy
from engine.evaluation.paired import Difference
from engine.systems.catalogue import CATALOGUE
from serstudio.bug_report import one_line, write_bug_report
from serstudio.method_words import method_title
from serstudio.project import ModelVersion, Project
from serstudio.usecases.comparison_requests import (
    ComparedMethod,
    CompareProject,
    MethodDifference,
    MethodFigures,
    ProjectCompared,
    compared_methods,
)
from serstudio.usecases.events import Done, Event, Known, Progress
from serstudio.usecases.folds_in_words import Remarks, fold_progress, fold_warnings
from serstudio.usecases.labelled_clips import Labelled, read_labelled
from serstudio.usecases.version_base import load_known_base
from serstudio.wording import in_words


def compare_project(request: CompareProject) -> Iterator[Event]:
    """The same folds for every method; one that fails says why, and the others go on."""
    unknown = [method for method in request.methods if method not in METHODS]
    if unknown:
        raise LabellingError(f"There is no method called '{unknown[0]}'.", f"Use some of {', '.join(METHODS)}.")
    device = resolve_device(request.device)
    with Project.open(request.folder) as project:
        labelled = yield from read_labelled(project)
        versions = project.versions()
    folds = folds_for(labelled.clips, request.seed)
    yield from fold_warnings(labelled, folds.scheme, len(folds.asked))
    yield Progress(0, None, "Loading the base")
    bases = _Bases(request, versions)
    methods = compared_methods(request, bases.recommended_method)
    contenders = [Contender(method, bases.preparing(method)) for method in methods]
    remarks = Remarks()
    compared: list[ComparedMethod] = []
    for event in compare(contenders, labelled.clips, labelled.label_names, folds, device):
        if isinstance(event, Outcome):
            compared.append(_compared(event, bases, labelled))
            yield Known(compared[-1])
            continue
        title = method_title(methods[len(compared)])
        if isinstance(event, FoldProgress):
            yield _progress(event, title, len(compared), len(methods))
        else:
            yield from remarks.tell(event, title)
    yield Done(_result(labelled, folds, compared))


def _progress(progress: FoldProgress, title: str, done: int, methods: int) -> Progress:
    """How long the methods to come will take is not known, so that the time left is told of this one alone."""
    told = fold_progress(progress, f"Method {done + 1} of {methods}, {title}", done / methods, 1 / methods)
    if told.remaining_s is None:
        return told
    return replace(
        told, message=f"{told.message}, about {in_words(told.remaining_s)} left for this method", remaining_s=None
    )


class _Bases:
    """What each method starts from. One base is in memory at a time, beside the one that was asked for."""

    def __init__(self, request: CompareProject, versions: Sequence[ModelVersion]) -> None:
        self._request = request
        self._main = load_known_base(request.folder, versions, request.base)
        self.recommended_method = self._main.recommended.method

    def name_for(self, method: str) -> str:
        """A published alternative that cannot go without its own base has that one, whatever was asked for."""
        asked = self._request.base
        if method in SYSTEMS and method != self.recommended_method and not CATALOGUE[method].any_backbone:
            return method
        return base_for(asked, method)

    def preparing(self, method: str) -> Callable[[], tuple[Base, AdaptationSettings]]:
        """What loads the base, when it is `method`'s turn, and settles how it is adapted."""

        def prepare() -> tuple[Base, AdaptationSettings]:
            name = self.name_for(method)
            base = self._main if name == self._request.base else load_base(name)
            return base, resolve_settings(base.recommended, method=method, seed=self._request.seed)

        return prepare


def _compared(outcome: Outcome, bases: _Bases, labelled: Labelled) -> ComparedMethod:
    method = outcome.contender.name
    figures, error, hint = None, "", ""
    if outcome.measured is not None:
        figures = _figures(outcome.measured, outcome.difference, labelled)
    elif isinstance(outcome.error, SerStudioError):
        error, hint = outcome.error.message, outcome.error.hint
    elif outcome.error is not None:
        error = f"A mistake of ours: {one_line(outcome.error)}."
        hint = f"Please send us {write_bug_report(outcome.error)}."
    recommended = method == bases.recommended_method
    return ComparedMethod(method, bases.name_for(method), recommended, figures, error, hint)


def _figures(measured: CrossAdapted, difference: Difference | None, labelled: Labelled) -> MethodFigures:
    confusion = measured.checked.confusion
    speakers = [row.speaker for row in labelled.rows]
    return MethodFigures(
        accuracy=accuracy(confusion),
        interval=measured.checked.interval(labelled.label_indices, speakers),
        unweighted_accuracy=unweighted_accuracy(confusion),
        macro_f1=macro_f1(confusion),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        adaptation_s=measured.adaptation_s,
        difference=MethodDifference(difference.value, difference.low, difference.high) if difference else None,
    )


def _result(labelled: Labelled, folds: Folds, compared: Sequence[ComparedMethod]) -> ProjectCompared:
    return ProjectCompared(
        scheme=folds.scheme.value,
        fold_count=len(folds.held_out),
        labels=labelled.label_names,
        clip_count=len(folds.asked),
        speaker_count=len({row.speaker for row in labelled.rows if row.speaker}),
        chance=1 / len(labelled.label_names),
        methods=tuple(compared),
    )
