"""MFCCs of a corpus and of its silence, computed once and kept on the disk in half precision.

One file a corpus, there only when it is whole. Its name holds a digest of all that its content depends on.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.audio.decode import MODEL_RATE_HZ
from engine.audio.windows import Samples, read_windows
from engine.backbones.mfcc import MfccBackbone
from engine.errors import AudioError, RecipeError
from engine.metalearning.corpora import Corpus, CorpusClip
from engine.systems.fmaml.network import FIXED
from engine.systems.fmaml.silence import room_tone

SILENCE, NEUTRAL = FIXED
_RECORDINGS = 4  # that a clip of silence is made of
_TOLD_EVERY = 100

Frames16 = NDArray[np.float16]


@dataclass(frozen=True)
class CachedCorpus:
    """labels[clip]: an emotion, or "silence" for what was made; frames: of all clips (frames, coefficients)."""

    name: str
    labels: tuple[str, ...]
    frames: Frames16  # mapped, not read
    starts: NDArray[np.int64]

    def clip(self, number: int) -> Frames16:
        """MFCCs of a clip (frames, coefficients)."""
        clip: Frames16 = self.frames[self.starts[number] : self.starts[number + 1]]
        return clip


@dataclass(frozen=True)
class ClipsCached:
    """`done` more clips were computed."""

    done: int


def cache_corpus(
    corpus: Corpus, backbone: MfccBackbone, folder: Path, silence: int, seed: int
) -> Iterator[ClipsCached | CachedCorpus]:
    """Compute what is missing, with `silence` clips of silence; the last event is the corpus. AudioError, RecipeError.

    Of a long clip the first 9.375 s are taken.
    """
    clips = [clip for clip in corpus.clips if clip.label is not None]
    path = folder / f"{corpus.name}-{_digest(backbone, clips, silence, seed)}.npy"
    starts_path = path.with_suffix(".starts.npy")
    if not path.is_file():
        cepstra: list[Frames16] = []
        for number, clip in enumerate(clips, start=1):
            cepstra.append(_cepstra(_read(clip.path), backbone))
            if number % _TOLD_EVERY == 0:
                yield ClipsCached(_TOLD_EVERY)
        cepstra += [_cepstra(samples, backbone) for samples in _silence(clips, silence, seed)]
        _save(starts_path, np.cumsum([0, *map(len, cepstra)]))
        _save(path, np.concatenate(cepstra))
    labels = (*(str(clip.label) for clip in clips), *[SILENCE] * silence)
    yield CachedCorpus(corpus.name, labels, np.load(path, mmap_mode="r"), np.load(starts_path))


def _silence(clips: Sequence[CorpusClip], count: int, seed: int) -> Iterator[Samples]:
    """As long as clips of the corpus are, each made of recordings of one speaker: of one room, mostly."""
    voices: dict[str | None, list[CorpusClip]] = defaultdict(list)
    for clip in clips:
        voices[clip.speaker].append(clip)
    names = sorted(voices, key=str)
    random = np.random.default_rng([seed, 1])
    for _ in range(count):
        of_one = voices[names[int(random.integers(len(names)))]]
        chosen = random.permutation(len(of_one))[:_RECORDINGS].tolist()
        like = clips[int(random.integers(len(clips)))]
        recordings = [_read(of_one[number].path) for number in chosen]
        yield room_tone(recordings, max(1, round(like.duration_s * MODEL_RATE_HZ)), random)


def _read(path: Path) -> Samples:
    windows = read_windows(path, 1)
    if not windows:
        raise AudioError(f"{path} is too short to train on.", "Take it out of the corpus.")
    return windows[0]


def _cepstra(samples: Samples, backbone: MfccBackbone) -> Frames16:
    cepstra: Frames16 = backbone.front_end(torch.from_numpy(np.ascontiguousarray(samples))).T.half().numpy()
    return cepstra


def _save(path: Path, values: NDArray[np.float16] | NDArray[np.int64]) -> None:
    part = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.save(file, values, allow_pickle=False)
        part.replace(path)
    except OSError as error:
        raise RecipeError(f"The MFCCs could not be kept in {path.parent}.", "Is the disk full?") from error


def _digest(backbone: MfccBackbone, clips: Sequence[CorpusClip], silence: int, seed: int) -> str:
    seen = hashlib.sha256(json.dumps([backbone.specification(), silence, seed]).encode())
    for clip in clips:
        seen.update(f"{clip.path.name}\0{clip.label}\0{clip.speaker}\0{clip.duration_s:.3f}\n".encode())
    return seen.hexdigest()[:12]
