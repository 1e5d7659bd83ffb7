"""Which device is taken. No Mac runs these tests, so what torch says of one is put in its mouth."""

import pytest
import torch

from engine.device import available_devices, describe_device, resolve_device
from engine.errors import DeviceError


def _machine(patch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    patch.setattr(torch.cuda, "is_available", lambda: cuda)
    patch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "devices"),
    [
        (False, False, ("cpu",)),
        (True, False, ("cuda", "cpu")),
        (False, True, ("mps", "cpu")),
        (True, True, ("cuda", "mps", "cpu")),
    ],
)
def test_auto_takes_cuda_then_mps_then_the_processor(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, devices: tuple[str, ...]
) -> None:
    _machine(monkeypatch, cuda=cuda, mps=mps)
    assert available_devices() == devices
    assert resolve_device("auto") == torch.device(devices[0])
    for name in devices:
        assert resolve_device(name) == torch.device(name)


@pytest.mark.parametrize(("name", "words"), [("cuda", "no CUDA device"), ("mps", "no Apple GPU"), ("tpu", "Unknown")])
def test_a_device_that_is_not_there_is_refused_with_the_mend(
    monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    _machine(monkeypatch, cuda=False, mps=False)
    with pytest.raises(DeviceError, match=words) as refused:
        resolve_device(name)
    assert "cpu" in refused.value.hint


def test_an_apple_gpu_is_described_by_the_memory_it_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 12 * 2**30)
    assert "Apple GPU" in describe_device(torch.device("mps"))
    assert "12 GB" in describe_device(torch.device("mps"))
