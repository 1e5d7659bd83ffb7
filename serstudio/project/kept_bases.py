"""Deleting the bases that a project keeps for its versions, once no version needs them."""

import contextlib
from pathlib import Path

from engine.delta_facts import KEPT, MODELS, kept_folder
from serstudio.project.staging import STAGING_PREFIX, Staging
from serstudio.project.version_files import needed_bases


def drop_unneeded_bases(project: Path) -> None:
    """Delete every kept base that no folder in `models/` needs; when in doubt keep it.

    Another process may be about to write a version that needs one. It makes its staging folder first, then looks for
    the base, and looks again when its version is in place. Here a base is put aside first, then who needs it is asked
    again: one of the two sees the other, and nothing is locked.
    Raises OSError.
    """
    for kept in (project / KEPT).glob("[0-9a-f]*"):
        if kept.is_dir() and not _is_needed(project, kept.name, None):
            _drop(project, kept)


def _drop(project: Path, kept: Path) -> None:
    staging = Staging(project / MODELS)
    aside = staging.folder / kept.name
    try:
        with contextlib.suppress(OSError):  # a file is open elsewhere (Windows), or the other has written it anew
            kept.rename(aside)
            if _is_needed(project, kept.name, staging.folder):
                aside.rename(kept_folder(project, kept.name))
    finally:
        staging.close()


def _is_needed(project: Path, fingerprint: str, own: Path | None) -> bool:
    """Whether a version needs that base, or may soon. `own`: a staging folder of this process, which needs nothing."""
    models = project / MODELS
    others = [path for path in models.glob(f"{STAGING_PREFIX}*") if path.is_dir() and path != own]
    needed = needed_bases(models)
    return bool(others) or needed is None or fingerprint in needed
