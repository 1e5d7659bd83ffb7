"""What check, compare and evaluate tell while they repeat an adaptation."""

import re
from collections.abc import Iterator

from engine.adaptation import Remark
from engine.evaluation.cross_adaptation import FoldProgress
from engine.evaluation.folds import Scheme
from serstudio.usecases.events import Progress, Warned
from serstudio.usecases.labelled_clips import Labelled
from serstudio.wording import counted


def fold_progress(progress: FoldProgress, doing: str, done: float = 0.0, share: float = 1.0) -> Progress:
    """In percent: `done` of the whole came before, and these folds are `share` of it. The time left is theirs."""
    message = f"{doing}, part {progress.fold} of {progress.folds}"
    percent = round(100 * (done + share * progress.share))
    return Progress(percent, 100, message, None, progress.remaining_s, "%")


def fold_warnings(labelled: Labelled, scheme: Scheme, asked: int) -> Iterator[Warned]:
    """What the user should know of how his clips could be held back; `asked`: how many were."""
    if scheme is Scheme.FOLDS:
        yield Warned(
            f"{_why_no_speakers(labelled)}, so voices may be on both sides: expect less of a new speaker.",
            "Name the speaker of each clip, and label two speakers or more for each emotion.",
        )
    unasked = len(labelled.clips) - asked
    if unasked:
        yield Warned(f"{counted(unasked, 'label')} with a single clip could not be asked.", "Label a second one.")


def _why_no_speakers(labelled: Labelled) -> str:
    """Why whole speakers could not be held back."""
    unnamed = sum(not row.speaker for row in labelled.rows)
    if 0 < unnamed < len(labelled.rows):
        return f"{counted(unnamed, 'labelled clip')} {'has' if unnamed == 1 else 'have'} no speaker"
    return "Not every label has clips of two named speakers"


_FIGURES = re.compile(r"(?P<quoted>'[^']*')|\d+(\.\d+)?")  # not those in a label's name


class Remarks:
    """The remarks of an adaptation that is repeated, each once: with other figures in it, it is the same."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, remark: Remark, about: str = "") -> Iterator[Warned]:
        message = f"{about}: {remark.message}" if about else remark.message
        without_figures = _FIGURES.sub(lambda found: found["quoted"] or "#", message)
        if without_figures not in self._told:
            self._told.add(without_figures)
            yield Warned(message, remark.hint)
