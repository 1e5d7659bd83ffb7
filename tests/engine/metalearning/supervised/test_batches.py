import numpy as np
import pytest
import torch

from engine.errors import CorpusError
from engine.metalearning.supervised.batches import Batch, BatchSampler
from engine.metalearning.supervised.frame_cache import CachedCorpus
from tests.engine.metalearning.supervised.conftest import CHANNELS, made_up_cache

FILL = torch.full((CHANNELS,), 7.0)


def draw(caches: list[CachedCorpus], seed: int, size: int = 12) -> Batch:
    return BatchSampler(caches, size, (30, 40), FILL).draw(np.random.default_rng(seed))


def test_a_batch_is_of_one_corpus_and_balanced_over_its_labels(caches: list[CachedCorpus]) -> None:
    seen = set()
    for seed in range(20):
        batch = draw(caches, seed)
        seen.add(batch.corpus)
        counts = torch.bincount(batch.labels)
        assert counts.tolist() == [12 // len(counts)] * len(caches[batch.corpus].label_names)
        assert len(batch.speakers.unique()) > 1
    assert seen == {0, 1}


def test_a_batch_follows_from_its_random_numbers_alone(caches: list[CachedCorpus]) -> None:
    sampler = BatchSampler(caches, 12, (30, 40), FILL)
    first = sampler.draw(np.random.default_rng(3))
    sampler.draw(np.random.default_rng(4))
    again = sampler.draw(np.random.default_rng(3))
    torch.testing.assert_close(first.hidden, again.hidden)
    assert first.labels.tolist() == again.labels.tolist()


def test_pieces_are_of_the_length_asked_and_what_is_beyond_a_short_clip_is_masked(caches: list[CachedCorpus]) -> None:
    lengths = set()
    for seed in range(20):
        batch = draw(caches, seed)
        assert 30 <= batch.hidden.shape[1] <= 40
        assert (batch.hidden[~batch.mask] == 0).all()
        lengths |= set(batch.mask.sum(1).tolist())
    assert min(lengths) < 30  # clips shorter than the piece are there whole


def test_time_and_channels_are_hidden_behind_the_mean_frame(caches: list[CachedCorpus]) -> None:
    hidden = torch.cat([draw(caches, seed).hidden.flatten(0, 1) for seed in range(10)])
    whole_frames = (hidden == FILL).all(1).float().mean()
    assert 0.02 < float(whole_frames) < 0.5
    assert bool(((hidden == FILL).any(1) & ~(hidden == FILL).all(1)).any())


def test_large_corpora_are_drawn_by_the_square_root_of_their_size() -> None:
    caches = [made_up_cache("large", takes=16), made_up_cache("small", takes=1)]
    drawn = np.bincount([draw(caches, seed, 3).corpus for seed in range(400)])
    assert drawn[0] / drawn[1] == pytest.approx(4.0, rel=0.35)


def test_a_corpus_of_one_emotion_is_refused() -> None:
    with pytest.raises(CorpusError, match="one emotion"):
        BatchSampler([made_up_cache("lonely", labels=1)], 4, (3, 4), FILL)
