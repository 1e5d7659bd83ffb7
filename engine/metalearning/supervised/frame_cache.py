"""What training sees of its clips, computed once and kept on the disk in half precision.

Either frames of a frozen encoder (`cache_corpus`): those of the layers read, means of two neighbours (`pool_pairs`)
unless told otherwise; training then never runs the encoder. Or what the encoder is given (`cache_inputs`), a thirtieth
of that for the compact one: its layers then run in every step, on what a step makes of a clip. A file holds at most
500 clips and appears only when it is whole, so that a killed run goes on where it was. Its name holds a digest of all
that its content depends on: encoder, clips, view.
"""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.audio.windows import read_windows
from engine.backbones.protocol import Backbone, Frames
from engine.errors import AudioError, RecipeError
from engine.extractors import pool_pairs
from engine.metalearning.corpora import Corpus, CorpusClip
from engine.metalearning.supervised.augmentation import altered

CLIPS_PER_FILE = 500
_CLIPS_PER_BATCH = 8
_CLEAN = 0

Frames16 = NDArray[np.float16]
Pool = Callable[[Frames], tuple[torch.Tensor, torch.Tensor]]  # to (clips, steps, channels), and which are real
_Compute = Callable[[list[torch.Tensor]], list[torch.Tensor]]  # front-end outputs to (steps, channels), a clip each


@dataclass(frozen=True)
class CachedView:
    """One view of a corpus: the clean clips, or altered copies of them."""

    files: tuple[Frames16, ...]  # mapped, not read: a corpus may be larger than the memory
    starts: tuple[NDArray[np.int64], ...]

    def frames(self, clip: int) -> Frames16:
        """What is kept of a clip: (steps, channels), which are layers * hidden size of pooled frames."""
        number, place = divmod(clip, CLIPS_PER_FILE)
        starts = self.starts[number]
        frames: Frames16 = self.files[number][starts[place] : starts[place + 1]]
        return frames


@dataclass(frozen=True)
class CachedCorpus:
    """labels, speakers: (clips,) numbers within the corpus; views[0] is the clean one."""

    name: str
    labels: NDArray[np.int64]
    label_names: tuple[str, ...]
    speakers: NDArray[np.int64]
    views: tuple[CachedView, ...]

    @property
    def speaker_count(self) -> int:
        return int(self.speakers.max()) + 1

    def means(self) -> NDArray[np.float32]:
        """Means over time of the clean view: (clips, channels)."""
        clean = self.views[_CLEAN]
        return np.stack([clean.frames(clip).mean(0, dtype=np.float32) for clip in range(len(self.labels))])


@dataclass(frozen=True)
class ClipsCached:
    """`done` more clips of a view are on the disk."""

    done: int


def cache_corpus(
    corpus: Corpus, backbone: Backbone, folder: Path, augmented: int, seed: int, pool: Pool = pool_pairs
) -> Iterator[ClipsCached | CachedCorpus]:
    """Compute what is missing of 1 + `augmented` views; the last event is the corpus. AudioError, RecipeError.

    One backbone is to be kept under one `pool` in a folder: it is not part of the files' names.
    """

    def compute(inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        hidden, mask = pool(backbone.encode(inputs))
        return [steps[real] for steps, real in zip(hidden, mask, strict=True)]

    return _cache(corpus, backbone, folder, augmented, seed, compute)


def cache_inputs(
    corpus: Corpus, backbone: Backbone, folder: Path, augmented: int, seed: int
) -> Iterator[ClipsCached | CachedCorpus]:
    """The same for what the backbone's front end gives, (steps, features): a folder of its own. AudioError,
    RecipeError."""
    return _cache(corpus, backbone, folder, augmented, seed, lambda inputs: [each.T for each in inputs])


def _cache(
    corpus: Corpus, backbone: Backbone, folder: Path, augmented: int, seed: int, compute: _Compute
) -> Iterator[ClipsCached | CachedCorpus]:
    labelled = [clip for clip in corpus.clips if clip.label is not None]
    views = []
    for view in range(1 + augmented):
        digest = _digest(backbone, labelled, view, seed)
        files, starts = [], []
        for number, first in enumerate(range(0, len(labelled), CLIPS_PER_FILE)):
            clips = labelled[first : first + CLIPS_PER_FILE]
            path = folder / f"{corpus.name}-{view}-{number:04d}-{digest}.npy"
            if not path.is_file():
                yield from _write(path, clips, backbone, [seed, view, first], compute)
            files.append(_mapped(path))
            starts.append(np.load(_starts_path(path), allow_pickle=False))
        views.append(CachedView(tuple(files), tuple(starts)))
    names = tuple(sorted({str(clip.label) for clip in labelled}))
    labels = np.array([names.index(str(clip.label)) for clip in labelled])
    yield CachedCorpus(corpus.name, labels, names, _speaker_numbers(labelled), tuple(views))


def _speaker_numbers(clips: Sequence[CorpusClip]) -> NDArray[np.int64]:
    """Clips of nobody in particular count as a speaker each."""
    keys = [clip.speaker or f"?{number}" for number, clip in enumerate(clips)]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys])


def _write(
    path: Path, clips: Sequence[CorpusClip], backbone: Backbone, seeds: list[int], compute: _Compute
) -> Iterator[ClipsCached]:
    computed: dict[int, Frames16] = {}
    inputs = [_input(clip.path, backbone, [*seeds, place]) for place, clip in enumerate(clips)]
    order = sorted(range(len(clips)), key=lambda place: inputs[place].shape[-1])
    for first in range(0, len(order), _CLIPS_PER_BATCH):
        batch = order[first : first + _CLIPS_PER_BATCH]
        with torch.no_grad():
            kept = compute([inputs[place] for place in batch])
        for place, steps in zip(batch, kept, strict=True):
            computed[place] = steps.half().cpu().numpy()
        yield ClipsCached(len(batch))
    lengths = [len(computed[place]) for place in range(len(clips))]
    _save(_starts_path(path), np.concatenate([[0], np.cumsum(lengths)]))
    _save(path, np.concatenate([computed[place] for place in range(len(clips))]))


def _input(path: Path, backbone: Backbone, seeds: list[int]) -> torch.Tensor:
    windows = read_windows(path, 1)
    if not windows:
        raise AudioError(f"{path} is too short to train on.", "Take it out of the corpus.")
    samples = windows[0]
    if seeds[1] != _CLEAN:
        samples = altered(samples, np.random.default_rng(seeds))
    device = next(itertools.chain(backbone.parameters(), backbone.buffers())).device  # MFCCs have no weights
    return backbone.front_end(torch.from_numpy(np.ascontiguousarray(samples)).to(device))


def _save(path: Path, values: NDArray[np.float16] | NDArray[np.int64]) -> None:
    part = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.save(file, values, allow_pickle=False)
        part.replace(path)
    except OSError as error:
        raise RecipeError(f"The frames could not be kept in {path.parent}.", "Is the disk full?") from error


def _mapped(path: Path) -> Frames16:
    frames: Frames16 = np.load(path, mmap_mode="r", allow_pickle=False)
    return frames


def _starts_path(path: Path) -> Path:
    return path.with_suffix(".starts.npy")


def _digest(backbone: Backbone, clips: Sequence[CorpusClip], view: int, seed: int) -> str:
    seen = hashlib.sha256(json.dumps([backbone.specification(), view, seed if view else 0]).encode())
    for name, tensor in sorted(backbone.state_dict().items()):
        seen.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    for clip in clips:
        seen.update(f"{clip.path.name}\0{clip.duration_s:.3f}\n".encode())
    return seen.hexdigest()[:12]
