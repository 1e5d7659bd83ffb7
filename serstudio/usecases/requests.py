"""Requests on a project and its models: one frozen, picklable dataclass a verb, and the result its `Done` carries.

This module imports nothing heavy, so a front end can build a request at once and hand it to a
worker process, where `dispatch.run` imports what the verb needs.
"""

from dataclasses import dataclass, field
from pathlib import Path

from engine.choices import Recommended

# --- new -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewProject:
    """Create a project folder. Done: `ProjectCreated`."""

    folder: Path
    name: str
    language: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class ProjectCreated:
    folder: Path


# --- import ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImportClips:
    """Bring audio into a project. Done: `ImportReport`.

    `paths` are files or folders (searched recursively). With `manifest` (CSV columns
    file,label,speaker[,...]) labels and speakers are taken from it; files are relative to `root`, or
    to the manifest's folder; `paths`, if any, then narrow the rows to those files or folders.
    `per_label` takes at most that many new clips of each label, drawn with `seed`; `only_labels`
    limits the rows to those labels (empty: all; a label that the project lacks is added to it).
    """

    folder: Path
    paths: tuple[Path, ...] = ()
    manifest: Path | None = None
    root: Path | None = None
    per_label: int | None = None
    only_labels: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Skipped:
    """A file that was not added, and why, in words."""

    file: str
    reason: str
    is_known: bool = False  # the same recording is there already: nothing went wrong


@dataclass(frozen=True)
class ImportReport:
    added_clip_ids: tuple[int, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]  # what the user should know of clips that WERE added ("2 are longer than 9.4 s ...")
    new_labels: tuple[str, ...] = ()


# --- adapt -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class AdaptationChoice:
    """How to adapt, and from which base. None: as the base recommends.

    `steps`, `learning_rate`, `head` and `trained` go with a method that tunes.
    """

    base: str = "compact"
    method: str | None = None
    steps: int | None = None
    learning_rate: float | None = None
    device: str = "auto"
    seed: int = 0
    head: str | None = None
    trained: str | None = None
    speaker_mean: bool | None = None
    precision: str = "auto"  # of `engine.choices.TUNING_PRECISIONS`


@dataclass(frozen=True)
class AdaptProject(AdaptationChoice):
    """Adapt the base to all labelled clips, as a new numbered version. Done: `VersionAdded`."""

    folder: Path


@dataclass(frozen=True)
class VersionAdded:
    number: int
    folder: Path
    method_used: str  # differs from the request's when it had to fall back (one clip a label)
    labels: tuple[str, ...]
    clip_count: int
    seconds: float
    final_loss: float | None
    head: str = "prototypes"
    device: str = ""  # where it ran, in words; differs from the request's when memory was short
    peak_memory_bytes: int | None = None  # None where the system does not tell
    size_bytes: int = 0  # of the version on disk: what differs from the base
    known_labels: tuple[str, ...] = ()  # those that began with what the base knows of them by their names


# --- check -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckProject:
    """Estimate the accuracy on clips that the model has not heard. Done: `CheckReport`.

    None: as the newest version was made, from the very base that it has, or as the newest from the `base` that was
    asked for; without one, as the base (compact) recommends. A method that tunes
    is repeated in two or three folds, for a tuned model has heard every clip; a head is fitted anew in each.
    """

    folder: Path
    base: str | None = None
    device: str = "auto"
    seed: int = 0
    method: str | None = None
    head: str | None = None
    speaker_mean: bool | None = None
    steps: int | None = None
    learning_rate: float | None = None
    trained: str | None = None
    precision: str = "auto"  # of `engine.choices.TUNING_PRECISIONS`


@dataclass(frozen=True)
class CheckReport:
    """`confusion[i][j]`: clips of true label i that were taken for label j."""

    scheme: str  # "leave-one-speaker-out", "speaker-folds" or "folds"
    fold_count: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    accuracy: float
    interval: tuple[float, float]  # 95 %, `Checked.interval`
    unweighted_accuracy: float
    macro_f1: float
    clip_count: int
    speaker_count: int
    mistakes: tuple[tuple[int, str, str], ...]  # (clip id, true label, taken for)
    chance: float
    method: str = "disjoint"
    head: str = "prototypes"
    adaptation_s: float | None = None  # of a method that tunes, which was repeated in each fold: how long one took


# --- classify --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClassifyFiles:
    """Classify files (or folders of files). `model` is a model folder or a project (newest version).

    `speaker`: whose voice it is, if that is one the model knows (adapted with `speaker_mean`).
    Done: `FilesClassified`.
    """

    model: Path
    paths: tuple[Path, ...]
    device: str = "auto"
    speaker: str | None = None
    precision: str = "auto"  # of `engine.choices.PRECISIONS`


@dataclass(frozen=True)
class FileResult:
    file: str
    label: str
    scores: dict[str, float]  # sums to 1
    duration_s: float
    window_count: int  # more than 1 when the clip was longer than 9.375 s


@dataclass(frozen=True)
class FilesClassified:
    results: tuple[FileResult, ...]
    skipped: tuple[Skipped, ...]


# --- export ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ExportModel:
    """Write one version as a folder that colleagues can load, and check the copy. Done: `ModelExported`."""

    folder: Path
    to: Path
    version: int | None = None  # None: the newest
    device: str = "auto"
    whole: bool = True  # False: only what differs from the base, for colleagues who have that base


@dataclass(frozen=True)
class ModelExported:
    folder: Path
    version: int
    verified_clips: int  # windows of sound on which copy and original were compared
    largest_difference: float
    size_bytes: int
    licence: str  # of the base, whose weights the model contains
    needs: str = ""  # of a small export: the name of the base that has to be there; "" of one that is whole


# --- machine ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DescribeMachine:
    """Measure what this machine can do. Done: `MachineDescribed`.

    `tuning`: time a step of tuning even if the bundled base recommends none and it was never timed here; that
    takes a second or two.
    """

    tuning: bool = False


@dataclass(frozen=True)
class MachineDescribed:
    """`text` is one line for the user. Times are for 20 clips of 3 s and the bundled base: `adaptation_s` of an
    adaptation as it is `recommended` for it, `step_s` of one step of tuning as it would be done (None: not timed).
    """

    text: str
    devices: tuple[str, ...]  # names for `device`, the best first
    adaptation_s: float
    step_s: float | None
    precision: str = "fp32"  # in which the best device classifies, as measured here
    recommended: Recommended = field(default_factory=Recommended)
    emotions: tuple[str, ...] = ()  # what the bundled base knows by their names (`engine.emotions`)


@dataclass(frozen=True)
class MeasureMemory:
    """Look how much memory is free where adapting runs. Done: `MemoryMeasured`."""


@dataclass(frozen=True)
class MemoryMeasured:
    """`device`: what computes, in a word or two; bytes of its memory."""

    device: str
    free_bytes: int
    total_bytes: int


# --- sample project --------------------------------------------------------------------------------


@dataclass(frozen=True)
class MakeSampleProject:
    """Write the synthetic sample project (no corpus audio in it). Done: `ProjectCreated`."""

    folder: Path
