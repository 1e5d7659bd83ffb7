import pytest
import torch

from engine.heads.speakers import fit_speaker_offsets, neutral_label, shrunk_offset

VOICES = {"ann": torch.tensor([4.0, 0.0, 0.0]), "bob": torch.tensor([0.0, -4.0, 0.0])}
FEELINGS = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])


def heard(labels: list[int], speakers: list[str]) -> torch.Tensor:
    return torch.stack([VOICES[speaker] + FEELINGS[label] for label, speaker in zip(labels, speakers, strict=True)])


def test_voices_are_taken_away_as_far_as_they_are_known() -> None:
    labels, speakers = [0, 1] * 10, ["ann"] * 10 + ["bob"] * 10
    embeddings = heard(labels, speakers)
    offsets = fit_speaker_offsets(embeddings, torch.tensor(labels), speakers, 2)
    assert offsets.names == ("ann", "bob")
    left = offsets.subtract(embeddings, speakers)
    apart = (left[0] - left[10]).norm() / (embeddings[0] - embeddings[10]).norm()
    assert float(apart) == pytest.approx(1 - 10 / 15)
    assert torch.equal(left[0] - left[1], embeddings[0] - embeddings[1])


@pytest.mark.parametrize(("neutral", "known"), [(None, ("bob",)), (1, ("bob",)), (0, ("ann", "bob"))])
def test_one_label_is_let_in_only_as_a_neutral_reference(neutral: int | None, known: tuple[str, ...]) -> None:
    labels, speakers = [0, 0, 0, 1], ["ann", "ann", "bob", "bob"]
    embeddings = heard(labels, speakers)
    offsets = fit_speaker_offsets(embeddings, torch.tensor(labels), speakers, 2, neutral)
    assert offsets.names == known
    if neutral == 0:  # counted from all neutral clips: what is neutral in it stays
        reference = embeddings[:3].mean(0)
        torch.testing.assert_close(offsets.of("ann"), 2 / 7 * (embeddings[:2].mean(0) - reference))
    assert torch.equal(offsets.of("bob"), shrunk_offset(embeddings[2:], offsets.overall))


def test_unknown_voices_are_left_alone() -> None:
    embeddings = heard([0, 1], ["ann", "ann"])
    offsets = fit_speaker_offsets(embeddings, torch.tensor([0, 1]), ["ann", "ann"], 2)
    assert torch.equal(offsets.subtract(embeddings, [None, "eve"]), embeddings)
    nobody = fit_speaker_offsets(embeddings, torch.tensor([0, 1]), [None, None], 2)
    assert nobody.names == ()
    assert torch.equal(nobody.subtract(embeddings, ["ann", None]), embeddings)


def test_the_neutral_label_is_found_by_its_name() -> None:
    assert neutral_label(["anger", " Neutral", "joy"]) == 1
    assert neutral_label(["anger", "joy"]) is None
