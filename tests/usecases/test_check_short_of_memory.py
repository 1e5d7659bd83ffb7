from pathlib import Path

import pytest
import torch

from engine.encoder import EmotionEncoder
from serstudio.usecases import check_project
from serstudio.usecases.events import Warned
from serstudio.usecases.requests import CheckProject
from tests.usecases.conftest import events_of


def test_a_gpu_without_room_leaves_it_to_the_processor_with_the_same_report(
    labelled_project: Path, tiny_base_folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, expected = events_of(CheckProject(labelled_project, tiny_base_folder, device="cpu", method="prototypes"))

    def to(encoder: EmotionEncoder, device: torch.device) -> EmotionEncoder:
        if device.type == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return encoder  # loading puts it where it is

    monkeypatch.setattr(check_project, "resolve_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(EmotionEncoder, "to", to)
    events, report = events_of(CheckProject(labelled_project, tiny_base_folder, method="prototypes"))
    assert report == expected
    assert [event.message for event in events if isinstance(event, Warned)] == [
        "The GPU's memory ran out: starting again on the processor, which takes longer."
    ]
