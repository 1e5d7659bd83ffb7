"""Adapt: from the base and all labelled clips to a new numbered version."""

import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from engine.adaptation import Adapted, Remark, StepTaken, adapt
from engine.bases import Base, base_for, load_base
from engine.choices import KNOWN_EMOTIONS
from engine.device import describe_device, resolve_device
from engine.memory import PeakMemory
from engine.model_folder import AdaptedModel, LabelSpec
from serstudio import __version__
from serstudio.base_titles import name_to_give_away
from serstudio.project import ModelVersion, Project
from serstudio.usecases.chosen_settings import chosen_settings
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.usecases.labelled_clips import Labelled, read_labelled
from serstudio.usecases.requests import AdaptProject, VersionAdded
from serstudio.usecases.write_version import write_version


def adapt_project(request: AdaptProject) -> Iterator[Event]:
    """Always from the base, on all labelled clips; a run that is stopped leaves nothing behind."""
    device = resolve_device(request.device)
    started = time.perf_counter()
    with Project.open(request.folder) as project:
        labelling = {speakers: project.labelling(speakers=speakers) for speakers in (False, True)}
        labelled = yield from read_labelled(project)
        yield Progress(0, None, "Loading the base")
        with PeakMemory(device) as peak:
            base = load_base(base_for(request.base, request.method))
            settings = chosen_settings(request, base.recommended)
            adapted = yield from _follow(adapt(base, labelled.clips, labelled.label_names, settings, device))
        ran_on = adapted.encoder.device  # the processor, where the device that was asked for could not do it
        adapted.encoder.cpu()
        yield Progress(0, None, "Writing the new version")
        model = _model(project, base, labelled, adapted, describe_device(ran_on))
        made_of = labelling[adapted.settings.speaker_mean]
        added = _add_version(project, model, base, labelled, adapted, made_of, time.perf_counter() - started)
        taken = peak.bytes if ran_on.type == device.type else None
    yield Done(replace(added, device=describe_device(ran_on), peak_memory_bytes=taken))


def _follow(adapting: Iterator[StepTaken | Remark | Adapted]) -> Generator[Event, None, Adapted]:
    """The engine's events as the user's."""
    first_step_at = time.perf_counter()
    for event in adapting:
        match event:
            case StepTaken(step, steps, loss):
                remaining_s = (time.perf_counter() - first_step_at) / step * (steps - step)
                yield Progress(step, steps, "Adapting", loss, remaining_s)
            case Remark(message, hint):
                first_step_at = time.perf_counter()  # it may have started again
                yield Warned(message, hint)
            case Adapted():
                return event
    raise AssertionError("adapt() ends with Adapted")


def _model(project: Project, base: Base, labelled: Labelled, adapted: Adapted, machine: str) -> AdaptedModel:
    clips: dict[int, int] = defaultdict(int)
    speakers: dict[int, set[str]] = defaultdict(set)
    for row in labelled.rows:
        assert row.label_id is not None
        clips[row.label_id] += 1
        if row.speaker:
            speakers[row.label_id].add(row.speaker)
    labels = tuple(
        LabelSpec(label.name, label.colour, label.symbol, label.key, clips[label.id], len(speakers[label.id]))
        for label in labelled.labels
    )
    settings = adapted.settings
    origin = {
        "project": project.name,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "made_with": f"SER Studio {__version__}",
        "machine": machine,
        "method": settings.method,
        "steps": settings.steps if settings.tunes else 0,
        "learning_rate": settings.learning_rate,
        "trained": settings.trained if settings.tunes else "nothing",
        "head": adapted.head.kind,
        "speaker_mean": settings.speaker_mean,
        "seed": settings.seed,
        "known_labels": _known(base, labelled, adapted),
        "speakers": len({row.speaker for row in labelled.rows if row.speaker}),
    }
    if adapted.explanation is not None:
        origin["explanation"] = adapted.explanation.as_json()
    return AdaptedModel(
        adapted.encoder,
        adapted.head,
        labels,
        project.language,
        name_to_give_away(base.name),
        base.licence,
        base.standardised,
        origin,
        speakers=adapted.speakers,
        cosine_scale=base.cosine_scale,
        recommended=base.recommended,
        emotions=base.emotions,
    )


def _known(base: Base, labelled: Labelled, adapted: Adapted) -> tuple[str, ...]:
    """The labels that began with what the base knows of them by their names."""
    return base.labels_known(labelled.label_names) if adapted.head.kind == KNOWN_EMOTIONS else ()


def _add_version(
    project: Project,
    model: AdaptedModel,
    base: Base,
    labelled: Labelled,
    adapted: Adapted,
    labelling: str,
    seconds: float,
) -> VersionAdded:
    """Write the version, then list it: a kill leaves a version or none."""
    written = write_version(project, model, base, adapted.lora)
    settings = adapted.settings
    project.add_version(
        ModelVersion(
            number=written.number,
            folder=f"models/{written.folder.name}",
            created_at=datetime.now(UTC),
            base=base.name,
            method=settings.method,
            steps=int(model.origin["steps"]),
            learning_rate=settings.learning_rate,
            seed=settings.seed,
            labels=labelled.label_names,
            clip_count=len(labelled.clips),
            seconds=seconds,
            final_loss=adapted.final_loss,
            labelling=labelling,
        )
    )
    return VersionAdded(
        written.number,
        written.folder,
        settings.method,
        labelled.label_names,
        len(labelled.clips),
        seconds,
        adapted.final_loss,
        adapted.head.kind,
        size_bytes=written.size_bytes,
        known_labels=model.origin["known_labels"],
    )
