from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.audio.windows import read_windows
from engine.backbones.protocol import Backbone
from engine.errors import AudioError, RecipeError
from engine.extractors import pool_pairs
from engine.metalearning.corpora import Corpus, read_corpus
from engine.metalearning.supervised import frame_cache
from engine.metalearning.supervised.frame_cache import CachedCorpus, ClipsCached, cache_corpus, cache_inputs


@pytest.fixture
def corpus(corpora_root: Path) -> Corpus:
    return read_corpus("nemo", corpora_root / "nemo")


def cached(
    corpus: Corpus, backbone: Backbone, folder: Path, augmented: int = 1, seed: int = 0
) -> tuple[int, CachedCorpus]:
    """How many clips were computed, and the corpus."""
    *steps, last = cache_corpus(corpus, backbone, folder, augmented, seed)
    assert isinstance(last, CachedCorpus)
    return sum(step.done for step in steps if isinstance(step, ClipsCached)), last


def test_frames_are_the_encoders_own(corpus: Corpus, backbone: Backbone, tmp_path: Path) -> None:
    _, kept = cached(corpus, backbone, tmp_path)
    for clip in (0, 7, 23):
        samples = read_windows(corpus.clips[clip].path, 1)[0]
        with torch.no_grad():
            hidden, mask = pool_pairs(backbone.encode([backbone.front_end(torch.from_numpy(samples))]))
        expected = hidden[0][mask[0]]
        torch.testing.assert_close(
            torch.from_numpy(kept.views[0].frames(clip).astype(np.float32)), expected, atol=2e-3, rtol=2e-3
        )
        assert kept.label_names[kept.labels[clip]] == corpus.clips[clip].label
    assert kept.speaker_count == 2
    assert kept.means().shape == (24, expected.shape[1])


def test_inputs_are_the_front_ends_own(corpus: Corpus, backbone: Backbone, tmp_path: Path) -> None:
    *steps, kept = cache_inputs(corpus, backbone, tmp_path, 1, 0)
    assert isinstance(kept, CachedCorpus)
    assert sum(step.done for step in steps if isinstance(step, ClipsCached)) == 48
    for clip in (0, 23):
        samples = read_windows(corpus.clips[clip].path, 1)[0]
        expected = backbone.front_end(torch.from_numpy(samples)).T
        clean, altered = (torch.from_numpy(view.frames(clip).astype(np.float32)) for view in kept.views)
        torch.testing.assert_close(clean, expected, atol=2e-3, rtol=2e-3)
        assert clean.shape != altered.shape or not torch.allclose(clean, altered, atol=1e-2)
    assert [event for event in cache_inputs(corpus, backbone, tmp_path, 1, 0) if isinstance(event, ClipsCached)] == []


def test_altered_views_differ_and_come_again_with_the_seed(corpus: Corpus, backbone: Backbone, tmp_path: Path) -> None:
    _, first = cached(corpus, backbone, tmp_path / "a", augmented=2)
    _, again = cached(corpus, backbone, tmp_path / "b", augmented=2)
    _, other = cached(corpus, backbone, tmp_path / "c", augmented=2, seed=1)
    assert len(first.views) == 3
    np.testing.assert_array_equal(first.views[1].frames(3), again.views[1].frames(3))
    for view in (first.views[0], first.views[2], other.views[1]):
        mine, theirs = first.views[1].frames(3), view.frames(3)
        assert mine.shape != theirs.shape or not np.allclose(mine, theirs, atol=1e-2)


def test_what_is_on_the_disk_is_not_computed_again(
    corpus: Corpus, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_cache, "CLIPS_PER_FILE", 10)
    stages = cache_corpus(corpus, backbone, tmp_path, 1, 0)
    seen = 0
    for event in stages:  # killed in the middle of the second file
        assert isinstance(event, ClipsCached)
        seen += event.done
        if seen > 10:
            break
    stages.close()  # type: ignore[attr-defined]
    computed, kept = cached(corpus, backbone, tmp_path)
    assert computed == 2 * 24 - 10
    assert cached(corpus, backbone, tmp_path)[0] == 0
    whole = cached(corpus, backbone, tmp_path / "whole")[1]
    np.testing.assert_array_equal(kept.views[1].frames(23), whole.views[1].frames(23))


def test_another_encoder_or_other_clips_are_not_taken_for_the_same(
    corpus: Corpus, backbone: Backbone, tmp_path: Path
) -> None:
    assert cached(corpus, backbone, tmp_path)[0] == 48
    assert cached(replace(corpus, clips=corpus.clips[1:]), backbone, tmp_path)[0] == 46
    with torch.no_grad():
        next(backbone.parameters()).add_(0.1)
    assert cached(corpus, backbone, tmp_path)[0] == 48


def test_clips_of_nobody_are_speakers_of_their_own(corpus: Corpus, backbone: Backbone, tmp_path: Path) -> None:
    nameless = tuple(replace(clip, speaker=None) for clip in corpus.clips)
    assert cached(replace(corpus, clips=nameless), backbone, tmp_path, 0)[1].speaker_count == 24


def test_a_clip_that_cannot_be_read_stops_with_its_name(corpus: Corpus, backbone: Backbone, tmp_path: Path) -> None:
    broken = replace(corpus.clips[2], path=tmp_path / "gone.wav")
    with pytest.raises(AudioError, match="gone"):
        cached(replace(corpus, clips=(broken, *corpus.clips[3:])), backbone, tmp_path / "x")


def test_a_full_disk_is_said_in_words(corpus: Corpus, backbone: Backbone, tmp_path: Path) -> None:
    (tmp_path / "frames").write_text("in the way")
    with pytest.raises(RecipeError, match="could not be kept"):
        cached(corpus, backbone, tmp_path / "frames")
