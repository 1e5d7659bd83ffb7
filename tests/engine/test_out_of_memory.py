"""When memory runs out: every allocator's words, and moving to a device that is too small."""

import pytest
import torch
from torch import nn

from engine.out_of_memory import give_back, moved, ran_out_of_memory

ALLOCATORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you tried to ..."),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    RuntimeError("Invalid buffer size: 48.00 GiB"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
    RuntimeError("FIND was unable to find an engine to execute this computation"),
    MemoryError(),
]


@pytest.mark.parametrize("error", ALLOCATORS)
def test_every_allocators_words_are_known(error: Exception) -> None:
    assert ran_out_of_memory(error)
    assert not ran_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


class _Small(nn.Module):
    """Of two parts the second does not fit on the GPU, for which `meta` stands."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.first, self.second, self._error = nn.Linear(2, 2), nn.Linear(2, 2), error

    def to(self, device: torch.device) -> nn.Module:
        self.first._parameters = {name: value.to(device) for name, value in self.first._parameters.items()}
        raise self._error

    def cpu(self) -> nn.Module:
        self.first = nn.Linear(2, 2)
        return self


def test_what_does_not_fit_is_whole_on_the_processor_again() -> None:
    assert moved(nn.Linear(2, 2), torch.device("cpu"))
    module = _Small(ALLOCATORS[0])
    assert not moved(module, torch.device("meta"))
    assert {parameter.device.type for parameter in module.parameters()} == {"cpu"}
    with pytest.raises(RuntimeError, match="a bug"):
        moved(_Small(RuntimeError("a bug")), torch.device("meta"))
    with pytest.raises(MemoryError):
        moved(_Small(MemoryError()), torch.device("cpu"))


def test_only_a_gpu_that_was_used_gives_anything_back(monkeypatch: pytest.MonkeyPatch) -> None:
    emptied: list[str] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append("cuda"))
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: emptied.append("mps"))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    give_back()
    assert not emptied
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    give_back()
    assert emptied == ["cuda", "mps"]
