import pytest
import torch
from torch import Tensor, nn

from engine.fingerprint import combined, digests, fingerprint, same_bits
from tests.engine.conftest import tiny_encoder


def test_the_same_weights_have_the_same_fingerprint() -> None:
    assert fingerprint(tiny_encoder(seed=1)) == fingerprint(tiny_encoder(seed=1))
    assert len(fingerprint(tiny_encoder())) == 64


def test_one_bit_of_one_weight_changes_it() -> None:
    encoder = tiny_encoder()
    before = fingerprint(encoder)
    with torch.no_grad():
        bias = encoder.backbone.get_parameter("conv1.bias")
        bias.view(-1)[3:4].view(torch.int32).bitwise_xor_(1)
    assert fingerprint(encoder) != before


class _Holder(nn.Module):
    def __init__(self, **tensors: Tensor) -> None:
        super().__init__()
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor)


@pytest.mark.parametrize(
    "other",
    [
        _Holder(b=torch.zeros(4)),
        _Holder(a=torch.zeros(2, 2)),
        _Holder(a=torch.zeros(4, dtype=torch.int32)),
        _Holder(a=-torch.zeros(4)),
        _Holder(a=torch.zeros(4), b=torch.zeros(0)),
    ],
    ids=["name", "shape", "dtype", "minus zero", "one more"],
)
def test_names_shapes_dtypes_and_signs_of_zero_count(other: nn.Module) -> None:
    assert fingerprint(other) != fingerprint(_Holder(a=torch.zeros(4)))


def test_the_order_of_the_tensors_does_not_count() -> None:
    tensors = {"a": torch.zeros(3), "b": torch.ones(3)}
    assert combined(digests(tensors)) == combined(digests(dict(reversed(tensors.items()))))


def test_same_bits() -> None:
    values = torch.tensor([1.0, float("nan")])
    assert same_bits(values, values.clone())
    assert not same_bits(torch.zeros(2), -torch.zeros(2))
    assert not same_bits(torch.zeros(2), torch.zeros(2, dtype=torch.int32))
    assert not same_bits(torch.zeros(2), torch.zeros(2, 1))
    transposed = torch.arange(6.0).view(2, 3).T
    assert same_bits(transposed, transposed.contiguous())
