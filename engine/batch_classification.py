"""Classifying many files: windows of several files go through the model together, those of like length in a batch.

Sound is read ahead so that there are like lengths to choose from, and no more of it is held. What a window scores does
not depend on what else is in its batch, but for the rounding of sums.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from engine.adaptation.settings import Remark
from engine.audio.decode import MODEL_RATE_HZ, iter_audio, probe_audio
from engine.audio.resample import StreamingResampler
from engine.audio.windows import Samples, Windower
from engine.classification import Classification, name_scores
from engine.encoder import EmotionEncoder
from engine.errors import AudioError, MemoryShortError
from engine.model_folder import AdaptedModel
from engine.out_of_memory import give_back, ran_out_of_memory
from engine.quantised import Int8Linear, suit_the_processor
from engine.streaming import WindowMean, score_windows

MOST_AHEAD_S = 600.0
_MOST_S_ON_GPU = 192.0  # of sound in a batch: 64 clips of 3 s; of XLS-R under 1 GB of activations, by estimate
_MOST_S_ON_CPU = 24.0  # measured: more is no faster
_CLOSE = "Close other programs."
_WEIGHTS_TIMES_S = 400e6  # that a thread gets through in about half a second: after a batch one can cancel


@dataclass(frozen=True)
class Heard:
    """So many seconds of file number `file` (from 0) were read."""

    file: int
    seconds: float


@dataclass(frozen=True)
class Scored:
    """A batch is done. `answers`: of the files that were complete with it, by number; often none."""

    answers: dict[int, Classification]


@dataclass(frozen=True)
class Refused:
    """File number `file` cannot be read, or not to its end, or its scores are not numbers."""

    file: int
    error: AudioError


def classify_in_batches(
    model: AdaptedModel, paths: Sequence[Path], most_ahead_s: float = MOST_AHEAD_S
) -> Iterator[Heard | Scored | Refused | Remark]:
    """Classify files of any length in bounded memory; every file ends in a `Scored` or in a `Refused`.

    Answers come as batches fall out, not in the order of the files. `most_ahead_s`: of sound that is read before it
    is scored. A `Remark` tells that it goes on on the processor, where the GPU is too small. Raises MemoryShortError
    where there is too little for a single window.
    """
    scorer = BatchScorer(model)
    waiting: list[_Window] = []
    for number, path in enumerate(paths):
        file = _File(number, model)
        try:
            for seconds, windows in file.read(path):
                waiting += [_Window(file, samples) for samples in windows]
                yield Heard(number, seconds)
                if sum(len(window.samples) for window in waiting) > most_ahead_s * MODEL_RATE_HZ:
                    yield from _score(scorer, waiting)
                    waiting = []
            if file.is_complete:  # its last batch came before its end was known, or there was nothing in it
                yield Scored({number: file.answer()})
        except AudioError as error:
            waiting = [window for window in waiting if window.file is not file]
            yield Refused(number, error)
    yield from _score(scorer, waiting)


class BatchScorer:
    """Scores windows in batches of a size that suits the device: on the processor small, so that one can cancel.

    int8 goes window by window: what enters a layer is rounded on one scale, which would be the whole batch's.
    """

    def __init__(self, model: AdaptedModel) -> None:
        self._model = model
        self._most_samples = _most_samples(model.encoder)

    def score(self, windows: Sequence[Samples]) -> Iterator[dict[int, tuple[float, ...]] | Remark]:
        """Scores of windows of 16 kHz samples by position, a batch at a time, the shortest first.

        Where memory runs out it goes on with smaller batches, and where one window is too much for a GPU, on the
        processor, with a `Remark`. Raises MemoryShortError where it is too much for that.
        """
        left = sorted(range(len(windows)), key=lambda position: len(windows[position]))
        while left:
            batch = left[: self._fitting([len(windows[position]) for position in left])]
            try:
                scores = score_windows(self._model, [windows[position] for position in batch])
            except (RuntimeError, MemoryError) as error:
                if not ran_out_of_memory(error):
                    raise
                scores = []
            if scores:
                left = left[len(batch) :]
                yield dict(zip(batch, scores, strict=True))
            elif len(batch) > 1:
                self._most_samples = len(windows[batch[-1]]) * (len(batch) // 2)
            elif self._model.encoder.device.type != "cpu":
                self._model = self._model.to(torch.device("cpu"))
                suit_the_processor(self._model.encoder)
                give_back()
                self._most_samples = _most_samples(self._model.encoder)
                yield Remark("The GPU's memory ran out: going on on the processor, which takes longer.", _CLOSE)
            else:
                raise MemoryShortError("There is too little memory for this model.", _CLOSE)

    def _fitting(self, lengths: Sequence[int]) -> int:
        """How many of the first of these, which ascend, make a batch."""
        for count, length in enumerate(lengths[1:], start=1):
            too_many = (count + 1) * length > self._most_samples
            if too_many or not self._model.encoder.backbone.can_share_batch(lengths[0], length):
                return count
        return len(lengths)


def _most_samples(encoder: EmotionEncoder) -> int:
    """How much sound a batch may hold on the encoder's device, padding included."""
    if any(isinstance(module, Int8Linear) for module in encoder.modules()):
        return 0
    if encoder.device.type != "cpu":
        return round(_MOST_S_ON_GPU * MODEL_RATE_HZ)
    weights = sum(tensor.numel() for tensor in itertools.chain(encoder.parameters(), encoder.buffers()))
    in_time_s = _WEIGHTS_TIMES_S * torch.get_num_threads() / max(1, weights)
    return round(min(_MOST_S_ON_CPU, in_time_s) * MODEL_RATE_HZ)


class _File:
    """A file that is read and scored at the same time."""

    def __init__(self, number: int, model: AdaptedModel) -> None:
        self.number = number
        self._model = model
        self._mean = WindowMean(len(model.labels))
        self._heard_samples = 0
        self._unscored = 0
        self._is_read = False
        self._is_answered = False

    @property
    def is_complete(self) -> bool:
        """Whether all of it is read and scored, and its answer not given yet."""
        return self._is_read and not self._unscored and not self._is_answered

    def read(self, path: Path) -> Iterator[tuple[float, list[Samples]]]:
        """Seconds read, and the windows that are complete with them; the last has the rest. Raises AudioError."""
        rate_hz = probe_audio(path).rate_hz
        resampler, windower = StreamingResampler(rate_hz), Windower()
        read_samples = 0
        for block in iter_audio(path):
            read_samples += len(block)
            yield read_samples / rate_hz, self._cut(windower, resampler.feed(block))
        rest, last = self._cut(windower, resampler.flush()), windower.flush()
        self._unscored += len(last)
        self._is_read = True
        yield read_samples / rate_hz, rest + last

    def _cut(self, windower: Windower, samples: Samples) -> list[Samples]:
        self._heard_samples += len(samples)
        windows = windower.feed(samples)
        self._unscored += len(windows)
        return windows

    def take(self, scores: Sequence[float], samples: int) -> None:
        """Take the scores of a window of so many samples."""
        self._mean.add(scores, samples)
        self._unscored -= 1

    def answer(self) -> Classification:
        """What the whole is. AudioError if there was less than a window, or its scores are not numbers."""
        self._is_answered = True
        return name_scores(self._model, self._mean.finish(self._heard_samples))


@dataclass(frozen=True)
class _Window:
    file: _File
    samples: Samples


def _score(scorer: BatchScorer, windows: Sequence[_Window]) -> Iterator[Scored | Refused | Remark]:
    for scores in scorer.score([window.samples for window in windows]):
        if isinstance(scores, Remark):
            yield scores
            continue
        files = {}
        for position, row in scores.items():
            window = windows[position]
            window.file.take(row, len(window.samples))
            files[window.file.number] = window.file
        answers = {}
        for number, file in files.items():
            try:
                if file.is_complete:
                    answers[number] = file.answer()
            except AudioError as error:  # of this file, which need not be the one that is being read
                yield Refused(number, error)
        yield Scored(answers)
