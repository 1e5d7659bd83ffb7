"""What episodes have in common: what the part of a base that adapting leaves alone makes of a clip without masks."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from engine.adaptation.clips import LabelledClip, embed_whole, mean_by_duration, prepare
from engine.adaptation.trained import frozen_layers
from engine.audio.windows import Windows
from engine.encoder import EmotionEncoder
from engine.evaluation.stopwatch import Stopwatch
from engine.memory import free_bytes

SHARE_OF_FREE = 0.25  # of the memory that is free when the first states are there


class SharedStates:
    """Clips as they leave the layers of `base` that an adapted encoder still shares with it, each computed once.

    Where even what comes below the layers was tuned, that is what the front end gives. States are kept on the base's
    device as long as a quarter of its free memory does; the rest is computed every time. `stopwatch` runs meanwhile.
    """

    def __init__(self, base: EmotionEncoder, stopwatch: Stopwatch | None = None) -> None:
        self._base = base
        self._stopwatch = stopwatch or Stopwatch()
        self._kept: dict[tuple[int | None, int], tuple[Tensor, ...]] = {}
        self._room_bytes: int | None = None

    @torch.no_grad()
    def embed(self, encoder: EmotionEncoder, clips: Mapping[int, Windows]) -> Tensor:
        """Embeddings (clips, embedding size) by `encoder`, adapted from the base; `clips` by their number.

        As of `engine.adaptation.clips.embed_whole`: a long clip's is the mean of its windows by duration. Where
        adapting had to leave the base's device, nothing is shared.
        """
        if encoder.device != self._base.device:
            return embed_whole(encoder, prepare(encoder, [LabelledClip(windows, 0) for windows in clips.values()]))
        depth = shared_depth(self._base, encoder)
        embedded: dict[int, Tensor] = {}
        for group in _groups(clips, encoder.most_clips_in_batch):
            embedded |= self._embed(encoder, group, depth)
        return torch.stack([embedded[number] for number in clips])

    def _embed(self, encoder: EmotionEncoder, clips: Mapping[int, Windows], depth: int | None) -> dict[int, Tensor]:
        missing = [number for number in clips if (depth, number) not in self._kept]
        states: dict[int, tuple[Tensor, ...]] = {}
        if missing:
            with self._stopwatch.running(self._base.device):
                states = self._compute({number: clips[number] for number in missing}, depth)
                self._keep(states, depth)
        of_clips = [states[number] if number in states else self._kept[depth, number] for number in clips]
        flat = [each.to(encoder.device) for of_clip in of_clips for each in of_clip]
        windows = encoder.embed(flat) if depth is None else encoder.embed_lowered(flat, depth)
        durations = [[len(window) for window in of_clip] for of_clip in clips.values()]
        return dict(zip(clips, mean_by_duration(windows, durations), strict=True))

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


def _groups(clips: Mapping[int, Windows], most_windows: int) -> Iterator[dict[int, Windows]]:
    """Clips of like length together, of so many windows or a single one: more states are never held but to be kept."""
    group: dict[int, Windows] = {}
    for number in sorted(clips, key=lambda each: (max(map(len, clips[each])), each)):
        if group and sum(map(len, group.values())) + len(clips[number]) > most_windows:
            yield group
            group = {}
        group[number] = clips[number]
    if group:
        yield group


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
