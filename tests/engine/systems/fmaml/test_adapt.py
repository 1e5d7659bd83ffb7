import dataclasses
from pathlib import Path

import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, Remark, StepTaken, adapt
from engine.adaptation.clips import embed_whole, prepare
from engine.base_folder import save_base
from engine.bases import Base, load_base
from engine.errors import BaseError
from engine.fingerprint import fingerprint
from engine.model_folder import AdaptedModel, LabelSpec, load_model, save_model
from engine.streaming import score_window
from engine.systems.fmaml.adapt import MOST_WINDOWS_PER_LABEL, assign_outputs, meaning_of
from tests.engine.conftest import labelled, voice
from tests.engine.systems.fmaml.conftest import tiny_base, tiny_network

SETTINGS = AdaptationSettings("fmaml", 5, 0.1, head="linear")
NAMES = ("anger", "joy", "fear", "disgust", "surprise")


def run(
    base: Base, counts: list[int], names: tuple[str, ...] = NAMES, settings: AdaptationSettings = SETTINGS
) -> tuple[list[object], Adapted]:
    *events, adapted = adapt(base, labelled(counts), names[: len(counts)], settings)
    assert isinstance(adapted, Adapted)
    return events, adapted


def answers(adapted: Adapted, clips: list[LabelledClip]) -> torch.Tensor:
    return adapted.head.logits(embed_whole(adapted.encoder, prepare(adapted.encoder, clips)))


@pytest.mark.parametrize(
    ("label", "meaning"),
    [
        ("neutral", "neutral"),
        (" Neutro ", "neutral"),
        ("neutral speech", "neutral"),
        ("Silence", "silence"),
        ("calm", None),
        ("anger", None),
    ],
)
def test_the_names_of_fixed_labels_are_known(label: str, meaning: str | None) -> None:
    assert meaning_of(label) == meaning


def test_labels_have_the_outputs_that_are_theirs() -> None:
    network = tiny_network(ways=3)  # 0 1 2, silence 3, neutral 4
    some = assign_outputs(("anger", "neutral", "joy"), network)
    assert some.positions == (0, 4, 1)
    assert some.known == (1,)
    assert some.outputs == (0, 1, 3, 4)
    many = assign_outputs(("silence", *NAMES), network)
    assert many.positions == (3, 0, 1, 2, 5, 6)
    assert many.outputs == (0, 1, 2, 3, 4, 5, 6)
    assert many.added == 2
    twice = assign_outputs(("neutral", "neutro"), network)
    assert (twice.positions, twice.known) == ((4, 0), (0,)), "a second neutral is a label like any other"
    plain = assign_outputs(("anger", "neutral"), tiny_network(fixed=False))
    assert (plain.positions, plain.known, plain.outputs) == ((0, 1), (), (0, 1))


def test_it_learns_the_clips_and_tells_every_step() -> None:
    base = tiny_base()
    was = {name: tensor.clone() for name, tensor in base.encoder.state_dict().items()}
    events, adapted = run(base, [4, 4, 4], settings=dataclasses.replace(SETTINGS, steps=25))
    assert [(event.step, event.steps) for event in events if isinstance(event, StepTaken)] == [
        (number, 25) for number in range(1, 26)
    ]
    assert adapted.final_loss == events[-1].loss < events[0].loss
    assert adapted.head.weight.shape == (3, base.encoder.embedding_size)
    clips = labelled([4, 4, 4])
    assert answers(adapted, clips).argmax(-1).tolist() == [clip.label for clip in clips]
    for name, tensor in base.encoder.state_dict().items():
        assert torch.equal(tensor, was[name]), "the base is untouched"
    assert not adapted.encoder.training


def test_an_answer_of_the_model_does_not_depend_on_other_clips() -> None:
    _, adapted = run(tiny_base(), [2, 3])
    clips = [LabelledClip((voice(seed, duration_s),), 0) for seed, duration_s in enumerate((0.3, 1.1, 0.6, 2.0))]
    together = answers(adapted, clips)
    for number, clip in enumerate(clips):
        torch.testing.assert_close(answers(adapted, [clip])[0], together[number], rtol=1e-4, atol=1e-4)


def test_the_order_of_the_clips_changes_nothing() -> None:
    base, clips = tiny_base(), labelled([3, 2, 4])
    turned = [clips[place] for place in (8, 2, 5, 0, 7, 1, 4, 3, 6)]
    results = [list(adapt(base, each, NAMES[:3], SETTINGS))[-1] for each in (clips, turned)]
    assert torch.equal(results[0].head.weight, results[1].head.weight)
    assert fingerprint(results[0].encoder) == fingerprint(results[1].encoder)


def test_fixed_labels_are_known_without_their_clips() -> None:
    base = tiny_base()
    events, adapted = run(base, [3, 2, 3], ("anger", "neutral", "joy"))
    remarks = [event for event in events if isinstance(event, Remark)]
    assert len(remarks) == 1
    assert remarks[0].message.startswith("'neutral' is known to this method"), "it stands behind the method's name too"
    clips = [clip for clip in labelled([3, 2, 3]) if clip.label != 1] + [LabelledClip((voice(77),), 1)]
    *_, other = adapt(base, clips, ("anger", "neutral", "joy"), SETTINGS)
    assert torch.equal(adapted.head.weight, other.head.weight)
    assert adapted.head.weight.shape[0] == 3


def test_with_nothing_but_fixed_labels_the_base_answers() -> None:
    base = tiny_base()
    events, adapted = run(base, [2, 2], ("neutral", "silence"))
    assert all(isinstance(event, Remark) for event in events)
    assert torch.equal(adapted.head.weight, base.encoder.extractor.output.weight[[4, 3]])
    assert fingerprint(adapted.encoder) == fingerprint(base.encoder)
    assert (adapted.final_loss, adapted.settings.steps) == (None, 0)


def test_more_labels_than_outputs_are_learnt_too() -> None:
    base = tiny_base(ways=2)
    _, adapted = run(base, [3, 3, 3, 3, 3], settings=dataclasses.replace(SETTINGS, steps=40))
    assert adapted.head.weight.shape[0] == 5
    clips = labelled([3, 3, 3, 3, 3])
    assert (answers(adapted, clips).argmax(-1) == torch.tensor([clip.label for clip in clips])).float().mean() > 0.8
    assert adapted.encoder.extractor.output.weight.shape == base.encoder.extractor.output.weight.shape


def test_of_a_label_with_many_clips_some_are_drawn_in_each_step_from_the_seed() -> None:
    base, counts = tiny_base(), [MOST_WINDOWS_PER_LABEL + 4, 2]
    first, again, other = (
        run(base, counts, settings=dataclasses.replace(SETTINGS, steps=2, seed=seed))[1] for seed in (0, 0, 1)
    )
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)


def test_a_clip_of_several_windows_is_learnt_whole() -> None:
    weights = []
    for second in (voice(2), voice(4, pitch_hz=200)):
        clips = [LabelledClip((voice(1), second), 0), LabelledClip((voice(3, pitch_hz=300),), 1)]
        *_, adapted = adapt(tiny_base(), clips, NAMES[:2], SETTINGS)
        assert isinstance(adapted, Adapted)
        assert torch.isfinite(adapted.head.weight).all()
        weights.append(adapted.head.weight)
    assert not torch.allclose(*weights), "the second window counts"


def test_another_base_is_refused_in_words(tiny_base: Base) -> None:
    with pytest.raises(BaseError, match=r"not one of F-MAML\. Use the base fmaml"):
        list(adapt(tiny_base, labelled([2, 2]), NAMES[:2], SETTINGS))


def test_a_base_that_was_saved_makes_a_model_that_can_be_saved(tmp_path: Path) -> None:
    save_base(tiny_base(), tmp_path / "base", "# card", {})
    base = load_base(str(tmp_path / "base"))
    assert fingerprint(base.encoder) == fingerprint(tiny_base().encoder)
    _, adapted = run(base, [2, 2])
    labels = tuple(LabelSpec(name, "#aa0000", "▲", name, 2, 1) for name in NAMES[:2])
    model = AdaptedModel(
        adapted.encoder, adapted.head, labels, "Ket", "tiny", "none", standardised=False, origin={"method": "fmaml"}
    )
    (tmp_path / "model").mkdir()
    save_model(model, tmp_path / "model", "card")
    again = load_model(tmp_path / "model", "cpu")
    assert score_window(again, voice(5)) == score_window(model, voice(5))
    _, further = run(load_base(str(tmp_path / "model")), [2, 2, 2])
    assert further.head.weight.shape[0] == 3
