"""Bases: what adaptation can start from. List, download, add, remove and verify them."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from engine.choices import BUNDLED_BASES
from engine.errors import BaseError
from engine.resources import resource
from engine.store import Offer, Record, installed_names, offer_called, offers, read_record, store_root, stored_folder
from engine.store.check import Checked, check
from engine.store.download import download
from engine.store.install import Candidate, candidate, check_name, complete, copy_files, of_offer, put_in_place
from engine.store.location import partial_folder, size_of
from engine.store.steps import Step
from engine.user_path import user_path
from serstudio.project.staging import Staging, WriterLock, lock_path, sweep
from serstudio.usecases.base_requests import (
    AddBase,
    BaseDescribed,
    BaseInstalled,
    BaseRemoved,
    BasesListed,
    BaseState,
    BasesVerified,
    BaseVerified,
    DownloadBase,
    ListBases,
    RemoveBase,
    VerifyBases,
)
from serstudio.usecases.events import Done, Event, Progress, Warned
from serstudio.wording import bytes_in_words

COMPACT = "compact"
_COMPACT_WORDS = "Quick on any computer, and made for few clips."


def list_bases(_request: ListBases) -> Iterator[Event]:
    """The bundled one, those installed, those on offer; no weights are read."""
    installed = installed_names()
    here = [described(name) for name in installed]
    offered = [_of_offer(offer) for offer in offers()]
    listed = (_bundled(), *here, *(base for base in offered if base.name not in installed))
    yield Done(BasesListed(listed, store_root()))


def download_base(request: DownloadBase) -> Iterator[Event]:
    """Fetch, check, rewrite what is pickled, try, and put into place whole; what has come is kept for another try."""
    offer = offer_called(request.name)
    if offer is None:
        raise BaseError(f"There is no model called {request.name} to download.", "serstudio models list shows those.")
    if stored_folder(offer.name) is not None:
        raise BaseError(f"{offer.title} is on this computer already.", f"Adapt from it: --base {offer.name}")
    check_name(offer.name)
    with locked(offer.name):
        folder = partial_folder(offer.name)
        folder.mkdir(exist_ok=True)
        try:
            for step in download(offer, folder):
                yield as_progress(step, offer.title)
            for step in complete(folder, offer.name, of_offer(offer)):
                yield as_progress(step, offer.title)
            put_in_place(folder, offer.name)
        finally:
            with suppress(OSError):
                folder.rmdir()  # only where nothing has come
    yield Done(BaseInstalled(described(offer.name), offer.pickled))


def add_base(request: AddBase) -> Iterator[Event]:
    """Copy, rewrite what is pickled, try, and put into place whole."""
    yield Progress(0, None, f"Looking at {request.source.name}")
    found = candidate(user_path(request.source).absolute(), request.name)
    with closing(_added(found)) as steps:
        yield from steps
    yield Done(BaseInstalled(described(found.name), found.record.converted))


def _added(found: Candidate) -> Generator[Event, None, None]:
    root = _made_root()
    sweep(root)
    staging = Staging(root)
    try:
        for step in copy_files(found.source, found.files, staging.folder):
            yield as_progress(step, found.record.title)
        for step in complete(staging.folder, found.name, found.record):
            yield as_progress(step, found.record.title)
        put_in_place(staging.folder, found.name)
    finally:
        staging.close()


def remove_base(request: RemoveBase) -> Iterator[Event]:
    """Delete an installed base or a partial download."""
    if request.name in BUNDLED_BASES:
        raise BaseError("The bundled model cannot be removed.", "Others can: serstudio models list shows them.")
    stored, partial = stored_folder(request.name), partial_folder(request.name)
    folder = stored or (partial if offer_called(request.name) is not None and partial.is_dir() else None)
    if folder is None:
        raise BaseError(
            f"There is no model called {request.name} on this computer.", "serstudio models list shows those that are."
        )
    freed = size_of(folder, unshared=True)
    with locked(request.name):
        _delete(folder)
    if stored is not None:
        yield Warned(
            f"Versions of your projects that were adapted from {request.name} keep what they need of it.",
            "Only a model that was exported small needs it back.",
        )
    yield Done(BaseRemoved(request.name, freed))


def _delete(folder: Path) -> None:
    """Move it aside, then delete: what is half deleted is never taken for a base."""
    sweep(folder.parent)
    staging = Staging(folder.parent)
    try:
        folder.rename(staging.folder / folder.name)
    except OSError as error:
        raise BaseError(f"{folder} is in use.", "Close other windows and programs that use it.") from error
    finally:
        staging.close()


def verify_bases(request: VerifyBases) -> Iterator[Event]:
    """Read every file of each and compare checksums."""
    results = []
    for name in request.names or (*BUNDLED_BASES, *installed_names()):
        folder = resource(f"bases/{name}") if name in BUNDLED_BASES else stored_folder(name)
        if folder is None:
            raise BaseError(f"There is no model called {name} on this computer.", "serstudio models list shows those.")
        for told in check(folder):
            match told:
                case Step():
                    yield as_progress(told, name)
                case Checked(wrong=wrong):
                    results.append(BaseVerified(name, wrong))
    yield Done(BasesVerified(tuple(results)))


@contextmanager
def locked(name: str) -> Iterator[None]:
    """One process at a time writes the base of that name. Raises BaseError."""
    _made_root()
    lock = WriterLock(lock_path(partial_folder(name)))
    if not lock.taken:
        raise BaseError(f"Another SER Studio is working on {name} already.", "Wait until it is done, or stop it there.")
    try:
        yield
    finally:
        lock.release()


def described(name: str) -> BaseDescribed:
    """An installed base; one that is damaged says so, so that it can be removed."""
    folder = stored_folder(name)
    if folder is None:
        raise BaseError(f"There is no model called {name} on this computer.", "serstudio models list shows those.")
    try:
        record = read_record(folder)
    except BaseError as error:
        record = Record(name, "", "", "", None, error.message, converted=False, weights_sha256=())
    return BaseDescribed(
        name=name,
        title=record.title,
        state=BaseState.INSTALLED,
        licence=record.licence,
        size_bytes=size_of(folder),
        source=record.source,
        revision=record.revision,
        parameters=record.parameters,
        words=record.words,
        folder=folder,
    )


def _bundled() -> BaseDescribed:
    folder = resource("bases/compact")
    from engine.store.files import WEIGHTS, licence_of, parameters_of

    return BaseDescribed(
        name=COMPACT,
        title="Compact",
        state=BaseState.BUNDLED,
        licence=licence_of(folder),
        size_bytes=size_of(folder),
        source="",
        parameters=parameters_of(folder, (WEIGHTS,)),
        words=_COMPACT_WORDS,
        folder=folder,
    )


def _of_offer(offer: Offer) -> BaseDescribed:
    downloaded = min(size_of(partial_folder(offer.name)), offer.size_bytes)
    return BaseDescribed(
        name=offer.name,
        title=offer.title,
        state=BaseState.PARTIAL if downloaded else BaseState.OFFERED,
        licence=offer.licence,
        size_bytes=offer.size_bytes,
        source=offer.repository,
        revision=offer.revision,
        parameters=offer.parameters,
        words=offer.words,
        downloaded_bytes=downloaded,
    )


def as_progress(step: Step, title: str) -> Progress:
    """A step for the user, counted in MB."""
    message = f"{step.what}: {title}"
    if step.rate is not None:
        message += f", {bytes_in_words(round(step.rate))}/s"
    if step.total_bytes is None:
        return Progress(0, None, message)
    done, total = (round(count / 1e6) for count in (step.done_bytes, step.total_bytes))
    return Progress(min(done, total), max(total, 1), message, remaining_s=step.remaining_s, unit="MB")


def _made_root() -> Path:
    root = store_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BaseError(
            f"The folder of the models, {root}, cannot be made.", "Check its permissions, or set SERSTUDIO_MODELS."
        ) from error
    return root
