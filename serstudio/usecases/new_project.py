"""Create a project folder."""

from collections.abc import Iterator

from serstudio.project import Project
from serstudio.usecases.events import Done, Event
from serstudio.usecases.requests import NewProject, ProjectCreated


def new_project(request: NewProject) -> Iterator[Event]:
    """Create the project and close it. Raises ProjectError; nothing is left behind then."""
    with Project.create(request.folder, request.name, request.language, request.labels) as project:
        yield Done(ProjectCreated(project.folder))
