"""Measurements that are kept, and whether the machine is calm enough to make them."""

import multiprocessing
import time
from collections import namedtuple
from pathlib import Path

import psutil
import pytest
import torch

from engine.measurements import (
    Others,
    cache_folder,
    can_keep,
    keep_measurement,
    measurement_file,
    read_measurement,
)

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERSTUDIO_CACHE", str(tmp_path / "cache"))


def test_a_measurement_is_found_again_by_what_it_is_of() -> None:
    file = measurement_file("step", CPU, "compact", {"trained": "all"})
    assert file.parent == cache_folder()
    assert read_measurement(file) is None
    assert can_keep(file)
    keep_measurement(file, {"seconds": 1.5})
    assert read_measurement(measurement_file("step", CPU, "compact", {"trained": "all"})) == {"seconds": 1.5}
    assert [path.name for path in cache_folder().iterdir()] == [file.name], "nothing half written is left"


def test_another_machine_or_subject_has_another_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {measurement_file("step", CPU, "compact"), measurement_file("precision", CPU, "compact")}
    files.add(measurement_file("step", CPU, "xls-r-300m"))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    files.add(measurement_file("step", CPU, "compact"))
    monkeypatch.setattr(torch, "__version__", "9.9")
    files.add(measurement_file("step", CPU, "compact"))
    assert len(files) == 5


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00"])
def test_what_cannot_be_read_is_as_if_it_were_not_there(text: str) -> None:
    file = measurement_file("step", CPU)
    assert can_keep(file)
    file.write_text(text)
    assert read_measurement(file) is None


def test_where_nothing_can_be_written_nothing_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SERSTUDIO_CACHE", str(tmp_path / "file"))
    file = measurement_file("step", CPU)
    assert not can_keep(file)
    keep_measurement(file, {"seconds": 1.0})
    assert read_measurement(file) is None


Times = namedtuple("Times", "user system nice")


def test_the_share_of_others_is_what_this_process_did_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 110.0])
    cores = iter([Times(500.0, 50.0, 1.0), Times(508.0, 51.0, 2.0)])
    own = iter([7.0, 11.0])
    monkeypatch.setattr(psutil, "cpu_count", lambda: 2)
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(cores))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(time, "process_time", lambda: next(own))
    assert Others().share == pytest.approx((10.0 - 4.0) / 20.0)


def _spin(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_another_process_at_work_is_noticed() -> None:
    others = Others()
    spawn = multiprocessing.get_context("spawn")
    spinning = [spawn.Process(target=_spin, args=(1.0,)) for _ in range(psutil.cpu_count() or 1)]
    for process in spinning:
        process.start()
    for process in spinning:
        process.join()
    assert not others.are_calm
