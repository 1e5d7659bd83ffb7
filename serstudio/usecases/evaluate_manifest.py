"""Evaluate: the few-shot protocol of the main paper over any manifest."""

from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.adaptation import AdaptationSettings
from engine.audio.decode import check_audio
from engine.bases import Base, base_for, load_base
from engine.choices import HEADS, Protocol
from engine.device import describe_device, resolve_device
from engine.errors import AudioError, ManifestError
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape
from engine.evaluation.few_shot import EpisodeResult, EvaluationClip, FewShotEvaluation
from engine.evaluation.metrics import confusion_matrix, macro_f1, mean_ci95, unweighted_accuracy
from engine.memory import PeakMemory
from engine.names import first_spellings, same_name
from engine.out_of_memory import moved
from serstudio.interchange.manifest import ManifestRow, read_manifest
from serstudio.usecases.chosen_settings import chosen_settings
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.usecases.folds_in_words import Remarks
from serstudio.usecases.requests import Skipped
from serstudio.usecases.research_requests import (
    CompareMethods,
    Evaluated,
    EvaluateManifest,
    MethodsCompared,
    MethodUsed,
)
from serstudio.wording import listed

_NO_FILE = "no such file"
_ROWS_A_STEP = 50


def evaluate_manifest(request: EvaluateManifest) -> Iterator[Event]:
    """Episodes of N labels, K support and Q query clips each; the same ones for a seed."""
    results = yield from _evaluate(request, (request.method,))
    yield Done(results[0])


def compare_methods(request: CompareMethods) -> Iterator[Event]:
    """Every method answers the same episodes, from clips that are decoded, and embedded by the base, once."""
    results = yield from _evaluate(request.shared, request.methods)
    yield Done(MethodsCompared(tuple(results)))


def _evaluate(request: EvaluateManifest, methods: Sequence[str | None]) -> Generator[Event, None, list[Evaluated]]:
    """`request` with each of `methods` in turn."""
    protocol = _protocol(request.protocol)
    if request.episodes < 1:
        raise ManifestError("No episode was asked for.", "Use --episodes 100.")
    device = resolve_device(request.device)
    clips, skipped = yield from _read_clips(request)
    samplers = [_sampler(request, clips, protocol) for _ in methods]
    yield from _labels_left_out(samplers[0])
    yield Progress(0, request.episodes, "Loading the base")
    bases: dict[str, Base] = {}
    plans = []
    for method in methods:
        name = base_for(request.base, method)
        if name not in bases:
            bases[name] = load_base(name)
            if not moved(bases[name].encoder, device):
                yield Warned("The GPU has too little free memory for this base: the processor computes, slower.")
        plans.append((bases[name], chosen_settings(_of_method(request, method, methods), bases[name].recommended)))
    evaluation = FewShotEvaluation(plans[0][0], clips, plans[0][1])
    evaluated: list[Evaluated] = []
    for sampler, (base, chosen) in zip(samplers, plans, strict=True):
        evaluation = evaluation.with_settings(chosen, base)
        about = chosen.method if len(methods) > 1 else ""
        place = base.encoder.device
        with PeakMemory(place) as peak:
            results = yield from _run(evaluation, sampler, request.episodes, chosen.method, about)
        summary = _summary(_as_done(request, chosen), results, skipped, describe_device(place))
        evaluated.append(replace(summary, peak_memory_bytes=peak.bytes))
    return evaluated


def _of_method(request: EvaluateManifest, method: str | None, methods: Sequence[str | None]) -> EvaluateManifest:
    """`request` for one of `methods`: how to tune concerns those that tune, of which there has to be one."""
    if method in HEADS and not all(each in HEADS for each in methods):
        return replace(request, method=method, steps=None, learning_rate=None, trained=None)
    return replace(request, method=method)


def _run(
    evaluation: FewShotEvaluation, sampler: EpisodeSampler, episodes: int, method: str, about: str
) -> Generator[Event, None, list[EpisodeResult]]:
    """The episodes of one method; what adapting remarks is told once, with the method's name if there are several."""
    results: list[EpisodeResult] = []
    remarks = Remarks()
    for result in evaluation.run(sampler, episodes):
        results.append(result)
        for remark in result.remarks:
            yield from remarks.tell(remark, about)
        mean = float(np.mean([each.accuracy for each in results]))
        remaining_s = (result.seconds + result.shared_seconds) * (episodes - len(results))
        yield Progress(len(results), episodes, f"{method}: accuracy {100 * mean:.1f} %", None, remaining_s)
    return results


def _read_clips(
    request: EvaluateManifest,
) -> Generator[Event, None, tuple[list[EvaluationClip], tuple[Skipped, ...]]]:
    """The clips that can be drawn, and the rows that cannot, which are found before the first episode."""
    rows = read_manifest(request.manifest, request.root).rows
    clips: dict[Path, EvaluationClip] = {}
    skipped: list[Skipped] = []
    kinds: Counter[str] = Counter()
    for number, row in enumerate(rows):
        if number % _ROWS_A_STEP == 0:
            yield Progress(0, None, f"Reading clip {number + 1} of {len(rows)}")
        try:
            _add(row, clips)
        except _UnfitError as unfit:
            kinds[unfit.kind] += 1
            skipped.append(Skipped(str(row.file), unfit.reason or unfit.kind))
    if skipped:
        told = ", ".join(f"{count} with {kind}" for kind, count in kinds.items())
        hint = "Check --root." if _NO_FILE in kinds else ""
        yield Warned(f"{len(skipped)} of {len(rows)} rows are left out: {told}.", hint)
    return (yield from _in_one_spelling(tuple(clips.values()))), tuple(skipped)


class _UnfitError(Exception):
    """A row that cannot be drawn. kind: of the reason, in words; reason: where there is more to say of this row."""

    def __init__(self, kind: str, reason: str = "") -> None:
        super().__init__(kind)
        self.kind, self.reason = kind, reason


def _add(row: ManifestRow, clips: dict[Path, EvaluationClip]) -> None:
    """Add the row's clip under its resolved path. Raises _UnfitError.

    A file that two rows name could be in support and query at once, and would be recognised for that.
    """
    if not row.label:
        raise _UnfitError("no label")
    try:
        is_there, path = row.file.is_file(), row.file.resolve()
    except OSError as error:  # a name too long, or a folder that may not be entered
        raise _UnfitError("a file that cannot be reached", f"it cannot be reached ({error.strerror})") from error
    if not is_there:
        raise _UnfitError(_NO_FILE)
    if (first := clips.get(path)) is not None:
        same = same_name(first.label) == same_name(row.label)
        raise _UnfitError("a file of an earlier row", "" if same else f"a file of an earlier row, as {first.label}")
    try:
        check_audio(row.file)
    except AudioError as error:
        raise _UnfitError("sound that cannot be used", error.message) from error
    clips[path] = EvaluationClip(row.file, row.label, row.speaker)


def _in_one_spelling(clips: Sequence[EvaluationClip]) -> Generator[Event, None, list[EvaluationClip]]:
    """The clips with each label and each speaker under one name, as they would be in a project."""
    labels = first_spellings(clip.label for clip in clips)
    speakers = first_spellings(clip.speaker for clip in clips if clip.speaker)
    taken: dict[str, list[str]] = defaultdict(list)
    for name, first in (labels | speakers).items():
        if name != first:
            taken[first].append(name)
    if taken:
        told = "; ".join(listed([first, *others]) for first, others in taken.items())
        yield Warned(
            f"Spellings of one name are taken as one: {told}.",
            "If two are meant, let their names differ in more than case.",
        )
    return [EvaluationClip(clip.path, labels[clip.label], clip.speaker and speakers[clip.speaker]) for clip in clips]


def _sampler(request: EvaluateManifest, clips: Sequence[EvaluationClip], protocol: Protocol) -> EpisodeSampler:
    shape = EpisodeShape(request.ways, request.shots, request.queries)
    labels, speakers = [clip.label for clip in clips], [clip.speaker for clip in clips]
    return EpisodeSampler(labels, speakers, shape, protocol, request.seed)


def _labels_left_out(sampler: EpisodeSampler) -> Iterator[Warned]:
    """Which labels no episode will ask, and why."""
    of_one_side = sampler.short_of_speakers
    rare = [name for name in sampler.left_out if name not in of_one_side]
    if rare:
        yield Warned(f"Labels with too few clips are left out: {', '.join(rare)}.")
    if of_one_side:
        yield Warned(
            f"Labels are left out for want of speakers: {', '.join(of_one_side)}.",
            "Add clips by other speakers, ask for fewer shots or queries, or use --protocol random.",
        )


def _protocol(name: str) -> Protocol:
    try:
        return Protocol(name)
    except ValueError:
        raise ManifestError(f"There is no protocol '{name}'.", "Use random or new-speakers.") from None


def _as_done(request: EvaluateManifest, settings: AdaptationSettings) -> EvaluateManifest:
    return replace(
        request,
        base=base_for(request.base, settings.method),
        method=settings.method,
        steps=settings.steps if settings.tunes else 0,
        learning_rate=settings.learning_rate,
        head=settings.head_kind,
        trained=settings.trained if settings.tunes else "nothing",
        speaker_mean=settings.speaker_mean,
    )


def _summary(
    request: EvaluateManifest, results: list[EpisodeResult], skipped: tuple[Skipped, ...], machine: str
) -> Evaluated:
    names = tuple(sorted({name for result in results for name in result.true}))
    index = {name: position for position, name in enumerate(names)}
    confusion = confusion_matrix(
        [index[name] for result in results for name in result.true],
        [index[name] for result in results for name in result.answered],
        len(names),
    )
    accuracies = tuple(result.accuracy for result in results)
    return Evaluated(
        request=request,
        accuracy=float(np.mean(accuracies)),
        accuracy_ci95=mean_ci95(accuracies),
        unweighted_accuracy=unweighted_accuracy(confusion),
        macro_f1=macro_f1(confusion),
        labels=names,
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        seconds_per_episode=float(np.mean([result.seconds for result in results])),
        shared_seconds=sum(result.shared_seconds for result in results),
        episode_accuracies=accuracies,
        machine=machine,
        methods_used=_methods_used(results),
        skipped=skipped,
    )


def _methods_used(results: Sequence[EpisodeResult]) -> tuple[MethodUsed, ...]:
    """Those of most episodes first."""
    settings = (result.used for result in results)
    counts = Counter((each.method, each.steps if each.tunes else 0, each.head_kind) for each in settings)
    return tuple(MethodUsed(*how, episodes) for how, episodes in counts.most_common())
