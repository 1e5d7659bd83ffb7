"""The whole job on the sample project, step by step, with honest figures at the end."""

import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from serstudio.errors import ProjectError
from serstudio.interchange.manifest import ManifestRow, read_manifest
from serstudio.licence_words import terms_of
from serstudio.project import Project
from serstudio.usecases import dispatch
from serstudio.usecases.dispatch import Request
from serstudio.usecases.events import Done, Event, Progress
from serstudio.usecases.label_clips import find_clips, label_clips
from serstudio.usecases.make_sample_project import LIVE_CLIP, SAMPLE_LABELS, SAMPLE_LANGUAGE, SAMPLE_NAME, sample_folder
from serstudio.usecases.requests import (
    AdaptProject,
    CheckProject,
    CheckReport,
    ClassifyFiles,
    ExportModel,
    FileResult,
    FilesClassified,
    ImportClips,
    ImportReport,
    ModelExported,
    NewProject,
    ProjectCreated,
    VersionAdded,
)
from serstudio.wording import bytes_in_words

PROJECT, MODEL = "sample-project", "sample-model"
STEP_COUNT = 9
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class StepStarted:
    """A step of the tour; `command` is what a person would type for it."""

    number: int
    title: str
    command: str


@dataclass(frozen=True)
class Said:
    """A line about what a step found."""

    text: str


@dataclass(frozen=True)
class TourEnded:
    """What the tour found, on SYNTHETIC clips. Counts are of clips that were not labelled."""

    folder: Path | None  # None when it was a temporary one
    synthetic: bool
    labelled_clips: int
    unheard_clips: int
    unheard_right: int
    new_speaker_clips: int
    new_speaker_right: int
    check_accuracy: float
    check_interval: tuple[float, float]
    adapt_s: float
    live_decisions: int
    live_agrees: bool  # the streamed clip got the scores of the classified one
    export_difference: float  # largest difference of a score between project and exported folder
    total_s: float


TourEvent = StepStarted | Said | Event


class Tour:
    """One run of the tour in `folder`; `run` yields its events, the last is `Done(TourEnded)`."""

    def __init__(self, folder: Path, *, keeps_folder: bool) -> None:
        self._project = folder / PROJECT
        self._model = folder / MODEL
        self._folder = folder if keeps_folder else None
        self._sample = sample_folder()
        self._truth = {row.file.name: row for row in read_manifest(self._sample / "manifest.csv").rows}
        start = read_manifest(self._sample / "start.csv").rows
        self._labelled = [row for row in start if row.label]
        self._rest = [row.file for row in start if not row.label]

    def run(self) -> Iterator[TourEvent]:
        """Raises SerStudioError."""
        started = time.monotonic()
        yield Said("All clips of this tour are SYNTHETIC: espeak-ng voices with bent prosody, an invented language.")
        yield from self._make_project()
        yield from self._label()
        version = yield from self._adapt()
        before = yield from self._classify_rest()
        report = yield from self._check()
        decisions, agrees = yield from self._live()
        yield from self._export()
        difference = yield from self._compare(before)
        unheard = [each for each in before if self._speaker(each) not in {row.speaker for row in self._labelled}]
        ended = TourEnded(
            folder=self._folder,
            synthetic=True,
            labelled_clips=len(self._labelled),
            unheard_clips=len(before),
            unheard_right=self._right(before),
            new_speaker_clips=len(unheard),
            new_speaker_right=self._right(unheard),
            check_accuracy=report.accuracy,
            check_interval=report.interval,
            adapt_s=version.seconds,
            live_decisions=decisions,
            live_agrees=agrees,
            export_difference=difference,
            total_s=time.monotonic() - started,
        )
        yield Done(ended)

    def _make_project(self) -> Generator[TourEvent, None, None]:
        labels = ",".join(SAMPLE_LABELS)
        yield StepStarted(
            1, "A new project", f'serstudio new {PROJECT} --language "{SAMPLE_LANGUAGE}" --labels {labels}'
        )
        request = NewProject(self._project, SAMPLE_NAME, SAMPLE_LANGUAGE, SAMPLE_LABELS)
        yield from _follow(request, ProjectCreated)
        yield Said(f"{len(SAMPLE_LABELS)} labels: {labels.replace(',', ', ')}.")
        yield StepStarted(2, "Collect: import a folder of clips", f"serstudio import {PROJECT} clips/")
        imported = yield from _follow(ImportClips(self._project, (self._sample / "clips",)), ImportReport)
        yield Said(f"{len(imported.added_clip_ids)} clips added, {len(imported.skipped)} skipped.")

    def _label(self) -> Generator[TourEvent, None, None]:
        """Label the clips of start.csv; every speaker's name is given, for Check needs to know them."""
        yield StepStarted(3, "Label a handful", f"serstudio label {PROJECT} CLIP... --as LABEL")
        with Project.open(self._project) as project:
            for speaker in sorted({row.speaker for row in self._truth.values() if row.speaker}):
                clips = find_clips(project, [f"{speaker}-*"])
                project.set_speaker([clip.id for clip in clips], speaker)
            for label in SAMPLE_LABELS:
                names = [row.file.name for row in self._labelled if row.label == label]
                label_clips(project, [clip.id for clip in find_clips(project, names)], label)
                yield Said(f"{label} {len(names)}: {', '.join(names)}")

    def _adapt(self) -> Generator[TourEvent, None, VersionAdded]:
        yield StepStarted(4, "Adapt the bundled base", f"serstudio adapt {PROJECT}")
        version = yield from _follow(AdaptProject(self._project), VersionAdded)
        loss = f", loss {version.final_loss:.3f} at the end" if version.final_loss is not None else ""
        yield Said(f"Version {version.number} from {version.clip_count} clips in {version.seconds:.1f} s{loss}.")
        return version

    def _classify_rest(self) -> Generator[TourEvent, None, tuple[FileResult, ...]]:
        yield StepStarted(5, "Classify the clips that were not labelled", f"serstudio classify {PROJECT} CLIP...")
        classified = yield from _follow(ClassifyFiles(self._project, tuple(self._rest)), FilesClassified)
        for result in classified.results[:3]:
            name = Path(result.file).name
            score = result.scores[result.label]
            yield Said(f"{name}: {result.label} {score:.0%} (meant as {self._truth[name].label})")
        yield Said(f"... {self._right(classified.results)} of {len(classified.results)} as they were meant.")
        return classified.results

    def _check(self) -> Generator[TourEvent, None, CheckReport]:
        yield StepStarted(6, "Check: what to expect on a new speaker", f"serstudio check {PROJECT}")
        report = yield from _follow(CheckProject(self._project), CheckReport)
        low, high = report.interval
        yield Said(f"{report.accuracy:.0%} ({low:.0%} to {high:.0%}) by {report.scheme}; chance {report.chance:.0%}.")
        return report

    def _live(self) -> Generator[TourEvent, None, tuple[int, bool]]:
        from engine.decision import Decision
        from serstudio.usecases.stream_live import OpenStream, StreamEnded, StreamStarted, file_blocks, stream_live

        clip = self._sample / LIVE_CLIP
        yield StepStarted(7, "Live, from a file", f"serstudio live {PROJECT} --input {LIVE_CLIP} --fast")
        rate_hz, blocks = file_blocks(clip, in_real_time=False)
        names: tuple[str, ...] = ()
        runs: list[tuple[float, str]] = []
        decisions = 0
        streamed: dict[str, float] = {}
        for event in stream_live(OpenStream(self._project, rate_hz), blocks):
            match event:
                case StreamStarted():
                    names = tuple(label.name for label in event.labels)
                case Decision():
                    decisions += 1
                    label = names[event.scores.index(max(event.scores))]
                    if not event.quiet and (not runs or runs[-1][1] != label):
                        runs.append((event.end_s, label))
                    yield Progress(decisions, None, f"Listening, {event.end_s:.0f} s")
                case StreamEnded():
                    streamed = event.scores
        yield Said(
            "meant: calm, anger, sadness, joy; heard: " + ", ".join(f"{label} ({at:.0f} s)" for at, label in runs)
        )
        offline = yield from _follow(ClassifyFiles(self._project, (clip,)), FilesClassified)
        agrees = _largest_difference(offline.results[0].scores, streamed) < 1e-4
        yield Said(
            f"{decisions} decisions; the whole clip gets {'the same' if agrees else 'OTHER'} scores by classify."
        )
        return decisions, agrees

    def _export(self) -> Generator[TourEvent, None, None]:
        yield StepStarted(8, "Share: export the model", f"serstudio export {PROJECT} --to {MODEL}")
        exported = yield from _follow(ExportModel(self._project, self._model), ModelExported)
        size = bytes_in_words(exported.size_bytes)
        yield Said(f"{size} in one folder, checked on {exported.verified_clips} clips.")
        yield Said(f"{terms_of(exported.licence).headline}; its model card says more.")

    def _compare(self, before: tuple[FileResult, ...]) -> Generator[TourEvent, None, float]:
        yield StepStarted(9, "A colleague classifies with that folder", f"serstudio classify {MODEL} CLIP...")
        after = yield from _follow(ClassifyFiles(self._model, tuple(self._rest)), FilesClassified)
        largest = max(
            _largest_difference(ours.scores, theirs.scores) for ours, theirs in zip(before, after.results, strict=True)
        )
        yield Said(f"Largest difference of a score: {largest:.1g}.")
        return largest

    def _right(self, results: "tuple[FileResult, ...] | list[FileResult]") -> int:
        return sum(each.label == self._truth[Path(each.file).name].label for each in results)

    def _speaker(self, result: FileResult) -> str | None:
        row: ManifestRow = self._truth[Path(result.file).name]
        return row.speaker


def take_tour(folder: Path | None = None) -> Generator[TourEvent, None, None]:
    """Run the tour in `folder` (new or empty, kept), or in a temporary one. Raises SerStudioError."""
    with ExitStack() as stack:
        if folder is None:
            yield from Tour(
                Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="serstudio-tour-"))), keeps_folder=False
            ).run()
            return
        for part in (PROJECT, MODEL):
            if (folder / part).exists():
                raise ProjectError(f"{folder / part} is there already.", "Choose another folder for the tour.")
        yield from Tour(folder, keeps_folder=True).run()


def _follow(request: Request, result_type: type[ResultT]) -> Generator[Event, None, ResultT]:
    """Pass a use-case's events on, and return the result of its `Done`."""
    with closing(dispatch.run(request)) as events:
        for event in events:
            if isinstance(event, Done):
                assert isinstance(event.result, result_type)
                return event.result
            yield event
    raise AssertionError("a use-case ends with Done")


def _largest_difference(ours: dict[str, float], theirs: dict[str, float]) -> float:
    return max(abs(score - theirs[name]) for name, score in ours.items())
