from dataclasses import replace

import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, Remark, adapt
from engine.adaptation.clips import embed_each
from engine.base_folder import Base
from engine.choices import METHODS
from engine.evaluation import cross_adaptation
from engine.evaluation.cross_adaptation import CrossAdapted, FoldProgress, cross_adapt, folds_for
from engine.evaluation.folds import Scheme
from engine.heads.speakers import SpeakerOffsets
from tests.engine.conftest import labelled
from tests.engine.evaluation.fake_system import use_fake_systems

NAMES = ("low", "middle", "high")


def clips(speakers: int = 4) -> list[LabelledClip]:
    """Four clips of each label, of as many speakers."""
    return [replace(clip, speaker=f"s{index % speakers}") for index, clip in enumerate(labelled([4, 4, 4]))]


def settings(method: str) -> AdaptationSettings:
    return AdaptationSettings(method=method, steps=2, learning_rate=1e-4)


def crossed(base: Base, method: str, given: list[LabelledClip]) -> tuple[list[FoldProgress | Remark], CrossAdapted]:
    *events, last = cross_adapt(base, given, NAMES, settings(method))
    assert isinstance(last, CrossAdapted)
    return events, last  # type: ignore[return-value]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_goes_through_the_same_folds(
    tiny_base: Base, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_systems(monkeypatch)
    events, result = crossed(tiny_base, method, clips())
    assert result.checked.scheme is Scheme.SPEAKER_FOLDS
    assert result.checked.positions == folds_for(clips(), 0).asked
    assert sorted(result.checked.positions) == list(range(12))
    assert result.checked.confusion.sum() == 12
    assert result.adaptation_s > 0
    shares = [event.share for event in events if isinstance(event, FoldProgress)]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_the_answers_are_those_of_models_that_have_not_heard_the_clips(tiny_base: Base) -> None:
    given = clips()
    _, result = crossed(tiny_base, "disjoint", given)
    answers = dict(zip(result.checked.positions, result.checked.answers, strict=True))
    for held_out in folds_for(given, 0).held_out:
        rest = [clip for position, clip in enumerate(given) if position not in held_out]
        *_, adapted = adapt(tiny_base, rest, NAMES, settings("disjoint"))
        assert isinstance(adapted, Adapted)
        asked = torch.stack(list(embed_each(adapted.encoder, [given[position] for position in held_out])))
        assert adapted.head.logits(asked).argmax(-1).tolist() == [answers[position] for position in held_out]


def test_no_speaker_is_on_both_sides(tiny_base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[set[str | None]] = []
    given = clips()

    def listening(base: Base, rest: list[LabelledClip], *more: object) -> object:
        heard.append({clip.speaker for clip in rest})
        return adapt(base, rest, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(cross_adaptation, "adapt", listening)
    crossed(tiny_base, "prototypes", given)
    for known, held_out in zip(heard, folds_for(given, 0).held_out, strict=True):
        assert known.isdisjoint({given[position].speaker for position in held_out})


def test_the_base_is_left_as_it_was_and_the_time_left_shrinks(tiny_base: Base) -> None:
    before = [parameter.clone() for parameter in tiny_base.encoder.parameters()]
    events, _ = crossed(tiny_base, "disjoint", clips())
    assert all(torch.equal(a, b) for a, b in zip(before, tiny_base.encoder.parameters(), strict=True))
    told = [event.remaining_s for event in events if isinstance(event, FoldProgress)]
    assert told[0] is None
    assert told[-1] == pytest.approx(0.0, abs=1e-6)
    assert any(event.loss is not None for event in events if isinstance(event, FoldProgress))


def test_unnamed_speakers_give_folds_of_clips_and_known_voices_are_taken_away(
    tiny_base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [replace(clip, speaker="s0" if index % 2 else "s1") for index, clip in enumerate(labelled([4, 4, 4]))]
    given[0] = replace(given[0], speaker=None)
    taken = replace(settings("ridge"), speaker_mean=True)
    asked: list[str | None] = []
    far = torch.full((tiny_base.encoder.embedding_size,), 1e3)

    def of(voices: SpeakerOffsets, speaker: str | None) -> torch.Tensor:
        asked.append(speaker)
        return far  # whoever is asked sounds alike without this

    with monkeypatch.context() as patch:
        patch.setattr(SpeakerOffsets, "of", of)
        patch.setattr(SpeakerOffsets, "subtract", lambda voices, embeddings, names: embeddings)
        *_, with_voices = cross_adapt(tiny_base, given, NAMES, taken)
    *_, without = cross_adapt(tiny_base, given, NAMES, replace(taken, speaker_mean=False))
    assert isinstance(with_voices, CrossAdapted)
    assert isinstance(without, CrossAdapted)
    assert with_voices.checked.scheme is Scheme.FOLDS
    assert with_voices.checked.positions == without.checked.positions
    assert asked == [given[position].speaker for position in with_voices.checked.positions]
    assert len(set(with_voices.checked.answers[:4])) == 1, "what was taken away is what counts"
    assert len(set(without.checked.answers)) > 1


def test_a_remark_of_each_fold_is_passed_on(tiny_base: Base) -> None:
    events, result = crossed(tiny_base, "disjoint", labelled([2, 2, 2]))
    assert any(isinstance(event, Remark) and "one clip a label" in event.message for event in events)
    assert result.settings.method == "pmf"
