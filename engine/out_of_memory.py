"""When memory runs out: how to tell, what to give back, and moving to a device that may be too small."""

import gc

import torch
from torch import nn

_SAID_BY_ALLOCATORS = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "alloc_failed",
    "bad_alloc",
    "failed to allocate",
    "invalid buffer size",  # Apple's, of a tensor that is larger than it can hold
    "status_not_initialized",  # cuBLAS and cuDNN say so where there is no room for their own workspace
    "unable to find an engine",
)


def ran_out_of_memory(error: Exception) -> bool:
    """Whether `error` is some allocator's way of saying so."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _SAID_BY_ALLOCATORS)


def give_back() -> None:
    """Return what PyTorch keeps of a GPU's memory that was freed: other processes, such as Live, have none of it."""
    on_cuda: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    on_apple = torch.backends.mps.is_available()
    if on_cuda or on_apple:
        gc.collect()
    if on_cuda:
        torch.cuda.empty_cache()
    if on_apple:
        torch.mps.empty_cache()


def moved(module: nn.Module, device: torch.device) -> bool:
    """Move `module` to `device`; False where that has too little memory, and `module` is on the processor then."""
    try:
        module.to(device)
    except (RuntimeError, MemoryError) as error:
        if device.type == "cpu" or not ran_out_of_memory(error):
            raise
    else:
        return True
    module.cpu()  # some of it had been moved
    give_back()
    return False
