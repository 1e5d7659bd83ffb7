"""The bases that are here or could be, and the one job at a time that changes them; lives as long as the window."""

from enum import Enum

from PySide6.QtCore import QObject, Signal

from engine.errors import SerStudioError
from serstudio.gui.bridge.jobs import Job, JobRunner
from serstudio.usecases.base_requests import (
    AddBase,
    BaseDescribed,
    BaseInstalled,
    BaseRemoved,
    BaseRequest,
    BasesListed,
    BasesVerified,
    BaseVerified,
    DownloadBase,
    ListBases,
    RemoveBase,
    VerifyBases,
)
from serstudio.usecases.events import Progress
from serstudio.usecases.worker_process import Failed
from serstudio.wording import bytes_in_words, counted


class Work(Enum):
    """What can be done with a base, as it is said while it is being done."""

    DOWNLOAD = "Downloading"
    ADD = "Adding"
    REMOVE = "Removing"
    CHECK = "Checking"


_CANCELLED = {
    Work.DOWNLOAD: "The download of {title} was stopped. What has come is kept: it can go on later.",
    Work.ADD: "Cancelled. {title} was not added.",
    Work.REMOVE: "Cancelled.",
    Work.CHECK: "The check of {title} was cancelled.",
}
_KEPT = "Its files take their room as long as projects keep them."
_WHERE_TO_CHOOSE = "Choose it under Adapt, Advanced, Base."


class BaseShelf(QObject):
    """Knows the last listing and what is being done; the pages show it and ask for more."""

    changed = Signal()  # the listing, or what is being done
    progressed = Signal(object)  # Progress of what is being done
    told = Signal(str)  # it went well
    warned = Signal(object)  # Warned
    failed = Signal(object)  # SerStudioError
    bug_found = Signal(str)  # a path-redacted report

    def __init__(self, runner: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._job: Job | None = None
        self._listing: Job | None = None
        self.listed: BasesListed | None = None
        self.work: Work | None = None
        self.name = ""  # of the base that is being worked on; of one that is added, its folder's
        self.last_progress: Progress | None = None

    # --- what is known -----------------------------------------------------------------------------

    def find(self, name: str) -> BaseDescribed | None:
        """The base called `name` in the last listing."""
        bases = self.listed.bases if self.listed is not None else ()
        return next((base for base in bases if base.name == name), None)

    def title(self, name: str) -> str:
        base = self.find(name)
        return base.title if base is not None else name

    def reason(self) -> str | None:
        """Why nothing else can be begun now, None when it can."""
        if self.work is None:
            return None
        return f"{self.work.value} {self.title(self.name)}: wait for it to end, or cancel it."

    # --- requests ----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look again at what is here. While something is being done that is left for its end."""
        if self._job is not None or self._listing is not None or self._runner.closed:
            return
        job = self._listing = self._runner.submit(ListBases())
        job.done.connect(self.on_listed)
        job.failed.connect(self.on_job_failed)
        job.ended.connect(self.on_listing_ended)

    def start(self, work: Work, request: BaseRequest, name: str) -> None:
        """Do it, unless there is a `reason` not to. `name`: of the base."""
        if self.reason() is not None or self._runner.closed:
            return
        self.work, self.name, self.last_progress = work, name, None
        job = self._job = self._runner.submit(request)
        job.progressed.connect(self.on_progressed)
        if work is not Work.REMOVE:  # its question has said who needs it
            job.warned.connect(self.warned)
        job.done.connect(self.on_done)
        job.failed.connect(self.on_job_failed)
        job.cancelled.connect(self.on_cancelled)
        job.ended.connect(self.on_ended)
        self.changed.emit()

    def download(self, name: str) -> None:
        self.start(Work.DOWNLOAD, DownloadBase(name), name)

    def add(self, request: AddBase) -> None:
        self.start(Work.ADD, request, request.name or request.source.name)

    def remove(self, name: str) -> None:
        self.start(Work.REMOVE, RemoveBase(name), name)

    def check(self, name: str) -> None:
        self.start(Work.CHECK, VerifyBases((name,)), name)

    def cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    # --- answers -----------------------------------------------------------------------------------

    def on_listed(self, listed: BasesListed) -> None:
        self.listed = listed
        self.changed.emit()

    def on_listing_ended(self) -> None:
        """The last of what is asked for at one time; a process that has tried a large model holds a lot of memory."""
        self._listing = None
        self._runner.rest()

    def on_progressed(self, progress: Progress) -> None:
        self.last_progress = progress
        self.progressed.emit(progress)

    def on_done(self, result: object) -> None:
        if isinstance(result, BaseInstalled):
            rewritten = " Its weights were rewritten as safetensors." if result.converted else ""
            self.told.emit(f"{result.base.title} is here.{rewritten} {_WHERE_TO_CHOOSE}")
        elif isinstance(result, BaseRemoved):
            freed = f"{bytes_in_words(result.freed_bytes)} are free again."
            self.told.emit(f"{self.title(result.name)} is removed. {freed if result.freed_bytes else _KEPT}")
        elif isinstance(result, BasesVerified):
            for each in result.results:
                self._tell_verified(each)

    def _tell_verified(self, verified: BaseVerified) -> None:
        title = self.title(verified.name)
        if not verified.wrong:
            self.told.emit(f"All files of {title} are as they should be.")
            return
        what = f"{counted(len(verified.wrong), 'file')} of {title} {'is' if len(verified.wrong) == 1 else 'are'}"
        message = f"{what} missing or damaged: {', '.join(verified.wrong)}."
        self.failed.emit(SerStudioError(message, "Remove the model, and download or add it again."))

    def on_job_failed(self, failed: Failed) -> None:
        if failed.report:
            self.bug_found.emit(failed.report)
        else:
            self.failed.emit(SerStudioError(failed.message, failed.hint))

    def on_cancelled(self) -> None:
        if self.work is not None and not self._runner.closed:
            self.told.emit(_CANCELLED[self.work].format(title=self.title(self.name)))

    def on_ended(self) -> None:
        self._job, self.work, self.last_progress = None, None, None
        self.changed.emit()
        self.refresh()
