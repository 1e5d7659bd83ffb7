import pytest
import torch

from engine.choices import HEADS
from engine.errors import LabellingError
from engine.evaluation.cross_validation import Scheme, cross_validate


def points(labels: list[int], noise: float = 0.05) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.eye(4)[label] + noise * torch.randn(4) for label in labels]


def test_one_speaker_is_left_out_at_a_time() -> None:
    labels, speakers = [0, 1] * 6, ["x", "x", "y", "y", "z", "z"] * 2
    checked = cross_validate(points(labels), labels, speakers, standardised=False, seed=0)
    assert checked.scheme is Scheme.LEAVE_ONE_SPEAKER_OUT
    assert checked.fold_count == 3
    assert checked.confusion.tolist() == [[6, 0], [0, 6]]


def test_it_is_not_fooled_by_voices() -> None:
    """Two speakers mark the label each in his own way: who was heard before is understood, a new one is not."""
    torch.manual_seed(0)
    labels = [index % 2 for index in range(24)]
    speakers = ["x"] * 12 + ["y"] * 12
    marks = {"x": torch.tensor([3.0, 0.0, 0.0]), "y": torch.tensor([-0.5, 3.0, 0.0])}
    embedded = [
        (1 if label else -1) * marks[name] + 0.1 * torch.randn(3) for label, name in zip(labels, speakers, strict=True)
    ]
    by_speaker = cross_validate(embedded, labels, speakers, standardised=False, seed=0)
    by_clip = cross_validate(embedded, labels, [None] * 24, standardised=False, seed=0)
    assert by_clip.scheme is Scheme.FOLDS
    assert by_clip.confusion.trace() == 24
    assert by_speaker.confusion.trace() == 0


@pytest.mark.parametrize(
    "speakers",
    [[None] * 8, ["x"] * 8, ["x", "y", "x", "y", "x", "y", "x", None], ["x", "x", "y", "x", "x", "x", "y", "x"]],
)
def test_folds_where_a_speaker_cannot_be_left_out(speakers: list[str | None]) -> None:
    labels = [0, 1] * 4
    checked = cross_validate(points(labels), labels, speakers, standardised=False, seed=0)
    assert checked.scheme is Scheme.FOLDS
    assert sorted(checked.positions) == list(range(8))


def test_a_labels_only_clip_is_not_asked() -> None:
    labels = [0, 0, 1, 1, 2]
    checked = cross_validate(points(labels), labels, [None] * 5, standardised=False, seed=0)
    assert sorted(checked.positions) == [0, 1, 2, 3]
    assert checked.confusion[2].sum() == 0


def test_nothing_to_check_is_refused_in_words() -> None:
    with pytest.raises(LabellingError, match="No label has two clips"):
        cross_validate(points([0, 1]), [0, 1], [None, None], standardised=False, seed=0)


@pytest.mark.parametrize("head", HEADS)
def test_every_head_can_be_checked(head: str) -> None:
    labels, speakers = [0, 1] * 6, ["x", "x", "y", "y", "z", "z"] * 2
    checked = cross_validate(points(labels), labels, speakers, standardised=False, seed=0, head=head)
    assert checked.confusion.tolist() == [[6, 0], [0, 6]]


def test_a_known_voice_is_taken_away_and_a_new_one_left_alone() -> None:
    """Loud voices hide the feeling: folds know every voice, leaving speakers out knows none of those asked."""
    torch.manual_seed(0)
    names = ["x", "y"]
    labels, speakers = [0, 1] * 16, [names[index // 2 % 2] for index in range(32)]
    voices = {"x": torch.tensor([6.0, 1.5, 0.0]), "y": torch.tensor([-6.0, -1.5, 0.0])}
    embedded = [
        voices[name] + (0.5 if label else -0.5) * torch.eye(3)[1] + 0.1 * torch.randn(3)
        for label, name in zip(labels, speakers, strict=True)
    ]

    def hits(named: list[str | None], speaker_mean: bool) -> int:
        checked = cross_validate(
            embedded, labels, named, standardised=False, seed=0, head="ridge", speaker_mean=speaker_mean
        )
        return int(checked.confusion.trace())

    one_unnamed: list[str | None] = [*speakers[:-1], None]  # so that folds are made, in which the voices are known
    assert hits(one_unnamed, speaker_mean=True) > hits(one_unnamed, speaker_mean=False) + 4
    assert hits(list(speakers), speaker_mean=True) < 24
