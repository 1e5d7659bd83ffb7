"""Metatrain: from a recipe and corpora to a base that adaptation can start from."""

from collections.abc import Iterator

from engine.base_folder import load_base_folder
from engine.metalearning.events import Trained
from engine.metalearning.processes import is_main_process
from engine.metalearning.train import train_base
from serstudio.errors import SerStudioError
from serstudio.project.staging import WriterLock, lock_path
from serstudio.usecases.events import Done, Event, Progress
from serstudio.usecases.research_requests import BaseTrained, MetatrainBase
from serstudio.usecases.training_events import as_event


def metatrain_base(request: MetatrainBase) -> Iterator[Event]:
    """Under a launcher every process runs this; the first alone reports and holds the folder."""
    if not is_main_process():
        yield from _train(request)
        return
    run_folder = request.run_folder.absolute()  # `.` has no name of its own
    run_folder.parent.mkdir(parents=True, exist_ok=True)
    lock = WriterLock(lock_path(run_folder))
    if not lock.taken:
        raise SerStudioError(f"{request.run_folder} is being trained in already.", "Wait, or choose another --out.")
    try:
        yield from _train(request)
    finally:
        lock.release()


def _train(request: MetatrainBase) -> Iterator[Event]:
    yield Progress(0, None, "Reading the corpora")
    for event in train_base(request.recipe, request.corpora, request.run_folder, device=request.device):
        if isinstance(event, Trained):
            base = load_base_folder(event.folder)
            size_bytes = sum(path.stat().st_size for path in event.folder.iterdir())
            yield Done(BaseTrained(event.folder, base.name, base.licence, size_bytes))
        else:
            yield as_event(event)
