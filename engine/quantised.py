"""Linear layers with weights in bf16 or int8, for classifying on the processor.

They take and give fp32, so norms, softmax and the sum over layers stay exact, and any transformer's layers can have
their projections replaced without knowing more of them.

int8 is PyTorch's own dynamic linear (FBGEMM on x86, QNNPACK on ARM). Measured on an AMD EPYC with AVX-512 VNNI, two
threads, one XLS-R 300M layer on 3 s: fp32 25.6 ms, bf16 11.6, this 7.0, ONNX Runtime's DynamicQuantizeMatMul a
projection 10.5 (275 when its threads spin beside PyTorch's), torchao's int8 dynamic activations 11.5. torchao's
kernel moreover wants AVX-512 VNNI and else counts in a plain loop, while int8 is for the machines without.
"""

from typing import Any

import torch
from torch import Tensor, nn

from engine.device import has_fast_bf16
from engine.encoder import EmotionEncoder
from engine.errors import DeviceError

_STEPS_TO_LARGEST = 127  # of a weight's row, which has a scale of its own


class Bf16Linear(nn.Module):
    """`linear` with its weights in bf16: half the memory; sums are still fp32 inside."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.register_buffer("weight", linear.weight.detach().bfloat16(), persistent=False)
        bias = None if linear.bias is None else linear.bias.detach().bfloat16()
        self.register_buffer("bias", bias, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """(..., in) to (..., out), both fp32."""
        return nn.functional.linear(inputs.bfloat16(), self.weight, self.bias).float()


class Int8Linear(nn.Module):
    """`linear` with weights of 8 bits, a scale a row; what comes in is rounded to 8 bits on one scale a call.

    Rounding of what comes in loses one of the 8 bits where the processor would else overflow: FBGEMM adds pairs of
    products in 16 bits, unless it has AVX-512 VNNI. Raises RuntimeError where PyTorch has no such kernel.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach()
        scales = (weight.abs().amax(1).double() / _STEPS_TO_LARGEST).clamp_min(1e-12)
        zeros = torch.zeros(len(weight), dtype=torch.long)
        rows = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        bias = None if linear.bias is None else linear.bias.detach()
        self._packed: Any = torch.ops.quantized.linear_prepack(rows, bias)
        flags = torch.cpu.get_capabilities()
        self._seven_bits = flags.get("architecture") != "aarch64" and not flags.get("avx512_vnni", False)

    def forward(self, inputs: Tensor) -> Tensor:
        """(..., in) to (..., out), both fp32."""
        outputs: Tensor = torch.ops.quantized.linear_dynamic(inputs, self._packed, self._seven_bits)
        return outputs


_KINDS = {"bf16": Bf16Linear, "int8": Int8Linear}


def convert(encoder: EmotionEncoder, precision: str) -> None:
    """Change the transformer layers of `encoder`, in place, to compute in fp32 (as they are), bf16 or int8.

    Raises DeviceError where that cannot be had.
    """
    backbone, device = encoder.backbone, encoder.device
    if precision == "fp32":
        return
    if device.type == "cpu":
        lighten(backbone.transformer_layers, precision, least_size=backbone.hidden_size)
    elif precision == "int8":
        raise DeviceError("int8 is for the processor, not for a GPU.", "Use --device cpu, or --precision bf16.")
    else:  # there whole layers, attention too, are faster; the backbone hands over what they take
        backbone.transformer_layers.to(torch.bfloat16)
        backbone.compute_dtype = torch.bfloat16


def suit_the_processor(encoder: EmotionEncoder) -> None:
    """Of an encoder that was converted for a GPU and had to leave it: bf16 layers only where the processor has bf16."""
    if encoder.backbone.compute_dtype is torch.bfloat16 and not has_fast_bf16(encoder.device):
        encoder.backbone.transformer_layers.float()
        encoder.backbone.compute_dtype = None


def lighten(module: nn.Module, precision: str, least_size: int) -> None:
    """Replace the linear layers of `module`, in place, by those of `precision` (bf16 or int8).

    Layers with fewer than `least_size` inputs or outputs stay: they cost nothing, and gates and the like are
    sensitive. Raises DeviceError where this machine has no int8.
    """
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear) and min(child.in_features, child.out_features) >= least_size:
                setattr(parent, name, _light(child, precision))


def has_int8() -> bool:
    """Whether PyTorch has int8 kernels for this processor."""
    try:
        Int8Linear(nn.Linear(1, 1))
    except (RuntimeError, AttributeError):
        return False
    return True


def _light(linear: nn.Linear, precision: str) -> nn.Module:
    try:
        return _KINDS[precision](linear)
    except (RuntimeError, AttributeError) as error:
        raise DeviceError(
            f"PyTorch cannot compute in {precision} on this processor.", "Use --precision fp32 or auto."
        ) from error
