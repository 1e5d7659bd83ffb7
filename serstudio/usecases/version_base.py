"""The base that a version was made from, for doing again what was done with it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.base_folder import is_base_folder, load_base_folder
from engine.bases import Base, load_base, load_stored
from engine.delta_facts import kept_folder
from engine.errors import BaseError
from engine.fingerprint import fingerprint
from serstudio.project import ModelVersion, read_version_files


def load_base_of(project: Path, version: ModelVersion) -> Base:
    """The very base of `version`, called as it was.

    A version tells its base by name, and the name may mean nothing any more, or another one: where the folder of a
    base had been chosen, or an update brought other weights. Then it is the base that the project keeps beside its
    versions; without one, what the name means. Raises BaseError.
    """
    facts = read_version_files(project / version.folder).delta
    kept = kept_folder(project, facts.fingerprint) if facts is not None else None
    if facts is None or kept is None or not kept.is_dir():
        return load_base(version.base)
    try:
        base = load_base(version.base)
    except BaseError:
        return _load_kept(kept, version.base)
    return base if fingerprint(base.encoder) == facts.fingerprint else _load_kept(kept, version.base)


def load_known_base(project: Path, versions: Sequence[ModelVersion], name: str) -> Base:
    """The base that `name` means, else that of the newest version made from one called so. Raises BaseError."""
    try:
        return load_base(name)
    except BaseError:
        made = [version for version in versions if version.base == name]
        if not made:
            raise
        return load_base_of(project, made[-1])


def _load_kept(folder: Path, name: str) -> Base:
    return replace(load_base_folder(folder) if is_base_folder(folder) else load_stored(folder, name), name=name)
