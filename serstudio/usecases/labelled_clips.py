"""The labelled clips of a project, decoded: what adapting and checking both start from."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from engine.adaptation import LabelledClip
from engine.adaptation.clips import check_labels
from engine.audio.decode import MOST_WINDOWS_PER_CLIP
from engine.audio.windows import Windows, read_windows
from engine.errors import AudioError
from engine.names import first_spellings
from serstudio.project import Clip, Label, Project
from serstudio.usecases.events import Event, Progress, Warned
from serstudio.usecases.kept_audio import hint_for
from serstudio.wording import counted


@dataclass(frozen=True)
class Labelled:
    """`clips[i]` of the engine is `rows[i]` of the project; its label is an index into `labels`.

    Speakers of one name (`engine.names.same_name`) are spelt alike in both.
    """

    labels: tuple[Label, ...]
    rows: tuple[Clip, ...]
    clips: tuple[LabelledClip, ...]

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    @property
    def label_indices(self) -> list[int]:
        return [clip.label for clip in self.clips]


def read_labelled(project: Project) -> Generator[Event, None, Labelled]:
    """Decode every labelled clip; labels without clips and clips that cannot be read are left out, with a warning.

    Raises LabellingError unless two labels are left.
    """
    all_labels = {label.id: label for label in project.labels()}
    rows = [clip for clip in _in_one_spelling(project.clips()) if clip.label_id is not None]
    decoded: list[tuple[Clip, Windows]] = []
    shortened = 0
    for step, row in enumerate(rows, start=1):
        yield Progress(step, len(rows), "Reading clips")
        kept = project.clip_path(row)
        try:
            windows = tuple(read_windows(kept, MOST_WINDOWS_PER_CLIP))
        except AudioError as error:
            yield Warned(f"{row.name} is left out: {error.message}", hint_for(error, kept))
            continue
        shortened += len(windows) > 1
        decoded.append((row, windows))
    if shortened:
        yield Warned(
            f"{counted(shortened, 'clip')} longer than 9.4 s: taken in windows, at most {MOST_WINDOWS_PER_CLIP} of a "
            "clip, spread over it; each still counts as one clip.",
            "Cut long recordings to single utterances for better models.",
        )
    used = {row.label_id for row, _ in decoded}
    labels = tuple(label for label in all_labels.values() if label.id in used)
    empty = [label.name for label in all_labels.values() if label.id not in used]
    if empty and labels:
        yield Warned(f"No clip is labelled {', '.join(empty)}: left out.", "Label a few clips and adapt again.")
    index = {label.id: position for position, label in enumerate(labels)}
    clips = tuple(
        LabelledClip(windows, index[row.label_id], row.speaker) for row, windows in decoded if row.label_id is not None
    )
    check_labels([clip.label for clip in clips], [label.name for label in labels])
    return Labelled(labels, tuple(row for row, _ in decoded), clips)


def _in_one_spelling(clips: Sequence[Clip]) -> list[Clip]:
    """`clips` with each speaker under one name: a project may hold two spellings, from before they were made one."""
    spellings = first_spellings(clip.speaker for clip in clips if clip.speaker)
    return [replace(clip, speaker=spellings[clip.speaker]) if clip.speaker else clip for clip in clips]
