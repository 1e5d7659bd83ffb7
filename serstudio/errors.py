"""Errors of the project and its use-cases; the base and the engine's own live in `engine.errors`."""

from engine.errors import SerStudioError

__all__ = ["ExportError", "ProjectError", "SerStudioError"]


class ProjectError(SerStudioError):
    """A project folder that is missing, damaged, newer than this program, or a value it refuses."""


class ExportError(SerStudioError):
    """A model that could not be exported, or whose copy does not give the same answers."""
