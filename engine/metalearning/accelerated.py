"""Hugging Face Accelerate as the trainings use it: devices, bfloat16, and gradients shared between processes."""

from contextlib import AbstractContextManager
from typing import TypeVar

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import gather_object
from torch import Tensor, nn

from engine.device import resolve_device
from engine.errors import DeviceError
from engine.metalearning.processes import local_rank, was_launched

Item = TypeVar("Item")


class Processes:
    """This process among those of the launcher; alone without one."""

    def __init__(self, device: str, *, bf16: bool) -> None:
        if was_launched() and torch.cuda.is_available():
            torch.cuda.set_device(local_rank() % torch.cuda.device_count())  # or each would try out the first card
        target = resolve_device(device)
        if not was_launched():
            # Accelerate keeps its first settings for the life of the process; a second training may have others
            AcceleratorState._reset_state(reset_partial_state=True)
        try:
            self._accelerator = Accelerator(cpu=target.type == "cpu", mixed_precision="bf16" if bf16 else "no")
        except ValueError as error:
            raise DeviceError("This device cannot compute in bfloat16.", "Set bf16 = false in the recipe.") from error
        self._wrapped: nn.Module | None = None

    @property
    def device(self) -> torch.device:
        device: torch.device = self._accelerator.device
        return device

    @property
    def count(self) -> int:
        return int(self._accelerator.num_processes)

    @property
    def is_main(self) -> bool:
        return bool(self._accelerator.is_main_process)

    def mine(self, count: int) -> list[int]:
        """Which of `count` pieces of work are this process's."""
        return list(range(int(self._accelerator.process_index), count, self.count))

    def wrap(self, model: nn.Module) -> nn.Module:
        """`model` so that its gradients are averaged over the processes; to be called again when parameters freeze."""
        if self._wrapped is not None:
            self._accelerator.unwrap_model(self._wrapped, keep_fp32_wrapper=False)
            self._accelerator.free_memory()
        self._wrapped = self._accelerator.prepare(model)
        return self._wrapped

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of `loss`."""
        self._accelerator.backward(loss)

    def holding_back(self, wrapped: nn.Module) -> AbstractContextManager[None]:
        """Inside, gradients are added up here and not sent to the others yet."""
        held: AbstractContextManager[None] = self._accelerator.no_sync(wrapped)
        return held

    def autocast(self) -> AbstractContextManager[None]:
        """bfloat16 where it was asked for, for a model that is not wrapped."""
        cast: AbstractContextManager[None] = self._accelerator.autocast()
        return cast

    def assembled(self, table: Tensor) -> Tensor:
        """The table in which every process filled its own rows and left the others 0, whole, on the CPU."""
        whole: Tensor = self._accelerator.reduce(table.to(self.device), "sum")
        return whole.cpu()

    def joined(self, found: list[Item]) -> list[Item]:
        """What all processes found, in their order."""
        everything: list[Item] = gather_object(found)
        return everything

    def wait(self) -> None:
        """Until all have come here."""
        self._accelerator.wait_for_everyone()

    def end(self) -> None:
        """Leave the group of processes."""
        self._accelerator.free_memory()
        self._accelerator.end_training()
