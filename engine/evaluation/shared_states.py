"""What episodes have in common: what the part of a base that adapting leaves alone makes of a clip without masks."""

from collections.abc import Mapping

import torch
from torch import Tensor

from engine.adaptation.trained import frozen_layers
from engine.audio.windows import Windows
from engine.encoder import EmotionEncoder
from engine.memory import free_bytes

SHARE_OF_FREE = 0.25  # of the memory that is free when the first states are there


class SharedStates:
    """Clips as they leave the layers of `base` that an adapted encoder still shares with it, each computed once.

    Where even what comes below the layers was tuned, that is what the front end gives. States are kept on the base's
    device as long as a quarter of its free memory does; the rest is computed every time.
    """

    def __init__(self, base: EmotionEncoder) -> None:
        self._base = base
        self._kept: dict[tuple[int | None, int], tuple[Tensor, ...]] = {}
        self._room_bytes: int | None = None

    @torch.no_grad()
    def embed(self, encoder: EmotionEncoder, clips: Mapping[int, Windows]) -> Tensor:
        """Embeddings (clips, embedding size) by `encoder`, adapted from the base; `clips` by their number.

        As of `engine.adaptation.clips.embed_whole`: a long clip's is the mean of its windows by duration.
        """
        depth = shared_depth(self._base, encoder)
        missing = [number for number in clips if (depth, number) not in self._kept]
        states = self._compute({number: clips[number] for number in missing}, depth)
        self._keep(states, depth)
        of_clips = [states[number] if number in states else self._kept[depth, number] for number in clips]
        flat = [each.to(encoder.device) for of_clip in of_clips for each in of_clip]
        windows = encoder.embed(flat) if depth is None else encoder.embed_lowered(flat, depth)
        embeddings = []
        for rows, of_clip in zip(torch.split(windows, [len(each) for each in of_clips]), clips.values(), strict=True):
            weights = rows.new_tensor([float(len(window)) for window in of_clip])
            embeddings.append((rows * weights[:, None]).sum(0) / weights.sum())
        return torch.stack(embeddings)

    def _compute(self, clips: Mapping[int, Windows], depth: int | None) -> dict[int, tuple[Tensor, ...]]:
        """The states of all windows of each clip."""
        inputs = [self._base.front_end(window) for windows in clips.values() for window in windows]
        states = inputs if depth is None else self._base.lower(inputs, None, depth)
        each = iter(states)
        return {number: tuple(next(each) for _ in windows) for number, windows in clips.items()}

    def _keep(self, states: Mapping[int, tuple[Tensor, ...]], depth: int | None) -> None:
        if states and self._room_bytes is None:
            self._room_bytes = int(SHARE_OF_FREE * free_bytes(self._base.device))
        for number, of_clip in states.items():
            size = sum(each.nbytes for each in of_clip)
            if self._room_bytes is not None and size <= self._room_bytes:
                self._room_bytes -= size
                self._kept[depth, number] = of_clip


def shared_depth(base: EmotionEncoder, encoder: EmotionEncoder) -> int | None:
    """How many of the lowest layers of `encoder` are still the base's own memory, and with them what lies below.

    None where something below the layers, or between them and the extractor, is not.
    """
    pairs = zip(encoder.backbone.parameters(), base.backbone.parameters(), strict=True)
    changed = [parameter for parameter, original in pairs if parameter.data_ptr() != original.data_ptr()]
    in_layers = {id(parameter) for parameter in encoder.backbone.transformer_layers.parameters()}
    if any(id(parameter) not in in_layers for parameter in changed):
        return None
    return frozen_layers(encoder, changed)
