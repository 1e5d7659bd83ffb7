"""What a training run reports while it runs: frozen and picklable, whatever is trained."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.metalearning.corpora.corpus import Corpus


@dataclass(frozen=True)
class TrainingProgress:
    """`step` of `steps` is done (`steps` 0: not known yet). `loss` in nats; `remaining_s` where it can be told."""

    step: int
    steps: int
    message: str
    loss: float | None = None
    remaining_s: float | None = None


@dataclass(frozen=True)
class TrainingRemark:
    """Something the user should know although the work goes on."""

    message: str
    hint: str = ""


@dataclass(frozen=True)
class Trained:
    """The last event: the base is in `folder`."""

    folder: Path


TrainingEvent = TrainingProgress | TrainingRemark | Trained


def left_out_remarks(name: str, corpus: Corpus) -> Iterator[TrainingRemark]:
    """What of `corpus`, called `name`, is not used, a remark each: clips over 9.375 s (main paper, section 4.2) ..."""
    if corpus.too_long:
        yield TrainingRemark(f"{name}: {corpus.too_long} clips over 9.375 s are left out.")
    if corpus.missing:
        yield TrainingRemark(f"{name}: {corpus.missing} clips that its tables name are not there.", "Unpack it whole.")
    if corpus.unreadable:
        yield TrainingRemark(
            f"{name}: {corpus.unreadable} files have no sound that can be read, or under 0.1 s of it.",
            "Unpack it again if there should be more.",
        )
    if corpus.unlabelled:
        yield TrainingRemark(f"{name}: {corpus.unlabelled} clips have no emotion that is known, and are left out.")
