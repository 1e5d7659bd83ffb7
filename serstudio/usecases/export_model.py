"""Export: one version as a folder for colleagues, loaded again and checked to give the same answers."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.audio.decode import MODEL_RATE_HZ
from engine.audio.windows import Samples, read_windows
from engine.errors import AudioError, ModelFolderError
from engine.model_folder import CARD, CONFIG, WEIGHTS, AdaptedModel, load_model, save_model
from engine.streaming import score_window
from engine.user_path import user_path
from serstudio.base_titles import name_to_give_away
from serstudio.errors import ExportError
from serstudio.model_config import read_card
from serstudio.project import Project, VersionFiles, read_version_files
from serstudio.project.staging import EXPORT_PREFIX, Staging, sweep_exports
from serstudio.usecases.events import Done, Event, Progress
from serstudio.usecases.find_model import find_version
from serstudio.usecases.model_card import base_line
from serstudio.usecases.requests import ExportModel, ModelExported
from serstudio.usecases.small_export import small_reason, small_section

MOST_CLIPS_COMPARED = 20


def export_model(request: ExportModel) -> Iterator[Event]:
    """Write it, load it again, compare, and only then give it its name; a failed export leaves nothing.

    There is an event between any two pieces of work, so that cancelling it ends it there.
    """
    target = user_path(request.to).absolute()
    with Project.open(request.folder) as project:
        version = find_version(project, request.version)
        source = project.folder / version.folder
        files, card = read_version_files(source), _card(source)
        _refuse_small(files, whole=request.whole)
        with _half_written(target, source) as staging:
            yield Progress(0, None, "Reading the model")
            original = load_model(source, request.device)
            yield Progress(0, None, "Copying the model")
            if request.whole:
                _write_whole(original, source, files, card, staging)
            else:
                _write_small(source, files, card, staging)
            yield Progress(0, None, "Reading the copy")
            copy = _load_copy(staging, request)
            yield Progress(0, None, "Comparing answers")
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
    size = sum(file.stat().st_size for file in target.iterdir())
    needs = "" if request.whole or files.delta is None else files.delta.base
    yield Done(ModelExported(target, version.number, len(windows), largest, size, original.base_licence, needs))


@contextmanager
def _half_written(target: Path, source: Path) -> Iterator[Path]:
    """A new hidden folder beside `target`, gone afterwards; and what a killed export has left there goes, too."""
    try:
        _refuse_unfit(target, source)
        sweep_exports(target.parent)
        staging = Staging(target.parent, EXPORT_PREFIX)
        try:
            yield staging.folder
        finally:
            staging.close()
    except OSError as error:
        why = f" ({error.strerror})" if error.strerror else ""
        raise ExportError(
            f"The model could not be written to {target}{why}.",
            "Choose a folder of yours on a disk with room, or change its permissions.",
        ) from error


def _write_whole(model: AdaptedModel, source: Path, files: VersionFiles, card: str, folder: Path) -> None:
    """With the weights of the base: the folder then depends on nothing, and names no folder of this computer."""
    base = name_to_give_away(model.base)  # versions of before have what was typed
    if files.delta is None and base == model.base:
        shutil.copytree(source, folder, dirs_exist_ok=True)
        return
    save_model(replace(model, base=base), folder, card.replace(base_line(model.base), base_line(base)))


def _write_small(source: Path, files: VersionFiles, card: str, folder: Path) -> None:
    """As the project has it, with a word on the card about what is missing."""
    assert files.delta is not None  # _refuse_small has seen to it
    for name in (CONFIG, WEIGHTS):
        shutil.copyfile(source / name, folder / name)
    (folder / CARD).write_text(card + small_section(files.delta), encoding="utf-8")


def _card(source: Path) -> str:
    try:
        return read_card(source)
    except OSError as error:
        raise ExportError(
            f"The model card {source / CARD} cannot be read ({error.strerror}).",
            "Change its permissions, or delete it: the model works without.",
        ) from error


def _load_copy(folder: Path, request: ExportModel) -> AdaptedModel:
    """As a colleague would load it, who does not have this project."""
    try:
        return load_model(folder, request.device)
    except ModelFolderError as error:
        if request.whole:
            raise
        raise ExportError(
            "The base of this version is not the one that goes by its name here any more.",
            "Export it whole: the project has kept the weights.",
        ) from error


def _refuse_small(files: VersionFiles, *, whole: bool) -> None:
    reason = None if whole else small_reason(files)
    if reason is not None:
        raise ExportError(reason, "Export it whole.")


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
