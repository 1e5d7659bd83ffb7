import numpy as np
import pytest
import torch

from engine.errors import CorpusError
from engine.metalearning.supervised.batches import Batch, BatchSampler
from engine.metalearning.supervised.frame_cache import CachedCorpus
from tests.engine.metalearning.supervised.conftest import BANDS, made_up_cache


def draw(caches: list[CachedCorpus], seed: int, size: int = 12, stretched: float = 0.0) -> Batch:
    return BatchSampler(caches, size, (30, 40), stretched).draw(np.random.default_rng(seed))


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
    sampler = BatchSampler(caches, 12, (30, 40), 0.1)
    first = sampler.draw(np.random.default_rng(3))
    sampler.draw(np.random.default_rng(4))
    again = sampler.draw(np.random.default_rng(3))
    for mine, other in zip(first.inputs, again.inputs, strict=True):
        torch.testing.assert_close(mine, other)
    assert first.labels.tolist() == again.labels.tolist()


def test_pieces_are_of_the_length_asked_and_shorter_clips_are_there_whole(caches: list[CachedCorpus]) -> None:
    lengths = set()
    for seed in range(20):
        batch = draw(caches, seed)
        longest = max(piece.shape[1] for piece in batch.inputs)
        assert 30 <= longest <= 40
        lengths |= {piece.shape[1] for piece in batch.inputs}
        assert {piece.shape[0] for piece in batch.inputs} == {BANDS}
    whole = {len(caches[0].views[0].frames(clip)) for clip in range(len(caches[0].labels))}
    assert {length for length in lengths if length < 30} <= whole | {
        len(caches[1].views[0].frames(clip)) for clip in range(len(caches[1].labels))
    }
    assert min(lengths) < 30


def test_a_piece_is_a_part_of_its_clip(caches: list[CachedCorpus]) -> None:
    batch = draw(caches, 1)
    corpus = caches[batch.corpus]
    clips = [corpus.views[0].frames(clip).astype(np.float32).T for clip in range(len(corpus.labels))]
    for piece, label, speaker in zip(batch.inputs, batch.labels.tolist(), batch.speakers.tolist(), strict=True):
        found = [
            clip
            for clip, whole in enumerate(clips)
            for start in range(whole.shape[1] - piece.shape[1] + 1)
            if np.array_equal(whole[:, start : start + piece.shape[1]], piece.numpy())
        ]
        assert len(found) == 1
        assert (corpus.labels[found[0]], corpus.speakers[found[0]]) == (label, speaker)


def test_stretched_pieces_are_those_of_other_throats(caches: list[CachedCorpus]) -> None:
    plain = BatchSampler(caches[:1], 12, (30, 40)).draw(np.random.default_rng(0)).inputs[0]
    moved = [BatchSampler(caches[:1], 12, (30, 40), 0.2).draw(np.random.default_rng(0)).inputs[0]]
    moved.append(BatchSampler(caches[:1], 12, (30, 40), 0.4).draw(np.random.default_rng(0)).inputs[0])
    changes = [float((piece - plain).abs().mean()) for piece in moved]
    assert 0 < changes[0] < changes[1]


def test_large_corpora_are_drawn_by_the_square_root_of_their_size() -> None:
    caches = [made_up_cache("large", takes=16), made_up_cache("small", takes=1)]
    drawn = np.bincount([draw(caches, seed, 3).corpus for seed in range(400)])
    assert drawn[0] / drawn[1] == pytest.approx(4.0, rel=0.35)


def test_a_corpus_of_one_emotion_is_refused() -> None:
    with pytest.raises(CorpusError, match="one emotion"):
        BatchSampler([made_up_cache("lonely", labels=1)], 4, (3, 4))
