"""Evaluate: the few-shot protocol of the main paper over any manifest."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from engine.adaptation import AdaptationSettings, resolve_settings
from engine.bases import load_base
from engine.choices import Protocol
from engine.device import describe_device, resolve_device
from engine.errors import ManifestError
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape
from engine.evaluation.few_shot import EpisodeResult, EvaluationClip, FewShotEvaluation
from engine.evaluation.metrics import confusion_matrix, macro_f1, mean_ci95, unweighted_accuracy
from serstudio.interchange.manifest import read_manifest
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.usecases.requests import Evaluated, EvaluateManifest, Skipped


def evaluate_manifest(request: EvaluateManifest) -> Iterator[Event]:
    """Episodes of N labels, K support and Q query clips each; every method sees the same ones for a seed."""
    protocol = _protocol(request.protocol)
    if request.episodes < 1:
        raise ManifestError("No episode was asked for.", "Use --episodes 100.")
    shape = EpisodeShape(request.ways, request.shots, request.queries)
    device = resolve_device(request.device)
    rows = read_manifest(request.manifest, request.root).rows
    clips = [EvaluationClip(row.file, row.label, row.speaker) for row in rows if row.label and row.file.is_file()]
    skipped = tuple(Skipped(str(row.file), "no label") for row in rows if not row.label)
    skipped += tuple(Skipped(str(row.file), "no such file") for row in rows if row.label and not row.file.is_file())
    if skipped:
        counts = Counter(skip.reason for skip in skipped)
        told = ", ".join(f"{count} with {reason}" for reason, count in counts.items())
        yield Warned(f"{len(skipped)} of {len(rows)} rows are left out: {told}.", "Check --root.")
    sampler = EpisodeSampler(
        [clip.label for clip in clips], [clip.speaker for clip in clips], shape, protocol, request.seed
    )
    if sampler.left_out:
        yield Warned(f"Labels with too few clips are left out: {', '.join(sampler.left_out)}.")
    yield Progress(0, request.episodes, "Loading the base")
    base = load_base(request.base)
    base.encoder.to(device)
    settings = resolve_settings(
        base.recommended,
        method=request.method,
        steps=request.steps,
        learning_rate=request.learning_rate,
        head=request.head,
        trained=request.trained,
        speaker_mean=request.speaker_mean,
        seed=request.seed,
    )
    results: list[EpisodeResult] = []
    for result in FewShotEvaluation(base, clips, settings).run(sampler, request.episodes):
        results.append(result)
        mean = float(np.mean([each.accuracy for each in results]))
        remaining_s = result.seconds * (request.episodes - len(results))
        yield Progress(len(results), request.episodes, f"accuracy {100 * mean:.1f} %", None, remaining_s)
    yield Done(_summary(_as_done(request, settings), results, skipped, describe_device(device)))


def _protocol(name: str) -> Protocol:
    try:
        return Protocol(name)
    except ValueError:
        raise ManifestError(f"There is no protocol '{name}'.", "Use random or new-speakers.") from None


def _as_done(request: EvaluateManifest, settings: AdaptationSettings) -> EvaluateManifest:
    return replace(
        request,
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
