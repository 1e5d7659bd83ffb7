from collections import Counter

import numpy as np
import pytest
import torch

from engine.errors import CorpusError
from engine.systems.fmaml.mfcc_cache import CachedCorpus
from engine.systems.fmaml.tasks import TaskSampler, TaskShape

FOUR = ("anger", "fear", "happiness", "sadness")


def corpus(name: str, labels: tuple[str, ...], clips: int = 12, length: int = 60) -> CachedCorpus:
    """`clips` of every label and of silence; a clip's values are its number."""
    every = [label for label in (*labels, "silence") for _ in range(clips)]
    frames = np.repeat(np.arange(len(every)), length)[:, None].astype(np.float16) * np.ones(4, np.float16)
    return CachedCorpus(name, tuple(every), frames, np.arange(len(every) + 1) * length)


BOTH = (corpus("nemo", (*FOUR, "neutral")), corpus("ravdess", ("anger", "calm")))
SHAPE = TaskShape(ways=3, shots=2, queries=4, crop_s=0.2)


def test_silence_and_neutral_have_the_last_outputs_and_are_never_in_the_support() -> None:
    sampler = TaskSampler(BOTH, SHAPE, 0)
    seen = Counter()
    for number in range(40):
        drawn = sampler.draw(number)
        seen[drawn.corpus] += 1
        assert drawn.labels[3] == "silence"
        assert drawn.labels[4] == "neutral"
        emotions = [output for output in drawn.labels if output < 3]
        assert len(emotions) == (3, 2)[drawn.corpus]
        assert Counter(output for _, output, _ in drawn.support) == dict.fromkeys(emotions, 2)
        # the second corpus has no neutral speech; its output is there all the same
        asked = [*emotions, 3, 4] if drawn.corpus == 0 else [*emotions, 3]
        assert Counter(output for _, output, _ in drawn.query) == dict.fromkeys(asked, 4)
        assert not {clip for clip, _, _ in drawn.support} & {clip for clip, _, _ in drawn.query}
        labels = BOTH[drawn.corpus].labels
        assert all(labels[clip] == drawn.labels[output] for clip, output, _ in (*drawn.support, *drawn.query))
        assert sampler.task(drawn, torch.device("cpu")).outputs.tolist() == [*emotions, 3, 4]
    assert seen[0] > seen[1] > 0


def test_plain_maml_learns_them_like_all_others() -> None:
    sampler = TaskSampler(BOTH[:1], TaskShape(ways=3, shots=2, queries=4, fixed=False), 0)
    places = set()
    for number in range(20):
        drawn = sampler.draw(number)
        assert sorted(drawn.labels) == [0, 1, 2, 3, 4]
        assert {"silence", "neutral"} <= set(drawn.labels.values())
        assert Counter(output for _, output, _ in drawn.support) == dict.fromkeys(range(5), 2)
        assert Counter(output for _, output, _ in drawn.query) == dict.fromkeys(range(5), 4)
        places.add(next(output for output, label in drawn.labels.items() if label == "neutral"))
    assert len(places) > 2, "dealt out anew in each task"


def test_an_emotion_has_another_output_from_task_to_task() -> None:
    sampler = TaskSampler(BOTH[:1], SHAPE, 0)
    outputs = {output for n in range(30) for output, label in sampler.draw(n).labels.items() if label == "anger"}
    assert outputs == {0, 1, 2}


def test_a_task_follows_from_the_seed_and_its_number() -> None:
    first, second = TaskSampler(BOTH, SHAPE, 5), TaskSampler(BOTH, SHAPE, 5)
    second.draw(3)
    assert first.draw(7) == second.draw(7)
    assert TaskSampler(BOTH, SHAPE, 6).draw(7) != first.draw(7)


def test_long_clips_are_cropped_at_any_place_and_the_right_clips_are_taken() -> None:
    sampler = TaskSampler(BOTH, SHAPE, 0)
    firsts = set()
    for number in range(10):
        drawn = sampler.draw(number)
        task = sampler.task(drawn, torch.device("cpu"))
        assert task.support.frames.hidden.shape[2] == 20
        assert task.support.frames.hidden[0, :, 0, 0].tolist() == [clip for clip, _, _ in drawn.support]
        assert task.query.targets.tolist() == [output for _, output, _ in drawn.query]
        firsts |= {first for _, _, first in drawn.query}
    assert min(firsts) < 8 < 32 < max(firsts) <= 40


def test_rare_labels_leave_fewer_queries_where_that_is_allowed() -> None:
    rare = corpus("emodb", (*FOUR, "neutral"), clips=5)
    sampler = TaskSampler([rare], TaskShape(ways=4, shots=2, queries=25, crop_s=0, fewest_queries=1), 0)
    assert sampler.most_queries(0) == 3
    drawn = sampler.draw(0)
    assert set(Counter(output for _, output, _ in drawn.query).values()) == {3}
    with pytest.raises(CorpusError, match="two emotions with 27 clips"):
        TaskSampler([rare], TaskShape(shots=2, queries=25), 0)


def test_corpora_with_one_emotion_are_left_out() -> None:
    sampler = TaskSampler((*BOTH, corpus("tess", ("anger", "neutral"))), SHAPE, 0)
    assert sampler.left_out == ("tess",)
    assert {sampler.draw(number).corpus for number in range(30)} == {0, 1}
