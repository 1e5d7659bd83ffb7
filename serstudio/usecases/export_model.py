"""Export: one version as a folder for colleagues, loaded again and checked to give the same answers."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from engine.audio.decode import MODEL_RATE_HZ
from engine.audio.windows import Samples, read_windows
from engine.errors import AudioError
from engine.model_folder import AdaptedModel, load_model
from engine.streaming import score_window
from serstudio.errors import ExportError
from serstudio.project import Project
from serstudio.usecases.events import Done, Event, Progress
from serstudio.usecases.find_model import find_version
from serstudio.usecases.requests import ExportModel, ModelExported

MOST_CLIPS_COMPARED = 20


def export_model(request: ExportModel) -> Iterator[Event]:
    """Copy, load the copy, compare, and only then give it its name; a failed export leaves nothing."""
    target = request.to.expanduser().absolute()
    with Project.open(request.folder) as project:
        version = find_version(project, request.version)
        source = project.folder / version.folder
        _refuse_unfit(target, source)
        staging = target.with_name(f".{target.name}.partial")
        yield Progress(0, None, "Copying the model")
        try:
            shutil.rmtree(staging, ignore_errors=True)
            shutil.copytree(source, staging)
            original, copy = load_model(source, request.device), load_model(staging, request.device)
            windows = _windows(project)
            largest = 0.0
            for step, window in enumerate(windows, start=1):
                largest = max(largest, _difference(original, copy, window))
                yield Progress(step, len(windows), "Comparing answers")
            if largest > 0.0:
                raise ExportError("The exported copy gives other answers than the version.", "Export again.")
            if target.exists():
                target.rmdir()
            staging.rename(target)
        except OSError as error:
            raise ExportError(f"The model could not be written to {target}.", "Choose another folder.") from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    size = sum(file.stat().st_size for file in target.iterdir())
    yield Done(ModelExported(target, version.number, len(windows), largest, size, original.base_licence))


def _refuse_unfit(target: Path, source: Path) -> None:
    if target == source or source in target.parents:
        raise ExportError("The export folder lies inside the version itself.", "Choose another folder.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ExportError(f"{target} exists and is not empty.", "Choose a new folder; nothing is overwritten.")
    if not target.parent.is_dir():
        raise ExportError(f"There is no folder {target.parent}.", "Make it first, or choose another.")


def _windows(project: Project) -> list[Samples]:
    """The first windows of clips spread over the project, and one of fixed noise, to compare answers on."""
    clips = project.clips()
    chosen = np.linspace(0, len(clips) - 1, min(MOST_CLIPS_COMPARED, len(clips))).round().astype(int)
    windows = [np.random.default_rng(0).normal(0, 0.1, MODEL_RATE_HZ).astype(np.float32)]
    for index in chosen:
        with suppress(AudioError):  # a clip that cannot be read says nothing about the model
            windows += read_windows(project.clip_path(clips[index]), 1)
    return windows


def _difference(original: AdaptedModel, copy: AdaptedModel, window: Samples) -> float:
    """Largest difference of a score on one window."""
    pairs = zip(score_window(original, window), score_window(copy, window), strict=True)
    return max(abs(a - b) for a, b in pairs)
