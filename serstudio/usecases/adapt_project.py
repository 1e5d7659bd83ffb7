"""Adapt: from the base and all labelled clips to a new numbered version."""

import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from datetime import UTC, datetime

from engine.adaptation import AdaptationSettings, Adapted, Remark, StepTaken, adapt
from engine.bases import Base, load_base
from engine.device import describe_device, resolve_device
from engine.model_folder import AdaptedModel, LabelSpec, save_model
from serstudio import __version__
from serstudio.project import ModelVersion, Project
from serstudio.usecases.chosen_settings import chosen_settings
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.usecases.labelled_clips import Labelled, read_labelled
from serstudio.usecases.model_card import model_card
from serstudio.usecases.requests import AdaptProject, VersionAdded


def adapt_project(request: AdaptProject) -> Iterator[Event]:
    """Always from the base, on all labelled clips; a run that is stopped leaves nothing behind."""
    device = resolve_device(request.device)
    started = time.perf_counter()
    with Project.open(request.folder) as project:
        labelled = yield from read_labelled(project)
        yield Progress(0, None, "Loading the base")
        base = load_base(request.base)
        base.encoder.to(device)
        adapted = yield from _follow(base, labelled, chosen_settings(request, base.recommended))
        yield Progress(0, None, "Writing the new version")
        model = _model(project, base, labelled, adapted, describe_device(device))
        added = _add_version(project, model, labelled, adapted, time.perf_counter() - started)
    yield Done(added)


def _follow(base: Base, labelled: Labelled, settings: AdaptationSettings) -> Generator[Event, None, Adapted]:
    """The engine's events as the user's."""
    first_step_at = time.perf_counter()
    for event in adapt(base, labelled.clips, labelled.label_names, settings):
        match event:
            case StepTaken(step, steps, loss):
                remaining_s = (time.perf_counter() - first_step_at) / step * (steps - step)
                yield Progress(step, steps, "Adapting", loss, remaining_s)
            case Remark(message, hint):
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
        "speakers": len({row.speaker for row in labelled.rows if row.speaker}),
    }
    return AdaptedModel(
        adapted.encoder,
        adapted.head,
        labels,
        project.language,
        base.name,
        base.licence,
        base.standardised,
        origin,
        speakers=adapted.speakers,
        cosine_scale=base.cosine_scale,
        recommended=base.recommended,
    )


def _add_version(
    project: Project, model: AdaptedModel, labelled: Labelled, adapted: Adapted, seconds: float
) -> VersionAdded:
    """Write under a hidden name, rename when whole, then list it: a kill leaves a version or none."""
    staging = project.staging_folder()
    save_model(model, staging, model_card(model))
    number = project.next_version_number()
    folder = project.versions_folder / f"{number:04d}"
    staging.rename(folder)
    settings = adapted.settings
    project.add_version(
        ModelVersion(
            number=number,
            folder=f"models/{folder.name}",
            created_at=datetime.now(UTC),
            base=model.base,
            method=settings.method,
            steps=int(model.origin["steps"]),
            learning_rate=settings.learning_rate,
            seed=settings.seed,
            labels=labelled.label_names,
            clip_count=len(labelled.clips),
            seconds=seconds,
            final_loss=adapted.final_loss,
        )
    )
    return VersionAdded(
        number,
        folder,
        settings.method,
        labelled.label_names,
        len(labelled.clips),
        seconds,
        adapted.final_loss,
        adapted.head.kind,
    )
