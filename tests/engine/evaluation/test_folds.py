import pytest

from engine.errors import LabellingError
from engine.evaluation.folds import Scheme, leave_one_speaker_out, speaker_folds

SPEAKERS = [f"s{index // 4}" for index in range(32)]  # 8 speakers with a clip of each of 4 labels
LABELS = [index % 4 for index in range(32)]


def test_speakers_are_shared_out_whole_and_evenly() -> None:
    folds = speaker_folds(LABELS, SPEAKERS, 3, seed=0)
    assert folds.scheme is Scheme.SPEAKER_FOLDS
    assert sorted(folds.asked) == list(range(32))
    heard = [{SPEAKERS[position] for position in members} for members in folds.held_out]
    assert sum(map(len, heard)) == 8, "no speaker is in two folds"
    assert sorted(map(len, folds.held_out)) == [8, 12, 12]


def test_a_seed_repeats_the_folds_and_another_changes_them() -> None:
    assert speaker_folds(LABELS, SPEAKERS, 3, 1) == speaker_folds(LABELS, SPEAKERS, 3, 1)
    assert len({speaker_folds(LABELS, SPEAKERS, 3, seed).held_out for seed in range(5)}) > 1


def test_few_speakers_are_left_out_one_at_a_time() -> None:
    folds = speaker_folds([0, 1, 0, 1], ["x", "x", "y", "y"], 3, 0)
    assert folds.scheme is Scheme.LEAVE_ONE_SPEAKER_OUT
    assert folds.held_out == ((0, 1), (2, 3))


def test_every_label_keeps_a_clip_outside_of_each_fold() -> None:
    """Label 2 is known of s0 and s1 alone, label 3 of s2 and s3: neither pair may be held back together."""
    labels = [0, 1, 2] * 2 + [0, 1, 3] * 2 + [0, 1] * 4
    speakers = [name for name, count in (("s0", 3), ("s1", 3), ("s2", 3), ("s3", 3)) for _ in range(count)]
    speakers += [f"s{number}" for number in range(4, 8) for _ in range(2)]
    for seed in range(10):
        for members in speaker_folds(labels, speakers, 3, seed).held_out:
            rest = {labels[position] for position in range(len(labels)) if position not in members}
            assert rest == {0, 1, 2, 3}


def test_speakers_whom_no_three_folds_keep_apart_get_more() -> None:
    """Every pair of four speakers has a label to itself, so that no two may be held back together."""
    pairs = [(a, b) for a in range(4) for b in range(a)]
    labels = [label for label in range(len(pairs)) for _ in range(2)]
    speakers = [f"s{speaker}" for pair in pairs for speaker in pair]
    assert len(speaker_folds(labels, speakers, 3, 0).held_out) == 4


@pytest.mark.parametrize("speakers", [[None] * 8, ["x"] * 8, ["x", "y"] * 3 + ["x", None]])
def test_clips_are_shared_out_where_speakers_cannot_be(speakers: list[str | None]) -> None:
    labels = [0, 1] * 4
    folds = speaker_folds(labels, speakers, 3, 0)
    assert folds.scheme is Scheme.FOLDS
    assert len(folds.held_out) == 3
    assert sorted(folds.asked) == list(range(8))


def test_two_clips_a_label_make_two_folds_and_a_single_one_is_never_asked() -> None:
    folds = speaker_folds([0, 0, 1, 1, 2], [None] * 5, 3, 0)
    assert len(folds.held_out) == 2
    assert sorted(folds.asked) == [0, 1, 2, 3]


def test_nothing_to_hold_back_is_refused() -> None:
    for make in (speaker_folds, leave_one_speaker_out):
        with pytest.raises(LabellingError, match="No label has two clips"):
            make([0, 1], [None, None], 3, 0)
