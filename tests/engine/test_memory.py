"""Free memory within every limit that a process may be under, and the most that was taken."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from engine import memory
from engine.memory import PeakMemory, free_bytes, total_bytes

CPU = torch.device("cpu")
LINUX = pytest.mark.skipif(not psutil.LINUX, reason="reads what Linux tells")


def test_what_is_free_is_part_of_what_there_is() -> None:
    assert 2**20 < free_bytes(CPU) < total_bytes(CPU) <= psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("available", "free"),
    [(20e9, 9e9), (4e9, 5e9), (0, 1e9)],
)
def test_an_apple_gpu_shares_its_memory_and_keeps_some_to_use_again(
    available: float, free: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 12e9)
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 3e9)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 4e9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available))
    assert free_bytes(torch.device("mps")) == free
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 13e9)
    assert free_bytes(torch.device("mps")) == 0


@LINUX
@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_of_the_process_counts(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    used = psutil.Process().memory_info()
    limit = (used.vms if kind == "RLIMIT_AS" else used.data) + 2**26
    real = psutil.Process.rlimit
    monkeypatch.setattr(
        psutil.Process,
        "rlimit",
        lambda self, which: (limit, limit) if which == getattr(psutil, kind) else real(self, which),
    )
    assert 0 <= free_bytes(CPU) <= 2**26
    assert total_bytes(CPU) == min(limit, psutil.virtual_memory().total)


@LINUX
@pytest.mark.parametrize(
    ("line", "files", "cache"),
    [
        ("0::/job/step", ("memory.max", "memory.current"), "inactive_file"),
        ("4:memory:/job/step", ("memory.limit_in_bytes", "memory.usage_in_bytes"), "total_inactive_file"),
    ],
)
def test_a_limit_of_a_control_group_above_counts(
    line: str, files: tuple[str, str], cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "groups"
    job = top / ("memory" if "memory" in line else "") / "job"
    for folder, limit in ((job, str(2**30)), (job / "step", "max")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / files[0]).write_text(f"{limit}\n")
        (folder / files[1]).write_text(f"{2**30 - 2**24}\n")
        (folder / "memory.stat").write_text(f"anon 5\n{cache} {2**23}\nactive_file 7\n")
    (tmp_path / "cgroup").write_text(f"7:cpu:/\n{line}\n")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "_GROUPS", top)
    assert free_bytes(CPU) == 2**24 + 2**23
    assert total_bytes(CPU) == 2**30


def test_the_peak_is_what_was_taken_for_a_moment() -> None:
    with PeakMemory(CPU) as small:
        torch.ones(2**18).sum()
    with PeakMemory(CPU) as large:
        torch.ones(2**26).sum()
        during = large.measure()
    with PeakMemory(CPU) as after:
        torch.ones(2**18).sum()
    assert small.bytes is not None
    assert large.bytes is not None
    assert during == large.bytes
    assert large.bytes - small.bytes > 2**27
    assert after.bytes is not None
    assert large.bytes - after.bytes > 2**27, "the mark of an earlier block is not this one's"


def test_without_a_mark_to_reset_only_a_new_peak_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_CLEAR_REFS", tmp_path)
    torch.ones(2**26).sum()
    with PeakMemory(CPU) as low:
        torch.ones(16).sum()
    assert low.bytes is None
    with PeakMemory(CPU) as high:
        torch.ones(2**28).sum()
    assert high.bytes is not None
    assert high.bytes > 2**30


@pytest.mark.skipif(not psutil.LINUX, reason="of glibc")
def test_what_the_allocator_keeps_counts_as_free() -> None:
    process = psutil.Process()
    blocks = [bytearray(100_000) for _ in range(4_000)]  # too small to be mapped one by one
    above = bytearray(100_000)  # what lies below it is not returned by itself
    del blocks
    before = process.memory_info().rss
    free_bytes(torch.device("cpu"))
    assert before - process.memory_info().rss > 200e6
    assert above
