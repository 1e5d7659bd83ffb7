"""Which device is taken. No Mac runs these tests, so what torch says of one is put in its mouth."""

import pytest
import torch

from engine import device
from engine.device import available_devices, describe_device, is_lacking, resolve_device, why_unusable
from engine.errors import DeviceError


def _machine(patch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    patch.setattr(torch.cuda, "is_available", lambda: cuda)
    patch.setattr(torch.backends.mps, "is_available", lambda: mps)
    patch.setattr(device, "why_unusable", lambda name: "")


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


@pytest.fixture
def unusable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that PyTorch lists and has no kernels for."""

    def refusing(*_: object, **__: object) -> torch.Tensor:
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device\nCompile with ...")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch, "ones", refusing)


@pytest.mark.usefixtures("unusable")
def test_a_card_that_cannot_compute_is_passed_over_and_the_reason_told() -> None:
    assert available_devices() == ("cpu",)
    assert resolve_device("auto") == torch.device("cpu")
    assert why_unusable("cuda") == "CUDA error: no kernel image is available for execution on the device"
    assert why_unusable("mps") == why_unusable("cpu") == ""
    with pytest.raises(DeviceError, match="The CUDA device cannot be used: CUDA error: no kernel image is available"):
        resolve_device("cuda")


@pytest.mark.usefixtures("unusable")
def test_a_gpu_is_tried_out_when_it_is_wanted_and_until_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def working(*_: object, device: str) -> torch.Tensor:
        tried.append(device)
        return torch.zeros(2, 2)

    assert why_unusable("cuda"), "full, say"
    monkeypatch.setattr(torch, "ones", working)
    monkeypatch.setattr(device, "_TRIED_OUT", set())
    assert resolve_device("cpu") == torch.device("cpu")
    assert tried == []
    assert resolve_device("auto") == resolve_device("cuda") == torch.device("cuda")
    assert tried == ["cuda"]


@pytest.mark.parametrize(
    ("name", "error", "lacks"),
    [
        ("mps", NotImplementedError("The operator 'aten::_linalg_eigh' is not implemented for MPS."), True),
        ("mps", TypeError("Cannot convert a MPS Tensor to float64 dtype"), True),
        ("mps", RuntimeError("MPS does not support cumsum op with int64 input"), True),
        ("mps", RuntimeError("shapes do not match"), False),
        ("mps", RuntimeError("Expected all tensors to be on the same device, but found mps:0 and cpu!"), False),
        ("cuda", NotImplementedError(), False),
        ("cpu", TypeError("MPS"), False),
    ],
)
def test_what_an_apple_gpu_lacks_is_told_from_a_bug(name: str, error: Exception, lacks: bool) -> None:
    assert is_lacking(torch.device(name), error) is lacks


def test_an_apple_gpu_is_described_by_the_memory_it_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 12 * 10**9)
    assert "Apple GPU" in describe_device(torch.device("mps"))
    assert "12 GB" in describe_device(torch.device("mps"))
