"""Milliseconds of one clip, clips a second in batches, and the most that the machine's rate of products allows."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from engine.adaptation import Remark
from engine.audio.decode import MODEL_RATE_HZ
from engine.batch_classification import BatchScorer
from engine.bench.arithmetic import count_flops, seconds_of
from engine.bench.subjects import CLIP_S, Samples
from engine.encoder import EmotionEncoder
from engine.heads import last_layer
from engine.model_folder import AdaptedModel, LabelSpec
from engine.streaming import score_window

LENGTHS_S = (1.0, 2.0, 3.0, 5.0)
_LABELS = ("a", "b", "c", "d")
_REPEATS, _WARM_UP = 30, 3
_BATCHED_ON_CPU, _BATCHED_ON_GPU = 16, 256  # clips: a few batches
_RUNS = 3


@dataclass(frozen=True)
class Batched:
    """Of clips of 3 s: how many a second (the best of three runs), and operations of one."""

    clips_per_s: float
    clip_flops: int


def classifier(encoder: EmotionEncoder) -> AdaptedModel:
    """A model of four labels that classifies with `encoder`, which it freezes; what it answers means nothing."""
    encoder.requires_grad_(requires_grad=False)  # counting operations fails on parametrised weights otherwise
    head = last_layer(torch.zeros(len(_LABELS), encoder.embedding_size), torch.zeros(len(_LABELS)))
    labels = tuple(LabelSpec(name, "", "", name, 0, 0) for name in _LABELS)
    return AdaptedModel(encoder, head.to(encoder.device), labels, "", "", "", standardised=False, origin={})


def latencies_ms(model: AdaptedModel, recording: Samples, length_s: float, device: torch.device) -> tuple[float, float]:
    """Median and 95th percentile of one clip of `length_s` at a time, each cut from another place."""
    times = []
    for turn in range(_REPEATS + _WARM_UP):
        clip = _cut(recording, turn, length_s)
        times.append(1000 * seconds_of(partial(score_window, model, clip), device))
    middle, high = np.percentile(times[_WARM_UP:], [50, 95])
    return float(middle), float(high)


def in_batches(model: AdaptedModel, recording: Samples, device: torch.device) -> Batched:
    """Clips of 3 s as `classify` scores them once they are read: in batches, front end included."""
    count = _BATCHED_ON_CPU if device.type == "cpu" else _BATCHED_ON_GPU
    clips = [_cut(recording, number, CLIP_S) for number in range(count)]

    def work() -> None:
        for scores in BatchScorer(model).score(clips):
            if isinstance(scores, Remark):
                raise MemoryError(scores.message)  # what would be timed is the processor

    flops = count_flops(partial(score_window, model, clips[0]))
    work()
    return Batched(len(clips) / min(seconds_of(work, device) for _ in range(_RUNS)), flops)


def _cut(recording: Samples, number: int, length_s: float) -> Samples:
    length = round(length_s * MODEL_RATE_HZ)
    start = (number * length) % (len(recording) - length)
    return recording[start : start + length]
