"""Evaluate: the few-shot protocol of the main paper over any manifest."""

from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

import numpy as np

from engine.adaptation import AdaptationSettings
from engine.bases import Base, base_for, load_base
from engine.choices import Protocol
from engine.device import describe_device, resolve_device
from engine.errors import ManifestError
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape
from engine.evaluation.few_shot import EpisodeResult, EvaluationClip, FewShotEvaluation
from engine.evaluation.metrics import confusion_matrix, macro_f1, mean_ci95, unweighted_accuracy
from engine.memory import PeakMemory
from engine.out_of_memory import moved
from serstudio.interchange.manifest import read_manifest
from serstudio.project.palette import first_spellings
from serstudio.usecases.chosen_settings import chosen_settings
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.usecases.folds_in_words import Remarks
from serstudio.usecases.requests import Skipped
from serstudio.usecases.research_requests import CompareMethods, Evaluated, EvaluateManifest, MethodsCompared
from serstudio.wording import listed


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
    if samplers[0].left_out:
        yield Warned(f"Labels with too few clips are left out: {', '.join(samplers[0].left_out)}.")
    yield Progress(0, request.episodes, "Loading the base")
    bases: dict[str, Base] = {}
    plans = []
    for method in methods:
        name = base_for(request.base, method)
        if name not in bases:
            bases[name] = load_base(name)
            if not moved(bases[name].encoder, device):
                yield Warned("The GPU has too little free memory for this base: the processor computes, slower.")
        plans.append((bases[name], chosen_settings(replace(request, method=method), bases[name].recommended)))
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
        remaining_s = result.seconds * (episodes - len(results))
        yield Progress(len(results), episodes, f"{method}: accuracy {100 * mean:.1f} %", None, remaining_s)
    return results


def _read_clips(
    request: EvaluateManifest,
) -> Generator[Event, None, tuple[list[EvaluationClip], tuple[Skipped, ...]]]:
    """The clips that can be drawn, and the rows that cannot."""
    rows = read_manifest(request.manifest, request.root).rows
    clips = [EvaluationClip(row.file, row.label, row.speaker) for row in rows if row.label and row.file.is_file()]
    skipped = tuple(Skipped(str(row.file), "no label") for row in rows if not row.label)
    skipped += tuple(Skipped(str(row.file), "no such file") for row in rows if row.label and not row.file.is_file())
    if skipped:
        counts = Counter(skip.reason for skip in skipped)
        told = ", ".join(f"{count} with {reason}" for reason, count in counts.items())
        yield Warned(f"{len(skipped)} of {len(rows)} rows are left out: {told}.", "Check --root.")
    return (yield from _in_one_spelling(clips)), skipped


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
        episode_accuracies=accuracies,
        machine=machine,
        skipped=skipped,
    )
