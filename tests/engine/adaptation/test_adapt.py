import dataclasses
from collections import Counter

import numpy as np
import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, Remark, StepTaken, adapt
from engine.adaptation.clips import embed_whole, prepare
from engine.adaptation.disjoint import disjoint_draw, inner_support_size
from engine.adaptation.pmf import pmf_draw
from engine.bases import Base
from engine.choices import HEADS, KNOWN_EMOTIONS, Recommended
from engine.errors import LabellingError
from engine.heads import fit_head
from engine.known_emotions import KnownEmotions
from tests.engine.conftest import labelled, voice

NAMELESS_HEADS = [head for head in HEADS if head != KNOWN_EMOTIONS]

FAST = AdaptationSettings(steps=3, learning_rate=1e-3)
NAMES = ("anger", "joy", "fear")


def run(base: Base, counts: list[int], settings: AdaptationSettings) -> tuple[list[object], Adapted]:
    *events, adapted = adapt(base, labelled(counts), NAMES[: len(counts)], settings)
    assert isinstance(adapted, Adapted)
    return events, adapted


def parameters(adapted: Adapted) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in adapted.encoder.parameters()])


@pytest.mark.parametrize(("clips", "support"), [(2, 1), (3, 1), (4, 2), (5, 2)])
def test_two_of_five_are_inner_support(clips: int, support: int) -> None:
    assert inner_support_size(clips, 0.4) == support


def test_disjoint_never_asks_what_it_was_told_and_every_clip_takes_its_turn(tiny_base: Base) -> None:
    clips = prepare(tiny_base.encoder, labelled([8, 3, 2]))
    draw = disjoint_draw(clips, AdaptationSettings())
    generator = torch.Generator().manual_seed(0)
    seen: Counter[int] = Counter()
    splits = set()
    for _ in range(60):
        episode = draw(generator)
        assert not set(episode.support) & set(episode.query)
        assert {clips[position].label for position in episode.support} == {0, 1, 2}
        assert {clips[position].label for position in episode.query} == {0, 1, 2}
        in_step = Counter(clips[position].label for position in episode.support + episode.query)
        assert in_step == {0: 5, 1: 3, 2: 2}
        seen.update(episode.support + episode.query)
        splits.add(episode.support)
    assert set(seen) == set(range(13))
    assert len(splits) > 20, "a fresh split in every step"


def test_pmf_asks_the_very_clips_it_was_told(tiny_base: Base) -> None:
    clips = prepare(tiny_base.encoder, labelled([2, 2]))
    episode = pmf_draw(clips, AdaptationSettings())(torch.Generator().manual_seed(0))
    assert episode.support == episode.query
    assert set(episode.support) == {0, 1, 2, 3}


@pytest.mark.parametrize("method", ["disjoint", "pmf"])
def test_a_seed_repeats_a_run_exactly(tiny_base: Base, method: str) -> None:
    settings = dataclasses.replace(FAST, method=method)
    events, first = run(tiny_base, [3, 3], settings)
    again, second = run(tiny_base, [3, 3], settings)
    other, third = run(tiny_base, [3, 3], dataclasses.replace(settings, seed=1))
    assert events == again
    assert torch.equal(parameters(first), parameters(second))
    assert torch.equal(first.head.weight, second.head.weight)
    assert events != other
    assert not torch.equal(parameters(first), parameters(third))


def test_the_base_is_left_as_it_was(tiny_base: Base) -> None:
    before = {name: value.clone() for name, value in tiny_base.encoder.state_dict().items()}
    _, adapted = run(tiny_base, [3, 3], FAST)
    for name, value in tiny_base.encoder.state_dict().items():
        assert torch.equal(value, before[name])
    assert not torch.equal(parameters(adapted), torch.cat([p.flatten() for p in tiny_base.encoder.parameters()]))


def test_steps_are_reported_one_by_one(tiny_base: Base) -> None:
    events, adapted = run(tiny_base, [2, 2], FAST)
    assert [event.step for event in events if isinstance(event, StepTaken)] == [1, 2, 3]
    assert isinstance(events[-1], StepTaken)
    assert adapted.final_loss == events[-1].loss


def test_training_drives_the_loss_down(tiny_base: Base) -> None:
    events, _ = run(tiny_base, [4, 4, 4], AdaptationSettings(steps=40, learning_rate=1e-3))
    losses = [event.loss for event in events if isinstance(event, StepTaken)]
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_the_last_prototypes_are_those_of_all_clips_unmasked(tiny_base: Base) -> None:
    _, adapted = run(tiny_base, [3, 2], FAST)
    clips = labelled([3, 2])
    embeddings = embed_whole(adapted.encoder, prepare(adapted.encoder, clips))
    targets = torch.tensor([clip.label for clip in clips])
    expected = fit_head("prototypes", embeddings, targets, 2, standardised=True, blocks=2)
    assert torch.equal(adapted.head.weight, expected.weight)
    assert torch.equal(adapted.head.spread, expected.spread)


def test_prototypes_leaves_the_encoder_alone(tiny_base: Base) -> None:
    events, adapted = run(tiny_base, [2, 2], AdaptationSettings(method="prototypes"))
    assert events == []
    for name, value in adapted.encoder.state_dict().items():
        assert torch.equal(value, tiny_base.encoder.state_dict()[name])


def test_one_clip_a_label_falls_back_to_pmf_and_says_so(tiny_base: Base) -> None:
    events, adapted = run(tiny_base, [1, 1, 1], AdaptationSettings(steps=25))
    remarks = [event for event in events if isinstance(event, Remark)]
    assert len(remarks) == 1
    assert "pmf" in remarks[0].message
    assert (adapted.settings.method, adapted.settings.steps) == ("pmf", 5)


def test_a_single_clip_among_many_is_told_and_still_learnt(tiny_base: Base) -> None:
    events, adapted = run(tiny_base, [4, 1, 2], FAST)
    assert sum(isinstance(event, Remark) for event in events) == 1
    assert adapted.settings.method == "disjoint"
    assert adapted.head.weight.isfinite().all()


def test_a_long_clip_counts_as_one(tiny_base: Base) -> None:
    windows = tuple(voice(seed, 1.0) for seed in range(3))
    clips = [LabelledClip(windows, 0), LabelledClip((voice(9),), 1), LabelledClip((voice(10),), 1)]
    *_, adapted = adapt(tiny_base, clips, NAMES[:2], AdaptationSettings(method="prototypes"))
    assert isinstance(adapted, Adapted)
    apart = [LabelledClip((w,), 0) for w in windows] + clips[1:]
    each = embed_whole(tiny_base.encoder, prepare(tiny_base.encoder, apart))
    embeddings = torch.cat([each[:3].mean(0, keepdim=True), each[3:]])
    expected = fit_head("prototypes", embeddings, torch.tensor([0, 1, 1]), 2, standardised=True, blocks=2)
    torch.testing.assert_close(adapted.head.weight, expected.weight)


@pytest.mark.parametrize(
    ("counts", "names", "words"),
    [
        ([3], ("anger",), "only 'anger' has clips"),
        ([], (), "no clip is labelled"),
        ([3, 3], ("anger", "joy", "fear"), "No clip is labelled fear"),
    ],
)
def test_what_cannot_work_is_refused_in_words(
    tiny_base: Base, counts: list[int], names: tuple[str, ...], words: str
) -> None:
    with pytest.raises(LabellingError, match=words):
        list(adapt(tiny_base, labelled(counts), names, FAST))


@pytest.mark.parametrize("changes", [{"method": "magic"}, {"steps": -1}, {"learning_rate": 0.0}])
def test_settings_that_make_no_sense_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(LabellingError):
        AdaptationSettings(**changes)


@pytest.mark.parametrize(
    ("method", "words"),
    [("disjoint", "loss is no longer a number at step 1"), ("pmf", "loss is no longer a number at step 1")]
    + [(head, "encoder gives values that are not numbers") for head in NAMELESS_HEADS],
)
def test_what_is_no_number_is_told_and_gives_no_model(tiny_base: Base, method: str, words: str) -> None:
    clips = labelled([3, 3])
    clips[1] = dataclasses.replace(clips[1], windows=(clips[1].windows[0] * np.float32(1e20),))
    with pytest.raises(LabellingError, match=words):
        list(adapt(tiny_base, clips, NAMES[:2], dataclasses.replace(FAST, method=method)))


def test_a_head_that_is_not_finite_is_no_model(tiny_base: Base) -> None:
    broken = dataclasses.replace(tiny_base, cosine_scale=float("nan"))
    with pytest.raises(LabellingError, match="come to values that are not numbers"):
        list(adapt(broken, labelled([2, 2]), NAMES[:2], AdaptationSettings(method="prototypes")))


# --- heads and voices ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", NAMELESS_HEADS)
def test_a_heads_name_as_the_method_tunes_nothing_and_fits_it(tiny_base: Base, kind: str) -> None:
    events, adapted = run(tiny_base, [4, 3], AdaptationSettings(method=kind))
    assert events == []
    assert (adapted.head.kind, adapted.settings.method, adapted.final_loss) == (kind, kind, None)
    assert torch.equal(parameters(adapted), torch.cat([p.flatten() for p in tiny_base.encoder.parameters()]))


@pytest.mark.parametrize("kind", NAMELESS_HEADS)
def test_any_head_can_sit_on_a_tuned_encoder(tiny_base: Base, kind: str) -> None:
    _, adapted = run(tiny_base, [4, 3], dataclasses.replace(FAST, head=kind))
    assert adapted.head.kind == kind
    clips = labelled([4, 3])
    embeddings = embed_whole(adapted.encoder, prepare(adapted.encoder, clips))
    expected = fit_head(kind, embeddings, torch.tensor([clip.label for clip in clips]), 2, standardised=True, blocks=2)
    assert torch.equal(adapted.head.weight, expected.weight)
    assert not torch.equal(parameters(adapted), torch.cat([p.flatten() for p in tiny_base.encoder.parameters()]))


@pytest.mark.parametrize(("method", "done"), [("lda", "prototypes"), ("logistic", "prototypes"), ("disjoint", "pmf")])
def test_one_clip_a_label_is_too_little_for_a_rival_and_it_says_so(tiny_base: Base, method: str, done: str) -> None:
    settings = dataclasses.replace(FAST, method=method, head="lda")
    events, adapted = run(tiny_base, [1, 1], settings)
    remarks = [event.message for event in events if isinstance(event, Remark)]
    assert "prototypes instead" in remarks[0]
    assert (adapted.settings.method, adapted.head.kind) == (done, "prototypes")


def test_the_cosine_scale_is_the_bases(tiny_base: Base) -> None:
    _, adapted = run(dataclasses.replace(tiny_base, cosine_scale=4.0), [2, 2], AdaptationSettings("prototypes"))
    assert adapted.head.scale == 4.0


def test_voices_are_taken_away_where_they_are_known(tiny_base: Base) -> None:
    clips = [dataclasses.replace(clip, speaker="ann" if n % 2 else None) for n, clip in enumerate(labelled([4, 4]))]
    settings = AdaptationSettings("logistic", speaker_mean=True)
    *_, adapted = adapt(tiny_base, clips, NAMES[:2], settings)
    *_, plain = adapt(tiny_base, clips, NAMES[:2], dataclasses.replace(settings, speaker_mean=False))
    assert isinstance(adapted, Adapted)
    assert isinstance(plain, Adapted)
    assert plain.speakers is None
    assert adapted.speakers is not None
    assert adapted.speakers.names == ("ann",)
    embeddings = embed_whole(tiny_base.encoder, prepare(tiny_base.encoder, clips))
    without = adapted.speakers.subtract(embeddings, [clip.speaker for clip in clips])
    labels = torch.tensor([clip.label for clip in clips])
    expected = fit_head("logistic", without, labels, 2, standardised=True, blocks=2)
    torch.testing.assert_close(adapted.head.weight, expected.weight)
    assert not torch.allclose(adapted.head.weight, plain.head.weight)


def test_without_a_name_no_voice_is_taken_away_and_it_says_so(tiny_base: Base) -> None:
    events, adapted = run(tiny_base, [2, 2], AdaptationSettings("ridge", speaker_mean=True))
    assert [event.message for event in events if isinstance(event, Remark)] == [
        "No speaker is named, so no voice can be taken away."
    ]
    assert adapted.speakers is not None
    assert adapted.speakers.names == ()


@pytest.mark.parametrize("method", [KNOWN_EMOTIONS, "disjoint"])
def test_labels_that_the_base_does_not_know_are_told_and_learnt_from_clips_alone(tiny_base: Base, method: str) -> None:
    events, adapted = run(tiny_base, [3, 3], dataclasses.replace(FAST, method=method, head=KNOWN_EMOTIONS))
    assert sum("by their names" in event.message for event in events if isinstance(event, Remark)) == 1
    assert (adapted.head.kind, adapted.settings.head_kind) == ("logistic", "logistic")


def test_where_the_base_recommends_what_names_tell_it_means_as_far_as_they_are_known(tiny_base: Base) -> None:
    recommending = dataclasses.replace(tiny_base, recommended=Recommended(KNOWN_EMOTIONS))
    events, adapted = run(recommending, [3, 3], dataclasses.replace(FAST, method=KNOWN_EMOTIONS))
    assert events == []
    assert (adapted.head.kind, adapted.settings.method) == ("logistic", "logistic")


@pytest.mark.parametrize("count", [1, 3])
def test_names_that_the_base_knows_are_begun_with(tiny_base: Base, count: int) -> None:
    clips = labelled([count, count])
    places = embed_whole(tiny_base.encoder, prepare(tiny_base.encoder, clips))
    emotions = KnownEmotions(("anger", "sadness"), torch.stack([places[:count].mean(0), places[count:].mean(0)]))
    knowing = dataclasses.replace(tiny_base, standardised=False, emotions=emotions)
    *events, adapted = adapt(knowing, clips, ["rabbia", "sad"], AdaptationSettings(method=KNOWN_EMOTIONS))
    assert events == []
    assert isinstance(adapted, Adapted)
    assert adapted.head.kind == KNOWN_EMOTIONS
    assert adapted.head.logits(places).argmax(1).tolist() == [0] * count + [1] * count
