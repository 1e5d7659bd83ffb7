import itertools

import pytest

from engine.choices import Protocol
from engine.errors import ManifestError
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape, can_be_split

SHAPE = EpisodeShape(ways=3, shots=2, queries=4)
LABELS = [label for label in "abcde" for _ in range(40)]
SPEAKERS = [f"s{index % 8}" for index in range(200)]


def sampler(protocol: Protocol, seed: int = 0) -> EpisodeSampler:
    return EpisodeSampler(LABELS, SPEAKERS, SHAPE, protocol, seed)


@pytest.mark.parametrize("protocol", list(Protocol))
def test_an_episode_has_the_shape_that_was_asked(protocol: Protocol) -> None:
    drawn = sampler(protocol)
    for _ in range(50):
        episode = drawn.draw()
        assert len(set(episode.labels)) == 3
        for way, name in enumerate(episode.labels):
            clips = episode.support[way] + episode.query[way]
            assert len(set(clips)) == 6, "no clip twice"
            assert all(LABELS[clip] == name for clip in clips)


def test_new_speakers_means_that_nobody_is_on_both_sides() -> None:
    drawn = sampler(Protocol.NEW_SPEAKERS)
    for _ in range(100):
        episode = drawn.draw()
        told = {SPEAKERS[clip] for members in episode.support for clip in members}
        asked = {SPEAKERS[clip] for members in episode.query for clip in members}
        assert not told & asked


def test_random_does_mix_speakers() -> None:
    episode = sampler(Protocol.RANDOM).draw()
    told = {SPEAKERS[clip] for members in episode.support for clip in members}
    asked = {SPEAKERS[clip] for members in episode.query for clip in members}
    assert told & asked


@pytest.mark.parametrize("protocol", list(Protocol))
def test_a_seed_draws_the_same_episodes(protocol: Protocol) -> None:
    first, second, other = sampler(protocol), sampler(protocol), sampler(protocol, seed=1)
    episodes = [first.draw() for _ in range(5)]
    assert episodes == [second.draw() for _ in range(5)]
    assert episodes != [other.draw() for _ in range(5)]


def test_a_label_with_too_few_clips_is_left_out_and_named() -> None:
    drawn = EpisodeSampler([*LABELS, "rare"], [*SPEAKERS, "s0"], SHAPE, Protocol.RANDOM, 0)
    assert drawn.left_out == ("rare",)
    assert all("rare" not in drawn.draw().labels for _ in range(30))


def test_a_clip_without_a_speaker_is_never_called_a_new_speaker() -> None:
    speakers = [None if index % 2 else speaker for index, speaker in enumerate(SPEAKERS)]
    drawn = EpisodeSampler(LABELS, speakers, SHAPE, Protocol.NEW_SPEAKERS, 0)
    for _ in range(30):
        episode = drawn.draw()
        assert all(speakers[clip] for members in episode.support + episode.query for clip in members)


def test_a_label_that_no_split_of_the_speakers_serves_is_left_out_and_named() -> None:
    labels = [*LABELS, *["alone"] * 12, *["unnamed"] * 12, "rare"]
    speakers = [*SPEAKERS, *["s3"] * 12, "s1", *[None] * 11, "s0"]
    drawn = EpisodeSampler(labels, speakers, SHAPE, Protocol.NEW_SPEAKERS, 0)
    assert drawn.left_out == ("alone", "rare", "unnamed")
    assert drawn.short_of_speakers == ("alone", "unnamed")
    random = EpisodeSampler(labels, speakers, SHAPE, Protocol.RANDOM, 0)
    assert (random.left_out, random.short_of_speakers) == (("rare",), ())


def test_labels_that_are_left_out_do_not_change_the_episodes_of_the_others() -> None:
    drawn = EpisodeSampler([*LABELS, *["alone"] * 12], [*SPEAKERS, *["s3"] * 12], SHAPE, Protocol.NEW_SPEAKERS, 0)
    plain = sampler(Protocol.NEW_SPEAKERS)
    assert [drawn.draw() for _ in range(5)] == [plain.draw() for _ in range(5)]


@pytest.mark.parametrize("near", [1, 2])
def test_whether_speakers_can_be_split_is_what_trying_all_splits_says(near: int) -> None:
    for clips in itertools.product(range(4), repeat=4):
        for shots, queries in itertools.product(range(1, 4), repeat=2):
            halves = [sum(half) for half in itertools.combinations(clips, near)]
            tried = any(half >= shots and sum(clips) - half >= queries for half in halves)
            assert can_be_split(clips, near, shots, queries) == tried


@pytest.mark.parametrize(
    ("labels", "speakers", "protocol", "words"),
    [
        (["a"] * 9 + ["b"] * 9, ["x", "y"] * 9, Protocol.RANDOM, "Only 2 labels"),
        (LABELS, ["x"] * 200, Protocol.NEW_SPEAKERS, "fewer than two speakers"),
        (
            LABELS,
            ["x" if label == "a" else "y" for label in LABELS],
            Protocol.NEW_SPEAKERS,
            "Only 0 labels have 2 \\+ 4",
        ),
        (["a"] * 6 + ["b"] * 6 + ["c"] * 6, [*"xxyyyy"] + [*"yyxxxx"] * 2, Protocol.NEW_SPEAKERS, "No split"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(
    labels: list[str], speakers: list[str], protocol: Protocol, words: str
) -> None:
    with pytest.raises(ManifestError, match=words):
        EpisodeSampler(labels, speakers, SHAPE, protocol, 0).draw()
