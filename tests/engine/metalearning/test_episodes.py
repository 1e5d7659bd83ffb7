"""Episodes and splits: what is drawn, from where, and that number i is always the same."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import CorpusError, RecipeError
from engine.metalearning.corpora import Corpus, CorpusClip, Task
from engine.metalearning.episodes import TrainingSampler, class_of
from engine.metalearning.episodic_data import read_data
from engine.metalearning.episodic_recipe import EpisodesSection, EpisodicRecipe, Sampling, SplitBy, SplitSection
from engine.metalearning.recipe import find_recipe, read_recipe
from engine.metalearning.splits import split_corpus
from tests.engine.metalearning.conftest import made_up_corpus
from tests.engine.metalearning.corpora.trees import write_table

SMALL = EpisodesSection(ways=2, shots=2, queries=3)
CORPORA = (made_up_corpus("nemo", labels=5), made_up_corpus("ravdess"), made_up_corpus("emodb"))


def test_an_episode_has_its_shape_and_no_clip_twice() -> None:
    sampler = TrainingSampler(CORPORA, SMALL, (0,))
    for index in range(50):
        episode = sampler.draw(index)
        assert [len(side) for side in episode.support] == [2, 2]
        assert [len(side) for side in episode.query] == [3, 3]
        assert len(set(episode.clips)) == 10
        for label, support, query in zip(episode.labels, episode.support, episode.query, strict=True):
            assert {clip.label for clip in support + query} == {label}


def test_within_dataset_episodes_come_from_one_corpus() -> None:
    sampler = TrainingSampler(CORPORA, SMALL, (0,))
    episodes = [sampler.draw(index) for index in range(60)]
    assert all(len(set(episode.corpora)) == 1 for episode in episodes)
    assert {episode.corpora[0] for episode in episodes} == {0, 1, 2}
    for episode in episodes:
        assert {clip.path.parent.name for clip in episode.clips} == {CORPORA[episode.corpora[0]].name}


def test_free_episodes_mix_corpora_and_never_ask_an_emotion_twice() -> None:
    sampler = TrainingSampler(CORPORA, replace(SMALL, ways=3, sampling=Sampling.FREE), (0,))
    episodes = [sampler.draw(index) for index in range(60)]
    assert all(len(set(episode.labels)) == 3 for episode in episodes)
    assert max(len(set(episode.corpora)) for episode in episodes) == 3


def test_a_corpus_is_drawn_by_the_square_root_of_its_size() -> None:
    big, small = made_up_corpus("nemo", takes=45), made_up_corpus("emodb", takes=5)
    sampler = TrainingSampler((big, small), SMALL, (0,))
    drawn = Counter(sampler.draw(index).corpora[0] for index in range(2000))
    assert drawn[0] / 2000 == pytest.approx(3 / 4, abs=0.03)  # sizes 9 : 1


def test_episode_i_depends_on_the_seed_and_i_alone() -> None:
    first, second = TrainingSampler(CORPORA, SMALL, (7, 1)), TrainingSampler(CORPORA, SMALL, (7, 1))
    forwards = [first.draw(index) for index in range(6)]
    assert [second.draw(index) for index in reversed(range(6))] == forwards[::-1]
    assert len({episode.clips for episode in forwards}) == 6
    assert TrainingSampler(CORPORA, SMALL, (8, 1)).draw(0) != forwards[0]


@pytest.mark.parametrize("sampling", Sampling)
def test_with_new_speakers_no_query_speaker_is_in_the_support(sampling: Sampling) -> None:
    sampler = TrainingSampler(CORPORA, replace(SMALL, new_speakers=True, sampling=sampling), (0,))
    for index in range(50):
        episode = sampler.draw(index)
        heard = {(clip.path.parent, clip.speaker) for side in episode.support for clip in side}
        asked = {(clip.path.parent, clip.speaker) for side in episode.query for clip in side}
        assert not heard & asked


def test_random_episodes_do_mix_speakers() -> None:
    sampler = TrainingSampler(CORPORA, SMALL, (0,))
    episodes = [sampler.draw(index) for index in range(20)]
    shared = [
        {c.speaker for side in e.support for c in side} & {c.speaker for s in e.query for c in s} for e in episodes
    ]
    assert any(shared)


@pytest.mark.parametrize("task", Task)
def test_each_task_has_its_classes(task: Task) -> None:
    episode = TrainingSampler(CORPORA, replace(SMALL, task=task, fewest_clips=5), (0,)).draw(3)
    for label, side in zip(episode.labels, episode.support, strict=True):
        assert {class_of(clip, task) for clip in side} == {label}


def test_accents_need_a_hundred_clips_unless_told_otherwise() -> None:
    assert EpisodesSection(task=Task.ACCENT).fewest == 100
    assert EpisodesSection(task=Task.ACCENT, fewest_clips=30).fewest == 30
    assert EpisodesSection().fewest == 17


def test_a_corpus_that_cannot_fill_an_episode_is_left_out_and_named() -> None:
    poor, mute = made_up_corpus("emovo", labels=1), made_up_corpus("tess", speakers=1, takes=9)
    sampler = TrainingSampler((poor, *CORPORA), SMALL, (0,))
    assert sampler.left_out == ("emovo (classes with 5 clips: 1)",)
    assert {sampler.draw(index).corpora[0] for index in range(40)} == {1, 2, 3}
    speakers = TrainingSampler((mute, *CORPORA), replace(SMALL, new_speakers=True), (0,))
    assert "tess (no split of its speakers" in speakers.left_out[0]
    with pytest.raises(CorpusError, match="No corpus can fill"):
        TrainingSampler((poor,), SMALL, (0,))
    with pytest.raises(CorpusError, match="No corpus can fill"):
        TrainingSampler(CORPORA[1:], replace(SMALL, ways=4, sampling=Sampling.FREE), (0,))


def test_in_turn_every_corpus_has_the_same_share() -> None:
    sampler = TrainingSampler(CORPORA, SMALL, (0,), in_turn=True)
    assert [sampler.draw(index).corpora[0] for index in range(6)] == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("by", [SplitBy.CLIPS, SplitBy.SPEAKERS])
def test_a_split_shares_no_clip_and_keeps_all(by: SplitBy) -> None:
    corpus = made_up_corpus(speakers=10, takes=10)
    shares = split_corpus(corpus, SplitSection(0.16, 0.2, by), seed=3)
    parts = [set(part.clips) for part in (shares.train, shares.validation, shares.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(corpus.clips)
    assert [len(part) / len(corpus.clips) for part in parts] == pytest.approx([0.64, 0.16, 0.2], abs=0.05)
    if by is SplitBy.SPEAKERS:
        voices = [{clip.speaker for clip in part} for part in parts]
        assert sum(map(len, voices)) == 10  # no voice on two sides
    assert split_corpus(corpus, SplitSection(0.16, 0.2, by), seed=3) == shares
    assert split_corpus(corpus, SplitSection(0.16, 0.2, by), seed=4) != shares


def test_accents_too_rare_to_train_on_are_validated_on() -> None:
    clips = [
        CorpusClip(Path(f"/cv/{accent}-{take}.mp3"), None, "s", accent, 1.0)
        for accent, count in (("en: Scottish", 100), ("en: Welsh", 120), ("ru: a", 99), ("ru: b", 17), ("ru: c", 2))
        for take in range(count)
    ]
    shares = split_corpus(Corpus("common-voice", "mul", tuple(clips), 0), SplitSection(by=SplitBy.RARE_ACCENTS), seed=0)
    section = EpisodesSection(task=Task.ACCENT, ways=2)
    trained = [TrainingSampler((shares.train,), section, (0,)).draw(index) for index in range(9)]
    assert {label for episode in trained for label in episode.labels} == {"en: Scottish", "en: Welsh"}
    assert {clip.accent for clip in shares.validation.clips} == {"ru: a", "ru: b", "ru: c"}
    asked = TrainingSampler((shares.validation,), replace(section, fewest_clips=1), (0,), in_turn=True)
    assert set(asked.draw(0).labels) == {"ru: a", "ru: b"}  # of "c" there are too few for any episode
    with pytest.raises(RecipeError, match="takes no shares"):
        SplitSection(0.1, by=SplitBy.RARE_ACCENTS)


def test_the_papers_accent_training_has_accents_to_validate_on(tmp_path: Path) -> None:
    folder = tmp_path / "common-voice" / "ro"
    counts = {"a": 100, "b": 100, "c": 100, "d": 100, "e": 17, "f": 17, "g": 17, "h": 17}
    rows = [
        {"client_id": "s", "path": f"{a}{n}.mp3", "accents": a} for a, count in counts.items() for n in range(count)
    ]
    write_table(folder / "validated.tsv", rows, "\t")
    write_table(folder / "clip_durations.tsv", [{"clip": row["path"], "duration[ms]": 4500} for row in rows], "\t")
    (folder / "clips").mkdir()
    for row in rows:
        (folder / "clips" / str(row["path"])).touch()
    recipe = read_recipe(find_recipe("accent-recognition")).settings
    assert isinstance(recipe, EpisodicRecipe)
    data = read_data(recipe, tmp_path)
    assert set(data.sampler.draw(0).labels) == {"ro: a", "ro: b", "ro: c", "ro: d"}
    assert data.validation_sampler is not None
    assert set(data.validation_sampler.draw(0).labels) == {"ro: e", "ro: f", "ro: g", "ro: h"}


def test_no_split_trains_on_all() -> None:
    shares = split_corpus(made_up_corpus(), SplitSection(), seed=0)
    assert (len(shares.train.clips), shares.validation.clips, shares.test.clips) == (60, (), ())
