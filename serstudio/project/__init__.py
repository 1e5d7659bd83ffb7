"""The project on disk: schema, store, history. No Qt, no torch.

from serstudio.project import Project

with Project.open("my-project") as project:
    project.set_label([clip.id for clip in project.clips()], project.labels()[0].id)
    project.undo()
"""

from serstudio.project.changes import (
    Change,
    ClipsAdded,
    ClipsChanged,
    ClipsRemoved,
    DetailsChanged,
    HistoryChanged,
    LabelsChanged,
    VersionsChanged,
)
from serstudio.project.records import Clip, ClipSource, Label, ModelVersion, NewClip
from serstudio.project.store import Project
from serstudio.project.version_files import VersionFiles, read_version_files

__all__ = [
    "Change",
    "Clip",
    "ClipSource",
    "ClipsAdded",
    "ClipsChanged",
    "ClipsRemoved",
    "DetailsChanged",
    "HistoryChanged",
    "Label",
    "LabelsChanged",
    "ModelVersion",
    "NewClip",
    "Project",
    "VersionFiles",
    "VersionsChanged",
    "read_version_files",
]
