"""What the layers that are not tuned make of the clips, computed once under each of a few masks.

SpecAugment acts below the layers, so what a layer makes of a clip is another thing under every mask. Each window is
taken under `AdaptationSettings.views` masks, and every step draws one of them: those layers then cost as many
passes a window, however many steps there are.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from engine.adaptation.clips import PreparedClip
from engine.adaptation.settings import AdaptationSettings
from engine.adaptation.tuned_copy import TunedCopy
from engine.memory import free_bytes
from engine.precision import tuning_autocast

Window = tuple[int, int]  # number of the clip, and of the window in it

LEAST_VIEWS = 4  # with fewer, steps see the same masks again and again; none are kept then
_SHARE_OF_FREE = 0.5  # of the memory that is free: the rest is for what is tuned


class Views:
    """The frozen layers' states of windows of `clips`, computed when they are first drawn.

    Kept on the encoder's device if half of its free memory does, else in the processor's memory, under fewer masks
    where that is short too, or not at all: every draw is then computed, under a mask of its own.
    """

    def __init__(self, tuned: TunedCopy, clips: Sequence[PreparedClip], settings: AdaptationSettings) -> None:
        self._tuned = tuned
        self._clips = clips
        self._settings = settings
        self._kept: dict[tuple[Window, int], Tensor] = {}
        self._home: torch.device | None = None  # where states are kept; known when the first are there
        self.count = settings.views  # 0: none are kept

    def draw(self, windows: Sequence[Window], generator: torch.Generator) -> list[Tensor]:
        """States of each window, as `Backbone.lower` gives them; one that comes twice is under two masks."""
        if not self.count:
            return self._compute(windows, generator)
        numbers = self._draw_numbers(windows, generator)
        keys = list(zip(windows, numbers, strict=True))
        missing = [key for key in dict.fromkeys(keys) if key not in self._kept]
        states = dict(zip(missing, self._compute([window for window, _ in missing], generator), strict=True))
        if self._home is None:
            self._plan(states)
        if self.count:
            self._kept |= {(window, n % self.count): each.to(self._home) for (window, n), each in states.items()}
        device = self._tuned.encoder.device
        return [states[key] if key in states else self._kept[key].to(device) for key in keys]

    def _draw_numbers(self, windows: Sequence[Window], generator: torch.Generator) -> list[int]:
        drawn: dict[Window, list[int]] = defaultdict(list)
        for window in windows:
            every = list(range(self.count))
            left = [number for number in every if number not in drawn[window]] or every
            drawn[window].append(left[int(torch.randint(len(left), (), generator=generator))])
        order = {window: iter(numbers) for window, numbers in drawn.items()}
        return [next(order[window]) for window in windows]

    def _compute(self, windows: Sequence[Window], generator: torch.Generator) -> list[Tensor]:
        if not windows:
            return []
        encoder = self._tuned.encoder
        inputs = [self._clips[clip].windows[index] for clip, index in windows]
        masks = encoder.backbone.draw_masks(inputs, self._settings.augment, generator)
        with torch.no_grad(), tuning_autocast(encoder.device, self._settings.precision):
            return encoder.lower(inputs, masks, self._tuned.depth)

    def _plan(self, states: Mapping[tuple[Window, int], Tensor]) -> None:
        """Decide where states are kept and under how many masks, from what the first ones take."""
        steps = sum(self._clips[clip].windows[index].shape[-1] for (clip, index), _ in states)
        all_steps = sum(window.shape[-1] for clip in self._clips for window in clip.windows)
        view_bytes = sum(each.nbytes for each in states.values()) / steps * all_steps
        device, cpu = self._tuned.encoder.device, torch.device("cpu")
        for home, least in ((device, self.count), (cpu, self.count), (device, LEAST_VIEWS), (cpu, LEAST_VIEWS)):
            room = int(_SHARE_OF_FREE * free_bytes(home) / view_bytes)
            if room >= least:
                self._home, self.count = home, min(self.count, room)
                return
        self.count = 0
