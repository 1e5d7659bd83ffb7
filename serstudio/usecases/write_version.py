"""A new version on disk: what differs from its base, with the base kept in the project, so that it is never lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.base_folder import Base
from engine.delta import Delta, difference
from engine.delta_facts import kept_folder
from engine.kept_base import keep_base
from engine.low_rank import Factors
from engine.model_folder import AdaptedModel, save_model
from serstudio.project import Project, read_version_files
from serstudio.usecases.model_card import model_card


@dataclass(frozen=True)
class WrittenVersion:
    """In place, but not listed yet (`Project.add_version`). `size_bytes`: without the base."""

    number: int
    folder: Path
    size_bytes: int


def write_version(
    project: Project, model: AdaptedModel, base: Base, low_rank: Mapping[str, Factors] | None = None
) -> WrittenVersion:
    """Write under a hidden name, rename when whole: a kill leaves a version or none.

    base: the one that `model` was adapted from, as it was before; low_rank: see `engine.delta.difference`.
    Raises ModelFolderError, BaseError.
    """
    staging = project.staging_folder()  # before the base is looked for: see `drop_unneeded_bases`
    delta = difference(model.encoder, base, low_rank)
    if delta is not None and not _keep(project, base, delta):
        delta = None
    save_model(model, staging, model_card(model), delta)
    number = project.next_version_number()
    folder = project.versions_folder / f"{number:04d}"
    staging.rename(folder)
    if delta is not None and not kept_folder(project.folder, delta.facts.fingerprint).is_dir():
        _keep(project, base, delta)  # the last version that needed it was deleted meanwhile
    return WrittenVersion(number, folder, read_version_files(folder).size_bytes)


def _keep(project: Project, base: Base, delta: Delta) -> bool:
    return keep_base(base, kept_folder(project.folder, delta.facts.fingerprint), project.staging_folder)
