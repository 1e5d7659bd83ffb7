"""In which numbers the transformer computes."""

import pytest
import torch

from engine.device import has_fast_bf16
from engine.errors import DeviceError
from engine.precision import tuning_autocast

CPU = torch.device("cpu")


def _dtype_inside(precision: str) -> torch.dtype:
    with tuning_autocast(CPU, precision):
        return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16", None])
def test_auto_tunes_in_bf16_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch, flag: str | None) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True} | ({flag: True} if flag else {}))
    assert has_fast_bf16(CPU) == (flag is not None)
    assert _dtype_inside("auto") == (torch.bfloat16 if flag else torch.float32)
    assert _dtype_inside("fp32") == torch.float32
    assert _dtype_inside("bf16") == torch.bfloat16


@pytest.mark.parametrize(("capability", "fast"), [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_cuda_has_bf16_from_ampere_on(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], fast: bool) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert has_fast_bf16(torch.device("cuda")) == fast


def test_an_apple_gpu_stays_in_fp32() -> None:
    assert not has_fast_bf16(torch.device("mps"))


def test_nothing_is_tuned_in_int8() -> None:
    with pytest.raises(DeviceError, match="int8"):
        tuning_autocast(CPU, "int8")
