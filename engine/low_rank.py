"""Low-rank additions to a weight (LoRA, Hu et al. 2021), merged so that every machine gets the same bits."""

from torch import Tensor

Factors = tuple[Tensor, Tensor]  # A (rank, in) and B (out, rank), B already scaled

_VALUES = 2**15  # at a time: what is in between stays in the processor's cache, and no threads are woken for it


def merged(weight: Tensor, factors: Factors) -> Tensor:
    """`weight` (out, in) plus B @ A, as a new tensor.

    One rank after the other, each a product and a sum of its own: a matrix product adds up in an order that depends
    on the machine, and a model that is stored as its factors would then not be the one that was tried.
    """
    down, up = (factor.detach().to(weight.device) for factor in factors)
    result = weight.detach().clone()
    height = max(1, _VALUES // result.shape[1]) if result.device.type == "cpu" else len(result)
    for start in range(0, len(result), height):
        rows, scales = result[start : start + height], up[start : start + height, :, None]
        for rank in range(len(down)):
            rows += scales[:, rank] * down[rank]
    return result
