"""A project to try things on: the bundled synthetic clips, a few of them labelled."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from engine.resources import resource
from serstudio.errors import ProjectError
from serstudio.project.database import FILE_NAME, in_words
from serstudio.usecases import dispatch
from serstudio.usecases.events import Done, Event
from serstudio.usecases.requests import ImportClips, MakeSampleProject, NewProject, ProjectCreated

SAMPLE_NAME = "Sample (synthetic)"
SAMPLE_LANGUAGE = "Invented (synthetic voices)"
SAMPLE_LABELS = ("anger", "joy", "sadness", "calm")
LIVE_CLIP = "live.ogg"


def sample_folder() -> Path:
    """The bundled clips: clips/, manifest.csv (the truth), start.csv (some labels), live.ogg."""
    folder = resource("sample")
    if not (folder / "manifest.csv").is_file():
        raise ProjectError("The sample clips are missing.", "Install SER Studio again.")
    return folder


def make_sample_project(request: MakeSampleProject) -> Iterator[Event]:
    """Create the project and import the clips through the same use-cases as a person's.

    20 of the 48 clips are labelled; `live.ogg` lies beside the project file, to stand in for a
    microphone. Raises ProjectError; a half-made project is taken away again.
    """
    sample = sample_folder()
    created = False
    with in_words(request.folder / FILE_NAME):
        was_there = request.folder.exists()
        try:
            for event in dispatch.run(NewProject(request.folder, SAMPLE_NAME, SAMPLE_LANGUAGE, labels=SAMPLE_LABELS)):
                created = created or isinstance(event, Done)
            with closing(dispatch.run(ImportClips(request.folder, manifest=sample / "start.csv"))) as events:
                for event in events:
                    if not isinstance(event, Done):
                        yield event
            shutil.copyfile(sample / LIVE_CLIP, request.folder / LIVE_CLIP)
        except BaseException:
            if created:
                _take_away(request.folder, keep_folder=was_there)
            raise
    yield Done(ProjectCreated(request.folder))


def _take_away(folder: Path, *, keep_folder: bool) -> None:
    """Remove what was made here; only ever called on a folder that was new or empty before."""
    shutil.rmtree(folder, ignore_errors=True)
    if keep_folder:
        folder.mkdir(exist_ok=True)
