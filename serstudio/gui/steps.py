"""The six steps of the job: what state each is in, and its single next action in words. No Qt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from serstudio.project import Label, ModelVersion
from serstudio.usecases.events import Progress
from serstudio.wording import counted, lower_first

CLIPS_PER_LABEL = 5  # the five-shot setting of the main paper; fewer works, more helps


class Step(Enum):
    """In the order of the rail."""

    COLLECT = "Collect"
    LABEL = "Label"
    ADAPT = "Adapt"
    CHECK = "Check"
    LIVE = "Live"
    SHARE = "Share"


class Aside(Enum):
    """What can be done beside the steps, with a page of its own."""

    COMPARE = "Compare"


class StepState(Enum):
    """NOT_YET: something must come before it. READY: it can be done now."""

    NOT_YET = "not yet"
    READY = "ready"
    DONE = "done"
    BUSY = "working"


class Age(Enum):
    """What has come since a result was measured, if anything that it depends on."""

    CURRENT = "current"
    CLIPS_CHANGED = "clips or labels have changed"
    OTHER_VERSION = "the newest version is another"
    VERSION_GONE = "there is no version any more"


@dataclass(frozen=True)
class StepStatus:
    """What the rail shows of one step. `fraction` is 0..1 while busy, None when it is not known."""

    state: StepState
    action: str
    fraction: float | None = None


@dataclass(frozen=True)
class Facts:
    """What the states are made of, read from the project at one moment.

    `labelling`: the same as long as the same clips have the same labels and speakers; `labels_given`: whoever speaks.
    `chosen`: the versions that Live and Share work with, by number.
    """

    clip_count: int
    labels: tuple[Label, ...]
    counts: Mapping[int, int]  # clips per label id
    versions: tuple[ModelVersion, ...]
    accuracy: float | None = None  # of the last check
    check_age: Age = Age.CURRENT
    exported_version: int | None = None
    labelling: str = ""
    labels_given: str = ""
    chosen: Mapping[Step, int] = field(default_factory=dict)

    @property
    def labelled(self) -> int:
        return sum(self.counts.values())

    @property
    def newest(self) -> ModelVersion | None:
        return self.versions[-1] if self.versions else None

    def version_of(self, step: Step) -> int | None:
        """The number of the version that the screen of `step` works with: the newest if no other was chosen."""
        number = self.chosen.get(step)
        if any(version.number == number for version in self.versions):
            return number
        return self.newest.number if self.newest is not None else None

    def count(self, label: Label) -> int:
        return self.counts.get(label.id, 0)

    def usable_labels(self, at_least: int = 1) -> int:
        return sum(self.count(label) >= at_least for label in self.labels)


@dataclass(frozen=True)
class Moment:
    """What a result was measured of. `labelling`: as in `Facts`; `version`: the newest one then."""

    labelling: str
    version: int | None


def moment_of(facts: Facts) -> Moment:
    """What a result that is measured now is of."""
    return Moment(facts.labelling, facts.newest.number if facts.newest is not None else None)


def age_of(measured: Moment, facts: Facts) -> Age:
    """What has changed since a result was measured."""
    now = moment_of(facts)
    if now == measured:
        return Age.CURRENT
    if now.labelling != measured.labelling:
        return Age.CLIPS_CHANGED
    return Age.VERSION_GONE if now.version is None else Age.OTHER_VERSION


def label_progress(labels: Sequence[Label], counts: Mapping[int, int], limit: int = 4) -> str:
    """ "anger 5/5, fear 2/5"; with many labels, those that lack clips come first."""
    if len(labels) > limit:
        labels = sorted(labels, key=lambda label: counts.get(label.id, 0) >= CLIPS_PER_LABEL)
    words = [progress_words(label.name, counts.get(label.id, 0)) for label in labels[:limit]]
    rest = len(labels) - limit
    return ", ".join(words) + (f" and {rest} more" if rest > 0 else "")


def progress_words(name: str, count: int) -> str:
    return f"{name} {min(count, CLIPS_PER_LABEL)}/{CLIPS_PER_LABEL}"


def adapt_reason(facts: Facts) -> str | None:
    """Why Adapt cannot be pressed, None when it can."""
    if facts.clip_count == 0:
        return "There are no clips yet: import or record some in Collect."
    if len(facts.labels) < 2:
        return "Adapting needs at least two labels: add them in Label."
    if facts.usable_labels() < 2:
        return "Adapting needs labelled clips of at least two labels: label some in Label."
    return None


def check_reason(facts: Facts) -> str | None:
    """Why Check cannot be pressed, None when it can."""
    reason = adapt_reason(facts)
    if reason is not None:
        return reason.replace("Adapting", "Checking")
    if facts.usable_labels(2) < 2:
        return "Checking needs at least two clips in each of two labels: label more in Label."
    return None


def version_reason(facts: Facts) -> str | None:
    """Why nothing can be done with a model yet, None when it can."""
    return None if facts.versions else "There is no adapted model yet: press Adapt first."


def newest_is_stale(facts: Facts) -> bool:
    """Whether what the newest version was made of has changed since: which clips have which labels."""
    newest = facts.newest
    if newest is None:
        return False
    if newest.labelling:
        return newest.labelling not in (facts.labelling, facts.labels_given)
    used = {label.name for label in facts.labels if facts.count(label)}
    return newest.clip_count != facts.labelled or set(newest.labels) != used


def step_statuses(facts: Facts) -> dict[Step, StepStatus]:
    """State and next action of every step, without what is running."""
    return {
        Step.COLLECT: _collect(facts),
        Step.LABEL: _label(facts),
        Step.ADAPT: _adapt(facts),
        Step.CHECK: _check(facts),
        Step.LIVE: _live(facts),
        Step.SHARE: _share(facts),
    }


def _collect(facts: Facts) -> StepStatus:
    if facts.clip_count == 0:
        return StepStatus(StepState.READY, "Add or record clips")
    return StepStatus(StepState.DONE, counted(facts.clip_count, "clip"))


def _label(facts: Facts) -> StepStatus:
    if len(facts.labels) < 2:
        return StepStatus(StepState.READY, "Add at least two labels")
    words = label_progress(facts.labels, facts.counts)
    if facts.clip_count == 0:
        return StepStatus(StepState.NOT_YET, "Collect clips first")
    full = all(facts.count(label) >= CLIPS_PER_LABEL for label in facts.labels)
    return StepStatus(StepState.DONE if full else StepState.READY, words)


def _adapt(facts: Facts) -> StepStatus:
    if adapt_reason(facts) is not None:
        return StepStatus(StepState.NOT_YET, "Label clips of two labels first")
    newest = facts.newest
    if newest is None:
        return StepStatus(StepState.READY, f"Adapt to {counted(facts.labelled, 'clip')}")
    if newest_is_stale(facts):
        return StepStatus(StepState.READY, f"Labels changed since version {newest.number}")
    if newest.clip_count < facts.labelled:  # some could not be read then: perhaps they can be now
        return StepStatus(
            StepState.READY, f"Version {newest.number} heard {newest.clip_count} of {facts.labelled} clips"
        )
    return StepStatus(StepState.DONE, f"Version {newest.number}, {counted(newest.clip_count, 'clip')}")


def _check(facts: Facts) -> StepStatus:
    if check_reason(facts) is not None:
        return StepStatus(StepState.NOT_YET, "Label two clips of two labels first")
    if facts.accuracy is None:
        return StepStatus(StepState.READY, "See how often it is right")
    if facts.check_age is Age.CLIPS_CHANGED:
        return StepStatus(StepState.READY, "Labels changed: check again")
    if facts.check_age is Age.OTHER_VERSION:
        assert facts.newest is not None
        return StepStatus(StepState.READY, f"Version {facts.newest.number} is not checked")
    if facts.check_age is Age.VERSION_GONE:
        return StepStatus(StepState.READY, "Version deleted: check again")
    return StepStatus(StepState.DONE, f"{facts.accuracy:.0%} right")


def _live(facts: Facts) -> StepStatus:
    number = facts.version_of(Step.LIVE)
    if number is None:
        return StepStatus(StepState.NOT_YET, "Adapt first")
    return StepStatus(StepState.READY, f"Listen with version {number}")


def _share(facts: Facts) -> StepStatus:
    number = facts.version_of(Step.SHARE)
    if number is None:
        return StepStatus(StepState.NOT_YET, "Adapt first")
    if facts.exported_version == number:
        return StepStatus(StepState.DONE, f"Version {number} exported")
    return StepStatus(StepState.READY, f"Export version {number}")


def busy_status(step: Step | Aside, progress: Progress | None) -> StepStatus:
    """State and words of a step whose job is running; `progress`: the last word from it."""
    if progress is None:
        return StepStatus(StepState.BUSY, "Starting")
    if not progress.total:
        return StepStatus(StepState.BUSY, progress.message)
    if progress.unit == "%":
        words = f"{progress.step}%, {lower_first(progress.message)}"  # the number first: the rest may be cut off
        return StepStatus(StepState.BUSY, words, progress.step / progress.total)
    word = "Step" if progress.loss is not None else "File" if step is Step.COLLECT else progress.message
    counted = f"{word} {progress.step}/{progress.total}"
    return StepStatus(StepState.BUSY, counted, progress.step / progress.total)
