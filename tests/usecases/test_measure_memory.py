import torch

from serstudio.usecases.requests import MeasureMemory, MemoryMeasured
from tests.usecases.conftest import events_of


def test_the_memory_of_what_computes_is_told() -> None:
    events, measured = events_of(MeasureMemory())
    assert events == []
    assert isinstance(measured, MemoryMeasured)
    assert 0 < measured.free_bytes < measured.total_bytes
    if not torch.cuda.is_available() and not torch.backends.mps.is_available():
        assert measured.device == "CPU"
