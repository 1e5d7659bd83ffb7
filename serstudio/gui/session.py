"""One open project and what goes on in it: the screens talk to each other only through this."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, QTimer, Signal

from engine.errors import SerStudioError
from serstudio.gui.bridge.bases import BaseShelf
from serstudio.gui.bridge.jobs import Job, JobRunner
from serstudio.gui.bridge.machine import Machine
from serstudio.gui.bridge.project_model import ClipListModel, ProjectModel
from serstudio.gui.steps import (
    Age,
    Aside,
    Facts,
    Moment,
    Step,
    StepState,
    StepStatus,
    age_of,
    busy_status,
    moment_of,
    step_statuses,
)
from serstudio.gui.widgets.confidence_bars import BarLabel
from serstudio.project import (
    ClipsAdded,
    DetailsChanged,
    HistoryChanged,
    Label,
    LabelsChanged,
    Project,
    VersionsChanged,
)
from serstudio.usecases.dispatch import Request
from serstudio.usecases.requests import CheckReport, ImportClips, ImportReport, MachineDescribed, ModelExported
from serstudio.usecases.worker_process import Failed
from serstudio.wording import lower_first


@dataclass(frozen=True)
class Services:
    """What lives as long as the window: settings, worker processes, and what is known through them."""

    settings: QSettings
    engine: JobRunner  # adapt, check, export
    files: JobRunner  # import, so that it goes on while the engine works
    shelf: BaseShelf  # has a process of its own: a download may take an hour
    machine: Machine


class Session(QObject):
    """The open project, its facts, its running jobs, and requests from one screen to another."""

    facts_changed = Signal()
    activity_changed = Signal()
    step_requested = Signal(object)  # Step
    clip_requested = Signal(int)  # clip id, to be shown in Label
    error_raised = Signal(object)  # SerStudioError
    error_mended = Signal(object)  # SerStudioError that was raised and no longer holds
    bug_found = Signal(str)  # a path-redacted report
    toast_requested = Signal(str, str, object)  # message, action, what the action calls
    import_started = Signal(object)  # Job
    import_reported = Signal(object)  # ImportReport
    check_reported = Signal(object)  # CheckReport
    machine_described = Signal(object)  # MachineDescribed
    models_requested = Signal()  # the Models page
    compare_requested = Signal()  # the Compare page
    method_requested = Signal(str, str)  # method and base, to be chosen in Adapt

    def __init__(self, project: Project, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.model = ProjectModel(project, self)
        self.project = project
        self.services = services
        self.clips = ClipListModel(self.model, self)
        self.check_report: CheckReport | None = None
        self.exported: ModelExported | None = None
        self._checked = Moment("", None)
        self._jobs: dict[Step | Aside, Job] = {}
        self._live = False
        self._chosen: dict[Step, int] = {}
        self._facts: Facts | None = None
        self._lost: SerStudioError | None = None  # as long as the folder is not where it was
        self._refresh = QTimer(self)
        self._refresh.setSingleShot(True)
        self._refresh.setInterval(0)
        self._refresh.timeout.connect(self.on_refresh)
        self.model.anything_changed.connect(self._refresh.start)
        for changed in (
            self.model.clips_added,
            self.model.clips_changed,
            self.model.clips_removed,
            self.model.labels_changed,
            self.model.anything_changed,
        ):
            changed.connect(self.on_touched)
        services.machine.described.connect(self.machine_described)

    # --- facts -------------------------------------------------------------------------------------

    @property
    def facts(self) -> Facts:
        """What the rail and the disabled reasons are made of; read again after each change."""
        if self._facts is None:
            facts = Facts(
                clip_count=self.clips.total(),
                labels=tuple(self.project.labels()),
                counts=self.project.label_counts(),
                versions=tuple(self.project.versions()),
                accuracy=self.check_report.accuracy if self.check_report else None,
                exported_version=self.exported.version if self.exported else None,
                labelling=self.project.labelling(speakers=True),
                labels_given=self.project.labelling(speakers=False),
                chosen=dict(self._chosen),
            )
            self._facts = replace(facts, check_age=age_of(self._checked, facts) if self.check_report else Age.CURRENT)
        return self._facts

    def statuses(self) -> dict[Step | Aside, StepStatus]:
        """State and next action of every step, with what is running now."""
        statuses: dict[Step | Aside, StepStatus] = dict(step_statuses(self.facts).items())
        for step, job in self._jobs.items():
            statuses[step] = busy_status(step, job.last_progress)
        if self._live:
            statuses[Step.LIVE] = StepStatus(StepState.BUSY, "Listening")
        return statuses

    def on_refresh(self) -> None:
        self._facts = None
        before, self._lost = self._lost, self._folder_error()
        if before is None and self._lost is not None:
            self.error_raised.emit(self._lost)
        elif before is not None and self._lost is None:
            self.error_mended.emit(before)
        self.facts_changed.emit()

    def on_touched(self) -> None:
        self._facts = None

    def now(self) -> Moment:
        """For a result that is about to be measured."""
        return moment_of(self.facts)

    def is_edited_since(self, moment: Moment) -> bool:
        """Whether labelled clips, their labels or their speakers have changed; what was undone has not."""
        return self.facts.labelling != moment.labelling

    def set_check_report(self, report: CheckReport, asked: Moment) -> None:
        """`asked`: when the check began; what changed meanwhile is not in it."""
        self.check_report = report
        self._checked = asked
        self.on_refresh()
        self.check_reported.emit(report)

    def set_exported(self, exported: ModelExported) -> None:
        self.exported = exported
        self.on_refresh()

    def looks(self, names: Sequence[str]) -> tuple[BarLabel, ...]:
        """Colour and symbol of label names; grey for one that is no longer in the project."""
        known = {label.name: label for label in self.facts.labels}
        gone = Label(0, "", "#888888", "●", "", 0)
        found = ((name, known.get(name, gone)) for name in names)
        return tuple(BarLabel(name, label.colour, label.symbol) for name, label in found)

    @property
    def machine(self) -> MachineDescribed | None:
        """What the engine has said of this machine, None before it has."""
        return self.services.machine.description

    def versions_from(self, base: str) -> tuple[int, ...]:
        """Numbers of the versions that were adapted from `base`."""
        return tuple(version.number for version in self.facts.versions if version.base == base)

    def set_chosen(self, step: Step, version: int | None) -> None:
        """The version that the screen of `step` works with; None: there is none."""
        if self._chosen.get(step) == version:
            return
        self._chosen.pop(step, None)
        if version is not None:
            self._chosen[step] = version
        self.on_touched()
        self._refresh.start()

    def set_live(self, live: bool) -> None:
        self._live = live
        self.activity_changed.emit()

    # --- jobs --------------------------------------------------------------------------------------

    def running_job(self, step: Step | Aside) -> Job | None:
        return self._jobs.get(step)

    def start(self, step: Step | Aside, request: Request) -> Job:
        """Run `request` for `step` in the process that suits it; errors reach the banner by themselves."""
        runner = self.services.files if isinstance(request, ImportClips) else self.services.engine
        job = runner.submit(request)
        self._jobs[step] = job
        job.progressed.connect(self.on_job_progressed)
        job.failed.connect(self.on_job_failed)
        job.ended.connect(self.on_job_ended)
        self.activity_changed.emit()
        return job

    def on_job_progressed(self) -> None:
        self.activity_changed.emit()

    def on_job_failed(self, failed: Failed) -> None:
        """Of a job, or of listening. Where the folder is gone, that is the reason, whatever it stumbled over."""
        lost = self._folder_error()
        if lost is not None:
            self._lost = lost
            self.error_raised.emit(lost)
        elif failed.report:
            self.bug_found.emit(failed.report)
        else:
            self.error_raised.emit(SerStudioError(failed.message, failed.hint))

    def on_job_ended(self) -> None:
        ended = self.sender()
        self._jobs = {step: job for step, job in self._jobs.items() if job is not ended}
        self.activity_changed.emit()

    def engine_reason(self) -> str | None:
        """Why the engine cannot take a new job, None when it can."""
        for step, job in self._jobs.items():
            if step is not Step.COLLECT and job is not None:
                return f"{step.value} is running: wait for it to end, or cancel it."
        return None

    # --- import ------------------------------------------------------------------------------------

    def import_reason(self) -> str | None:
        return "An import is running: wait for it to end." if Step.COLLECT in self._jobs else None

    def import_paths(self, paths: Sequence[Path]) -> None:
        """Import files and folders; a single CSV is taken as a manifest."""
        if len(paths) == 1 and paths[0].suffix.lower() in (".csv", ".tsv"):
            self.import_manifest(paths[0])
        elif paths:
            self._import(ImportClips(self.project.folder, paths=tuple(paths)))

    def import_manifest(self, manifest: Path) -> None:
        """Import the rows of a CSV with labels and speakers."""
        self._import(ImportClips(self.project.folder, manifest=manifest))

    def _import(self, request: ImportClips) -> None:
        reason = self.import_reason()
        if reason is not None:
            self.error_raised.emit(SerStudioError(reason))
            return
        job = self.start(Step.COLLECT, request)
        job.done.connect(self.on_import_done)
        self.import_started.emit(job)

    def on_import_done(self, report: ImportReport) -> None:
        self.clips.reload()  # a manifest may have labelled clips that were there before
        if report.new_labels:
            self.project.announce(LabelsChanged())
        if report.added_clip_ids:
            self.project.announce(ClipsAdded(report.added_clip_ids))
        self.project.announce(HistoryChanged())
        self.import_reported.emit(report)

    # --- other processes ---------------------------------------------------------------------------

    def look_elsewhere(self) -> None:
        """Read everything anew if the terminal or another window has written in the project meanwhile; see, too,
        whether its folder was moved or put back.
        """
        if (self._folder_error() is None) is not (self._lost is None):
            self.on_refresh()
        if self.project.changed_elsewhere():
            self.clips.reload()
            for change in (LabelsChanged(), VersionsChanged(), DetailsChanged(), HistoryChanged()):
                self.project.announce(change)

    def _folder_error(self) -> SerStudioError | None:
        """What is to be said where the folder is no longer where it was."""
        try:
            self.project.check_folder()
        except SerStudioError as error:
            return error
        return None

    # --- undo --------------------------------------------------------------------------------------

    def undo(self) -> None:
        done = self.project.undo()
        if done:
            self.toast(f"Undone: {lower_first(done)}", "Redo", self.redo)

    def redo(self) -> None:
        done = self.project.redo()
        if done:
            self.toast(f"Done again: {lower_first(done)}", "Undo", self.undo)

    def toast(self, message: str, action: str = "", run: Callable[[], None] | None = None) -> None:
        self.toast_requested.emit(message, action, run)

    def close(self) -> None:
        """Cancel this project's jobs, of whose end nobody is told any more, and let go of its folder."""
        self._refresh.stop()
        for job in self._jobs.values():
            job.abandon()
        self.model.close()
