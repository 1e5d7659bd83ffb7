"""Adam on what is tuned, with all gradients at once or one by one."""

from collections.abc import Callable

import torch
from torch import Tensor

from engine.adaptation.tuned_copy import TunedCopy


class Optimiser:
    """Adam (Kingma and Ba 2015) without weight decay.

    in_backward: each parameter takes its step as soon as its gradient is whole, and gives the gradient up, so that
    all of them are never there at once (Lv et al. 2023, 2306.09782). The same step, if one backward pass makes the
    whole gradient. Slower on a GPU, where many small updates cost more than a large one.
    recorded: steps may be recorded and played again (`recorded`), so that even their count is kept on the GPU.
    """

    def __init__(self, tuned: TunedCopy, learning_rate: float, *, in_backward: bool, recorded: bool) -> None:
        fused = tuned.encoder.device.type != "mps"
        groups = [[each] for each in tuned.parameters] if in_backward else [list(tuned.parameters)]
        self._parts = [torch.optim.Adam(group, lr=learning_rate, fused=fused, capturable=recorded) for group in groups]
        pairs = zip(tuned.parameters, self._parts, strict=True) if in_backward else ()
        self._hooks = [
            parameter.register_post_accumulate_grad_hook(_stepping(part))  # type: ignore[no-untyped-call]
            for parameter, part in pairs
        ]

    def step(self) -> None:
        """Use the gradients up, where that was not done meanwhile."""
        if not self._hooks:
            _use_up(self._parts[0])

    def drop_gradients(self) -> None:
        """Forget gradients that no step was taken with."""
        for part in self._parts:
            part.zero_grad(set_to_none=True)

    def finish(self) -> None:
        """Leave the parameters as any others are."""
        for hook in self._hooks:
            hook.remove()


def _stepping(part: torch.optim.Adam) -> Callable[[Tensor], None]:
    def step(_: Tensor) -> None:
        _use_up(part)

    return step


def _use_up(part: torch.optim.Adam) -> None:
    part.step()
    part.zero_grad(set_to_none=True)
