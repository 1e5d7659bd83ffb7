from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, Remark, StepTaken, adapt, resolve_settings
from engine.adaptation.clips import embed_whole, prepare
from engine.base_folder import Base, load_base_folder, save_base
from engine.bases import load_base
from engine.model_folder import AdaptedModel, LabelSpec, load_model, save_model
from engine.streaming import score_window
from engine.systems.hgfm.network import HierarchicalGrainedFeatureModel
from tests.engine.conftest import labelled, voice

LABELS = ("calm", "cross")
CLIPS = labelled([4, 3])


def adapted_to(base: Base, clips: list[LabelledClip], settings: AdaptationSettings) -> Adapted:
    *_, adapted = adapt(base, clips, LABELS, settings)
    assert isinstance(adapted, Adapted)
    return adapted


def settings_of(base: Base, **changes: object) -> AdaptationSettings:
    return replace(resolve_settings(base.recommended, method="hgfm"), **changes)


def answers(adapted: Adapted, clips: list[LabelledClip]) -> list[int]:
    embeddings = embed_whole(adapted.encoder, prepare(adapted.encoder, clips))
    return adapted.head.logits(embeddings).argmax(-1).tolist()


def test_the_clips_are_learnt_to_the_last(hgfm_base: Base) -> None:
    before = {name: each.clone() for name, each in hgfm_base.encoder.state_dict().items()}
    events = list(adapt(hgfm_base, CLIPS, LABELS, settings_of(hgfm_base, steps=40)))
    steps = [event for event in events if isinstance(event, StepTaken)]
    assert [step.step for step in steps] == list(range(1, 41))
    assert steps[0].loss == pytest.approx(np.log(2), abs=1e-5)  # the last layer knows nothing yet
    adapted = events[-1]
    assert isinstance(adapted, Adapted)
    assert answers(adapted, CLIPS) == [clip.label for clip in CLIPS]
    assert not adapted.encoder.training
    assert adapted.head.plain
    for name, each in hgfm_base.encoder.state_dict().items():
        assert torch.equal(each, before[name])


def test_the_order_of_the_clips_does_not_matter(hgfm_base: Base) -> None:
    settings = settings_of(hgfm_base, steps=8)
    one, other = (adapted_to(hgfm_base, clips, settings) for clips in (CLIPS, CLIPS[::-1]))
    torch.testing.assert_close(one.head.weight, other.head.weight, atol=1e-4, rtol=0)
    probe = prepare(one.encoder, [LabelledClip((voice(5),), 0)])
    torch.testing.assert_close(embed_whole(one.encoder, probe), embed_whole(other.encoder, probe), atol=1e-4, rtol=0)


def test_labels_the_other_way_round_are_the_same_model_the_other_way_round(hgfm_base: Base) -> None:
    turned = [replace(clip, label=1 - clip.label) for clip in CLIPS]
    settings = settings_of(hgfm_base, steps=8)
    one, other = adapted_to(hgfm_base, CLIPS, settings), adapted_to(hgfm_base, turned, settings)
    torch.testing.assert_close(one.head.weight, other.head.weight.flip(0), atol=1e-4, rtol=0)


@pytest.mark.parametrize("trained", ["extractor", "all", "lora", "top-1"])
def test_only_what_is_to_be_trained_changes(hgfm_base: Base, trained: str) -> None:
    adapted = adapted_to(hgfm_base, CLIPS, settings_of(hgfm_base, steps=2, trained=trained))
    original = hgfm_base.encoder.state_dict()
    changed = {name for name, each in adapted.encoder.state_dict().items() if not torch.equal(each, original[name])}
    backbone = any(name.startswith("backbone.") for name in changed)
    assert backbone == (trained != "extractor")
    for name in ("project.weight", "gru_left.weight_hh_l0", "gru_right.weight_ih_l0", "attend_left.score.weight"):
        assert (f"extractor.{name}" in changed) == (trained != "lora")
    assert (adapted.lora is not None) == (trained == "lora")
    grads = [each.requires_grad for each in adapted.encoder.parameters()]
    assert grads == [each.requires_grad for each in hgfm_base.encoder.parameters()]


def test_more_clips_than_a_batch_give_the_gradient_of_all(hgfm_base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(hgfm_base, steps=3, trained="all", precision="fp32")
    whole = adapted_to(hgfm_base, CLIPS, settings)
    monkeypatch.setattr("engine.systems.hgfm.adapt.MOST_CLIPS_IN_BATCH", 2)
    parts = adapted_to(hgfm_base, CLIPS, settings)
    torch.testing.assert_close(whole.head.weight, parts.head.weight, atol=1e-5, rtol=0)


def test_of_a_long_clip_every_window_takes_its_turn(hgfm_base: Base) -> None:
    long = LabelledClip((voice(1), voice(2, 0.6)), 0)
    settings = settings_of(hgfm_base, steps=2)
    one = adapted_to(hgfm_base, [long, *CLIPS], settings)
    other = adapted_to(hgfm_base, [LabelledClip((voice(1), voice(9, 0.6)), 0), *CLIPS], settings)
    assert not torch.equal(one.head.weight, other.head.weight)


def test_any_encoder_can_be_started_from(tiny_base: Base) -> None:
    events = list(adapt(tiny_base, CLIPS, LABELS, AdaptationSettings("hgfm", steps=3, learning_rate=1e-3)))
    assert isinstance(events[0], Remark)
    assert "from nothing" in events[0].message
    adapted = events[-1]
    assert isinstance(adapted, Adapted)
    network = adapted.encoder.extractor
    assert isinstance(network, HierarchicalGrainedFeatureModel)
    assert network.channel_spread.shape == (64,)  # two layers of 32, of the user's clips
    assert not torch.equal(network.channel_mean, torch.zeros(64))
    assert tiny_base.encoder.extractor.kind == "pooling"


def test_a_raw_wav2vec_folder_can_be_started_from(wav2vec2_folder: Path) -> None:
    base = load_base(str(wav2vec2_folder))
    for trained in ("extractor", "all"):
        settings = AdaptationSettings("hgfm", steps=2, learning_rate=1e-3, trained=trained)
        assert torch.isfinite(adapted_to(base, CLIPS, settings).head.weight).all()


def test_from_a_base_folder_to_a_model_folder_the_scores_are_the_same(hgfm_base: Base, tmp_path: Path) -> None:
    save_base(hgfm_base, tmp_path / "base", "# card", {})
    base = load_base_folder(tmp_path / "base")
    assert base.recommended == hgfm_base.recommended
    adapted = adapted_to(base, CLIPS, resolve_settings(base.recommended))
    labels = tuple(LabelSpec(name, "#aa0000", "▲", name, 2, 1) for name in LABELS)
    model = AdaptedModel(
        adapted.encoder, adapted.head, labels, "Ket", "tiny-hgfm", "none", standardised=False, origin={"method": "hgfm"}
    )
    (tmp_path / "model").mkdir()
    save_model(model, tmp_path / "model", "card")
    again = load_model(tmp_path / "model", "cpu")
    assert score_window(again, voice(0)) == score_window(model, voice(0))
    assert again.head.plain
