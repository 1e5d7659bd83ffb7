"""Clips of episodes as samples: decoded ahead of time in a thread, and kept as far as memory was granted."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from engine.audio.windows import read_windows
from engine.errors import AudioError
from engine.metalearning.episodes import TrainingEpisode, TrainingSampler

Samples = NDArray[np.float32]
_MOST_DRAWS = 20
KEPT_BYTES = 1 << 30  # 4.5 hours of sound


class ClipLoader:
    """Use as a context manager: the thread ends with it. One reader at a time."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="clip-loader")
        self._kept: OrderedDict[Path, Samples] = OrderedDict()  # touched by the thread alone
        self._kept_bytes = 0
        self._most_bytes = kept_bytes
        self._refused: SimpleQueue[AudioError] = SimpleQueue()

    def __enter__(self) -> "ClipLoader":
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def episodes(
        self, sampler: TrainingSampler, indices: Sequence[int]
    ) -> Iterator[tuple[int, TrainingEpisode, list[Samples]]]:
        """Index, episode and the samples of its clips, for every index in turn.

        An episode with a clip that cannot be read is drawn anew: one damaged file among a million must not end a
        training of days. `refusals` has them then. Raises CorpusError, and AudioError where no draw can be read.
        """
        ahead = None
        for turn, index in enumerate(indices):
            current = ahead or self._thread.submit(self._load, sampler, index)
            ahead = None
            if turn + 1 < len(indices):
                ahead = self._thread.submit(self._load, sampler, indices[turn + 1])
            episode, samples = current.result()
            yield index, episode, samples

    def _load(self, sampler: TrainingSampler, index: int) -> tuple[TrainingEpisode, list[Samples]]:
        for redrawn in range(_MOST_DRAWS):
            episode = sampler.draw(index, redrawn)
            try:
                return episode, [self._read(clip.path) for clip in episode.clips]
            except AudioError as error:
                refused = error
                self._refused.put(error)
        raise AudioError(
            f"In {_MOST_DRAWS} draws of an episode there was always a clip that cannot be read: {refused.message}",
            "Look at the corpora: is the disk that they are on still there?",
        )

    def refusals(self) -> Iterator[AudioError]:
        """What could not be read since this was asked last."""
        while not self._refused.empty():
            yield self._refused.get()

    def _read(self, path: Path) -> Samples:
        if path in self._kept:
            self._kept.move_to_end(path)
            return self._kept[path]
        windows = read_windows(path, 1)  # of a speaker's or an accent's long clip, the first 9.375 s
        if not windows:
            raise AudioError(f"{path} is too short to train on.", "Take it out of the corpus.")
        samples = windows[0]
        self._kept[path] = samples
        self._kept_bytes += samples.nbytes
        while self._kept_bytes > self._most_bytes and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= dropped.nbytes
        return samples
