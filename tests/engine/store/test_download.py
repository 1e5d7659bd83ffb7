"""Downloading from a hub on loopback: what comes is what was promised, and what goes wrong is said in words."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import BaseError
from engine.store import catalogue
from engine.store.catalogue import offer_called
from engine.store.download import download, room_needed
from engine.store.steps import Step
from tests.engine.store.fake_hub import FakeHub

BIN = "pytorch_model.bin"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    partial = tmp_path / "partial"
    partial.mkdir()
    return partial


def fetch(folder: Path) -> list[Step]:
    offer = offer_called("tiny")
    assert offer is not None
    return list(download(offer, folder))


def refusal(folder: Path) -> BaseError:
    with pytest.raises(BaseError) as caught:
        fetch(folder)
    return caught.value


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_every_file_comes_as_it_was_published(hub: FakeHub, folder: Path) -> None:
    steps = fetch(folder)
    assert names(folder) == {"config.json", BIN, "README.md"}
    assert all((folder / name).read_bytes() == content for name, content in hub.files.items())
    total = sum(map(len, hub.files.values()))
    assert steps[0] == Step("Connecting", 0, None)
    assert Step("Downloading", total, total) in [replace(step, rate=None, remaining_s=None) for step in steps]
    assert steps[-1].what == "Checking"


def test_no_token_goes_out(hub: FakeHub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("hf_secret")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    fetch(folder)
    assert hub.tokens == []
    assert {path.split("/")[1] for _, path, _ in hub.asked} == {"api", "somebody"}


def test_a_cut_line_is_taken_up_where_it_ended(hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The helper tries again by itself when nothing comes any more."""
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1")
    hub.stop_after[BIN] = 100_000
    fetch(folder)
    assert hub.ranges(BIN) == ["", "bytes=65536-"]
    assert (folder / BIN).read_bytes() == hub.files[BIN]


def test_a_stopped_download_goes_on_in_another_try(hub: FakeHub, folder: Path) -> None:
    hub.stop_after[BIN] = 100_000
    offer = offer_called("tiny")
    assert offer is not None
    steps = download(offer, folder)
    unfinished = folder / f"{BIN}.part"
    for _ in steps:
        if unfinished.is_file() and unfinished.stat().st_size >= 65_536:
            break
    steps.close()
    assert unfinished.stat().st_size == 65_536
    hub.ended.set()

    fetch(folder)
    assert hub.ranges(BIN)[-1] == "bytes=65536-"
    assert (folder / BIN).read_bytes() == hub.files[BIN]
    assert not unfinished.exists()


def test_what_has_come_is_not_fetched_again(hub: FakeHub, folder: Path) -> None:
    fetch(folder)
    hub.asked.clear()
    fetch(folder)
    assert hub.ranges(BIN) == []


def test_a_leftover_that_is_too_long_is_started_anew(hub: FakeHub, folder: Path) -> None:
    (folder / f"{BIN}.part").write_bytes(b"x" * (len(hub.files[BIN]) + 1))
    fetch(folder)
    assert (folder / BIN).read_bytes() == hub.files[BIN]


def test_files_of_an_earlier_version_are_replaced(hub: FakeHub, folder: Path) -> None:
    (folder / BIN).write_bytes(b"of another commit")
    (folder / "model.safetensors").write_bytes(b"rewritten from it")
    fetch(folder)
    assert names(folder) == set(hub.files)
    assert (folder / BIN).read_bytes() == hub.files[BIN]


@pytest.mark.parametrize("name", [BIN, "config.json", "README.md"])
def test_a_wrong_checksum_deletes_that_file_alone(hub: FakeHub, folder: Path, name: str) -> None:
    hub.sent_instead[name] = bytes(reversed(hub.files[name]))
    error = refusal(folder)
    assert f"{name} of Tiny did not arrive as it was sent" in error.message
    assert names(folder) == set(hub.files) - {name}
    hub.sent_instead.clear()
    fetch(folder)
    assert (folder / name).read_bytes() == hub.files[name]


def test_a_repository_that_changed_under_its_commit_is_refused_before_a_byte(hub: FakeHub, folder: Path) -> None:
    hub.files[BIN] = hub.files[BIN] + b"!"
    assert "is not the file that SER Studio knows" in refusal(folder).message
    assert names(folder) == set()
    assert hub.ranges(BIN) == []


def test_the_catalogue_is_believed_more_than_the_hub(
    hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file has no SHA-256 at the hub; ours is compared all the same."""
    hub.files["config.json"] = hub.files["config.json"].replace(b"gelu", b"relu")
    offer = offer_called("tiny")
    assert offer is not None
    expected = {file.path: file.sha256 for file in offer.files}["config.json"]
    assert hashlib.sha256(hub.files["config.json"]).hexdigest() != expected
    assert "config.json of Tiny did not arrive" in refusal(folder).message


def test_a_missing_file(hub: FakeHub, folder: Path) -> None:
    del hub.files[BIN]
    assert refusal(folder).message == f"somebody/tiny no longer has {BIN}."


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (404, "RepoNotFound", "is no longer there"),
        (404, "RevisionNotFound", "is no longer there"),
        (403, "GatedRepo", "only given to people who ask"),
        (401, "GatedRepo", "only given to people who ask"),
        (401, "RepoNotFound", "is no longer there"),
        (500, "", "server refused Tiny for now"),
    ],
)
def test_refusals_of_the_hub(hub: FakeHub, folder: Path, status: int, code: str, told: str) -> None:
    hub.status, hub.error_code = status, code
    error = refusal(folder)
    assert told in error.message
    assert error.hint
    assert "http" not in str(error)


def test_no_network(hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    error = refusal(folder)
    assert "there is no connection" in error.message
    assert "models add FOLDER" in error.hint


def test_a_disk_that_is_too_full_is_told_before_anything_is_asked(
    hub: FakeHub, folder: Path, full_disk: Callable[[int], None]
) -> None:
    full_disk(200_000_000)
    error = refusal(folder)
    assert "The disk is too full" in error.message
    assert "SERSTUDIO_MODELS" in error.hint
    assert hub.asked == []


def test_room_is_for_what_is_still_to_come_and_the_rewritten_copy(hub: FakeHub, folder: Path) -> None:
    (offer,) = catalogue.OFFERS
    assert room_needed(offer, folder) == offer.size_bytes + len(hub.files[BIN])
    (folder / f"{BIN}.part").write_bytes(hub.files[BIN][:1000])
    assert room_needed(offer, folder) == offer.size_bytes + len(hub.files[BIN]) - 1000
