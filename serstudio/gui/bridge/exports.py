"""What is left of an export that was killed, as one that is cancelled in the middle of a piece of work is."""

from serstudio.gui.bridge.jobs import Job
from serstudio.project.staging import sweep_exports
from serstudio.usecases.requests import ExportModel


def sweep_after(job: Job) -> None:
    """Delete it at once, also where nobody hears of the job's end any more: the window or the project was closed."""
    if isinstance(job.request, ExportModel):
        sweep_exports(job.request.to.parent)
