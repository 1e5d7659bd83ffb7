"""In which numbers the transformer computes: fp32, bf16, or int8 (classifying only)."""

from contextlib import AbstractContextManager, nullcontext

import torch

from engine.choices import PRECISIONS, TUNING_PRECISIONS
from engine.device import has_fast_bf16
from engine.encoder import EmotionEncoder
from engine.errors import DeviceError
from engine.precision_choice import chosen_precision
from engine.quantised import convert, has_int8

__all__ = ["available_precisions", "prepare_for_classifying", "tuning_autocast"]


def tuning_autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """The context in which a step of tuning runs forward: bf16 products, or nothing special.

    `precision`: one of `TUNING_PRECISIONS`; auto takes bf16 where it is fast. Weights, gradients and what
    autocast leaves out (norms, losses) stay fp32. Raises DeviceError on an unknown name.
    """
    if precision not in TUNING_PRECISIONS:
        raise DeviceError(f"Nothing is tuned in '{precision}'.", f"Use one of {', '.join(TUNING_PRECISIONS)}.")
    if precision == "bf16" or (precision == "auto" and has_fast_bf16(device)):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def available_precisions(device: torch.device) -> tuple[str, ...]:
    """What classifying there may well be done in, the exactest first."""
    found = {"fp32": True, "bf16": has_fast_bf16(device), "int8": device.type == "cpu" and has_int8()}
    return tuple(name for name in PRECISIONS if found.get(name, False))


def prepare_for_classifying(encoder: EmotionEncoder, precision: str) -> EmotionEncoder:
    """`encoder` itself, its transformer layers changed to compute in `precision`: it cannot be tuned or saved then.

    `precision`: one of `PRECISIONS`; auto is what `chosen_precision` says for this encoder and machine. What comes
    before the layers (spectrogram, convolutions) and after them (extractor, head) stays fp32. Raises DeviceError
    where `precision` is unknown or cannot be had.
    """
    if precision not in PRECISIONS:
        raise DeviceError(f"Nothing is computed in '{precision}'.", f"Use one of {', '.join(PRECISIONS)}.")
    convert(encoder, chosen_precision(encoder) if precision == "auto" else precision)
    return encoder
