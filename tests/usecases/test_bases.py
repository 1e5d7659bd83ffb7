"""The verbs on bases: whole or not at all, stopped anywhere, one writer at a time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from engine.choices import BUNDLED_BASES
from serstudio.errors import SerStudioError
from serstudio.project.staging import WriterLock, lock_path
from serstudio.usecases.base_requests import (
    AddBase,
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
from serstudio.usecases.dispatch import run
from serstudio.usecases.events import Event, Progress, Warned
from tests.engine.conftest import wav2vec2_folder
from tests.engine.store.conftest import hub, pickled_folder, store
from tests.engine.store.fake_hub import FakeHub
from tests.usecases.conftest import events_of

__all__ = ["hub", "pickled_folder", "store", "wav2vec2_folder"]  # fixtures

BIN = "pytorch_model.bin"


def listed() -> BasesListed:
    events, result = events_of(ListBases())
    assert events == []
    assert isinstance(result, BasesListed)
    return result


def states() -> dict[str, BaseState]:
    return {base.name: base.state for base in listed().bases}


def test_an_empty_store_has_the_bundled_base_and_what_can_be_had(store: Path) -> None:
    result = listed()
    bundled, *offered = result.bases
    assert (bundled.name, bundled.state, bundled.source) == ("compact", BaseState.BUNDLED, "")
    assert bundled.folder is not None
    assert bundled.folder.is_dir()
    assert bundled.size_bytes > 20e6
    assert {base.state for base in offered} == {BaseState.OFFERED}
    assert [base.size_bytes for base in offered] == sorted(base.size_bytes for base in offered)
    assert all(base.licence and base.words and len(base.revision) == 40 and base.parameters for base in offered)
    assert result.store == store
    assert not store.exists()


def test_download_list_verify_remove(hub: FakeHub, store: Path, tmp_path: Path) -> None:
    assert states() == {"compact": BaseState.BUNDLED, "tiny": BaseState.OFFERED}
    events, installed = events_of(DownloadBase("tiny"))
    assert isinstance(installed, BaseInstalled)
    assert installed.converted
    assert installed.base.folder == store / "tiny"
    assert installed.base.source == "somebody/tiny"
    said = [event.message for event in events if isinstance(event, Progress)]
    assert list(dict.fromkeys(message.split(",")[0] for message in said)) == [
        "Connecting: Tiny",
        "Downloading: Tiny",
        "Checking: Tiny",
        "Rewriting the weights as safetensors: Tiny",
        "Writing checksums: Tiny",
        "Trying the model: Tiny",
    ]
    assert states() == {"compact": BaseState.BUNDLED, "tiny": BaseState.INSTALLED}
    assert sorted(path.name for path in store.iterdir()) == ["tiny"]

    _, verified = events_of(VerifyBases())
    assert verified == BasesVerified(tuple(BaseVerified(name, ()) for name in (*BUNDLED_BASES, "tiny")))
    with pytest.raises(SerStudioError, match="Tiny is on this computer already"):
        events_of(DownloadBase("tiny"))

    weights = store / "tiny" / "model.safetensors"
    size = installed.base.size_bytes - weights.stat().st_size
    (tmp_path / "held by a project").hardlink_to(weights)
    events, removed = events_of(RemoveBase("tiny"))
    assert removed == BaseRemoved("tiny", size)
    assert [event for event in events if isinstance(event, Warned) and "were adapted from tiny" in event.message]
    assert states()["tiny"] is BaseState.OFFERED
    assert list(store.iterdir()) == []


def stop_in(events: Iterator[Event], what: str) -> None:
    """Close the use-case at the first event that says so."""
    for event in events:
        if isinstance(event, Progress) and event.message.startswith(what):
            break
    else:
        pytest.fail(f"it never said {what}")
    events.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "what", ["Connecting", "Downloading", "Checking", "Rewriting", "Writing checksums", "Trying the model"]
)
def test_stopped_anywhere_nothing_half_made_is_installed_and_the_next_try_ends_well(
    hub: FakeHub, store: Path, what: str
) -> None:
    stop_in(run(DownloadBase("tiny")), what)
    assert states()["tiny"] in (BaseState.OFFERED, BaseState.PARTIAL)
    fetched = len(hub.ranges(BIN))
    _, installed = events_of(DownloadBase("tiny"))
    assert isinstance(installed, BaseInstalled)
    assert installed.converted
    assert sorted(path.name for path in store.iterdir()) == ["tiny"]
    if what not in ("Connecting", "Downloading"):
        assert len(hub.ranges(BIN)) == fetched


def test_a_partial_download_is_shown_and_can_be_removed(hub: FakeHub, store: Path) -> None:
    stop_in(run(DownloadBase("tiny")), "Checking")
    partial = next(base for base in listed().bases if base.name == "tiny")
    assert partial.state is BaseState.PARTIAL
    assert partial.downloaded_bytes == partial.size_bytes
    events, removed = events_of(RemoveBase("tiny"))
    assert events == []
    assert removed == BaseRemoved("tiny", sum(map(len, hub.files.values())))
    assert list(store.iterdir()) == []


def test_a_failed_first_try_leaves_nothing(hub: FakeHub, store: Path) -> None:
    hub.status = 500
    with pytest.raises(SerStudioError, match="refused Tiny for now"):
        events_of(DownloadBase("tiny"))
    assert list(store.iterdir()) == []


def test_add_is_whole_or_not_at_all(wav2vec2_folder: Path, store: Path) -> None:
    stop_in(run(AddBase(wav2vec2_folder)), "Copying")
    assert list(store.iterdir()) == []
    _, installed = events_of(AddBase(wav2vec2_folder, "mine"))
    assert isinstance(installed, BaseInstalled)
    assert not installed.converted
    assert installed.base.words == "A wav2vec2 model of 4 layers."
    assert [path.name for path in store.iterdir()] == ["mine"]


def test_one_process_at_a_time(hub: FakeHub, store: Path) -> None:
    store.mkdir()
    other = WriterLock(lock_path(store / ".partial-tiny"))
    with pytest.raises(SerStudioError, match="Another SER Studio is working on tiny"):
        events_of(DownloadBase("tiny"))
    other.release()
    events_of(DownloadBase("tiny"))


def test_refusals(store: Path, wav2vec2_folder: Path) -> None:
    with pytest.raises(SerStudioError, match="no model called nothing to download"):
        events_of(DownloadBase("nothing"))
    with pytest.raises(SerStudioError, match="bundled model cannot be removed"):
        events_of(RemoveBase("compact"))
    for request in (RemoveBase("nothing"), RemoveBase("../.."), VerifyBases(("nothing",))):
        with pytest.raises(SerStudioError, match="no model called"):
            events_of(request)
    store.parent.mkdir(exist_ok=True)
    store.write_text("a file")
    with pytest.raises(SerStudioError, match="cannot be made"):
        events_of(AddBase(wav2vec2_folder))


def test_a_damaged_base_is_listed_found_and_removed(wav2vec2_folder: Path, store: Path) -> None:
    events_of(AddBase(wav2vec2_folder, "mine"))
    (store / "mine" / "store.json").write_text("{}")
    damaged = next(base for base in listed().bases if base.name == "mine")
    assert "is damaged" in damaged.words
    _, verified = events_of(VerifyBases(("mine",)))
    assert verified == BasesVerified((BaseVerified("mine", ("store.json",)),))
    events_of(RemoveBase("mine"))
    assert "mine" not in states()


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_the_helper_ends_with_a_worker_that_is_killed(hub: FakeHub, store: Path) -> None:
    """The window kills a worker that does not answer: its download must not go on without it."""
    hub.stop_after["config.json"] = 0  # the first of the listing that hangs
    program = (
        "from serstudio.usecases.dispatch import run\n"
        "from serstudio.usecases.base_requests import DownloadBase\n"
        "import engine.store.catalogue as catalogue, sys\n"
        f"from engine.store.catalogue import Offer, OfferedFile\n"
        f"catalogue.OFFERS = ({_offer()},)\n"
        "for event in run(DownloadBase('tiny')): print(event.message, flush=True)"
    )
    worker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    while "Downloading" not in worker.stdout.readline():
        assert worker.poll() is None
    hanging = time.monotonic() + 20
    while not hub.ranges("config.json") and time.monotonic() < hanging:  # until then the helper waits for nothing
        time.sleep(0.05)
    assert hub.ranges("config.json")
    helpers = [child.pid for child in psutil.Process(worker.pid).children()]
    assert helpers
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    end = time.monotonic() + 10
    while any(_lives(pid) for pid in helpers) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(_lives(pid) for pid in helpers)
    hub.ended.set()
    events_of(DownloadBase("tiny"))  # and the lock of the dead is no hindrance


def _offer() -> str:
    from engine.store import catalogue

    return repr(catalogue.OFFERS[0])


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
