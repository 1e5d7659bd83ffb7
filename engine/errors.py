"""Errors that a person can mend: a cause in one sentence, and the mend in another."""


class SerStudioError(Exception):
    """Base of every error that is shown to the user in his own words.

    `message` names the cause in one sentence; `hint` says how to mend it (may be empty).
    Anything that is not a SerStudioError is a bug of ours.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class AudioError(SerStudioError):
    """A file that cannot be used as a clip (unreadable, empty, too short, not a number)."""


class MicrophoneError(SerStudioError):
    """No microphone, or one that cannot be opened."""


class BaseError(SerStudioError):
    """A base model that is unknown, missing or of an unsupported kind."""


class ModelFolderError(SerStudioError):
    """An adapted model folder that is incomplete, damaged or from a newer version."""


class LabellingError(SerStudioError):
    """Labelled clips that a method cannot work with (one label only, no clips, ...)."""


class ManifestError(SerStudioError):
    """A CSV manifest that lacks columns or rows."""


class DeviceError(SerStudioError):
    """A compute device that was asked for and is not there."""


class CorpusError(SerStudioError):
    """A speech corpus that is not where it was looked for, or not in a layout that is known."""


class RecipeError(SerStudioError):
    """A recipe that cannot be read, or that asks for what makes no sense; a run folder that is not its own."""


class MemoryShortError(SerStudioError):
    """Less memory than a piece of work needs, in its thriftiest way."""
