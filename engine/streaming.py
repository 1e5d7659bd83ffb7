"""Windows to decisions: the one path for files and microphones.

Audio is fed in blocks of any size. Two things come out:
- live decisions: every `hop_s`, the scores of the last `window_s` (measured: under 1.5 s accuracy falls fast);
- the scores of everything heard: each full 9.375 s is classified as it completes, the rest at the end, and
  they are averaged by duration. `classify_file` feeds a file here and asks for these at the end; of many files
  (`batch_classification`) the windows come out of the same `Windower` and are averaged by the same `WindowMean`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine.audio.decode import MODEL_RATE_HZ
from engine.audio.log_mel import level_dbfs
from engine.audio.resample import StreamingResampler
from engine.audio.windows import Windower
from engine.decision import Decision
from engine.errors import AudioError, MemoryShortError
from engine.model_folder import AdaptedModel
from engine.out_of_memory import ran_out_of_memory

Samples = NDArray[np.float32]

LIVE_WINDOW_S = 2.0
LIVE_HOP_S = 0.2
FIRST_DECISION_S = 1.5  # do not wait for a full window at the start, nor guess before this
QUIET_DBFS = -55.0  # a quiet room through a field recorder; speech at arm's length is 20 dB above


@dataclass(frozen=True)
class ClipScores:
    """Scores of all that was heard, in the order of the model's labels, and of how many windows they are made."""

    scores: tuple[float, ...]
    duration_s: float
    window_count: int


def score_window(model: AdaptedModel, samples: Samples) -> tuple[float, ...]:
    """Scores of one window of 16 kHz samples (n,), 0.1 to 9.375 s.

    Raises MemoryShortError, and AudioError where they are not numbers.
    """
    try:
        return _numbers(score_windows(model, [samples])[0])
    except (RuntimeError, MemoryError) as error:
        if not ran_out_of_memory(error):
            raise
        on_cpu = model.encoder.device.type == "cpu"
        mend = "Close other programs." if on_cpu else "Close other programs, or choose the processor."
        raise MemoryShortError("There is too little memory for this model.", mend) from error


@torch.inference_mode()
def score_windows(model: AdaptedModel, windows: Sequence[Samples]) -> list[tuple[float, ...]]:
    """Scores of windows that go through the model together, in the order given: of like length, or much is padding."""
    encoder = model.encoder
    # the processor is no faster with several at once, and one by one a window's bits do not depend on the others
    on_cpu = encoder.device.type == "cpu"
    inputs = [encoder.front_end(window) for window in windows] if on_cpu else encoder.front_ends(windows)
    frames = encoder.backbone.encode(inputs)
    rows = model.head.scores(encoder.extractor(frames)).cpu().double().tolist()
    return [tuple(row) for row in rows]


def _numbers(scores: tuple[float, ...]) -> tuple[float, ...]:
    if not np.isfinite(scores).all():
        raise AudioError(
            "The model's scores of this sound are not numbers.",
            "Is it scaled to between -1 and 1? If it is, adapt the model anew.",
        )
    return scores


class WindowMean:
    """Scores of a recording from those of its windows, whatever their order: the mean by duration."""

    def __init__(self, labels: int) -> None:
        self._summed = np.zeros(labels)
        self._scored_samples = 0
        self._windows = 0

    def add(self, scores: Sequence[float], samples: int) -> None:
        """Take the scores of a window of so many samples."""
        self._summed += np.asarray(scores) * samples
        self._scored_samples += samples
        self._windows += 1

    def finish(self, heard_samples: int) -> ClipScores:
        """The scores of a recording of so many samples. AudioError if it had no window, or they are not numbers."""
        if not self._windows:
            raise AudioError("There is less than 0.1 s of sound.", "Record or choose a longer clip.")
        scores = self._summed / self._scored_samples
        total = scores.sum()
        return ClipScores(_numbers(tuple((scores / total).tolist())), heard_samples / MODEL_RATE_HZ, self._windows)


class WholeClip:
    """Scores of a whole recording, window by window, in bounded memory."""

    def __init__(self, model: AdaptedModel) -> None:
        self._model = model
        self._windower = Windower()
        self._mean = WindowMean(len(model.labels))
        self._heard_samples = 0

    def feed(self, samples: Samples) -> None:
        """Take the next 16 kHz samples."""
        self._heard_samples += len(samples)
        for window in self._windower.feed(samples):
            self._score(window)

    def finish(self) -> ClipScores:
        """Score the rest. AudioError if under 0.1 s was heard in all."""
        for window in self._windower.flush():
            self._score(window)
        return self._mean.finish(self._heard_samples)

    def _score(self, window: Samples) -> None:
        self._mean.add(score_window(self._model, window), len(window))


class LiveStream:
    """Blocks at the source's rate to live decisions, and at the end to the scores of the whole."""

    def __init__(
        self, model: AdaptedModel, rate_hz: int, window_s: float = LIVE_WINDOW_S, hop_s: float = LIVE_HOP_S
    ) -> None:
        self._model = model
        self._resampler = StreamingResampler(rate_hz)
        self._whole = WholeClip(model)
        self._window = round(window_s * MODEL_RATE_HZ)
        self._hop = round(hop_s * MODEL_RATE_HZ)
        self._recent = np.zeros(0, dtype=np.float32)
        self._heard = 0
        self._next_decision = round(min(window_s, FIRST_DECISION_S) * MODEL_RATE_HZ)

    def feed(self, samples: Samples) -> list[Decision]:
        """Take the next block (n,) at the source's rate; return the decision that fell due in it, if any.

        Of several that fell due only the newest is made: a slow machine must not fall behind the voice.
        """
        block = self._resampler.feed(samples)
        backlog = (self._heard + len(block) - self._next_decision) // self._hop
        self._next_decision += max(0, backlog) * self._hop
        return self._take(block)

    def finish(self) -> ClipScores:
        """Scores of everything heard, the same as `classify_file`. AudioError if it was too short."""
        self._take(self._resampler.flush())
        return self._whole.finish()

    def _take(self, block: Samples) -> list[Decision]:
        self._whole.feed(block)
        self._recent = np.concatenate([self._recent, block])
        self._heard += len(block)
        decisions = []
        while self._next_decision <= self._heard:
            end = len(self._recent) - (self._heard - self._next_decision)
            decisions.append(self._decide(self._recent[max(0, end - self._window) : end], self._next_decision))
            self._next_decision += self._hop
        surplus = len(self._recent) - (self._heard - self._next_decision + self._window)
        self._recent = self._recent[max(0, surplus) :]
        return decisions

    def _decide(self, window: Samples, end: int) -> Decision:
        level = level_dbfs(window)
        return Decision(
            start_s=(end - len(window)) / MODEL_RATE_HZ,
            end_s=end / MODEL_RATE_HZ,
            scores=score_window(self._model, window),
            level_dbfs=level,
            quiet=level < QUIET_DBFS,
        )
