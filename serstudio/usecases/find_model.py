"""From what the user points at, a model folder or a project, to the model folder."""

from pathlib import Path

from engine.model_folder import is_model_folder
from serstudio.errors import ProjectError
from serstudio.project import ModelVersion, Project


def find_model(folder: Path) -> Path:
    """`folder` itself if it is a model, else its newest version if it is a project. Raises ProjectError."""
    if is_model_folder(folder):
        return folder
    with Project.open(folder) as project:
        return project.folder / find_version(project, None).folder


def find_version(project: Project, number: int | None) -> ModelVersion:
    """Version `number`, or the newest. Raises ProjectError if there is none, or its folder is gone."""
    versions = project.versions()
    if not versions:
        raise ProjectError(f"The project {project.name} has no adapted model yet.", "Press Adapt first.")
    wanted = versions[-1].number if number is None else number
    for version in versions:
        if version.number == wanted:
            if not (project.folder / version.folder).is_dir():
                raise ProjectError(f"The folder of version {wanted} is gone.", "Adapt again.")
            return version
    have = ", ".join(str(version.number) for version in versions)
    raise ProjectError(f"There is no version {wanted}.", f"Versions of this project: {have}.")
