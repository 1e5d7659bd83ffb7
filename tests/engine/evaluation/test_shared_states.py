"""What episodes share changes no answer, and is computed once."""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, LabelledClip, adapt
from engine.adaptation.clips import embed_whole, prepare
from engine.audio.windows import Windows
from engine.bases import Base
from engine.choices import TRAINED, Protocol
from engine.encoder import EmotionEncoder
from engine.evaluation import shared_states
from engine.evaluation.episodes import EpisodeSampler, EpisodeShape
from engine.evaluation.few_shot import EvaluationClip, FewShotEvaluation
from engine.evaluation.shared_states import SharedStates, shared_depth
from engine.extractors import GatedLinearUnit
from tests.engine.conftest import labelled, tiny_encoder, voice
from tests.engine.systems.fmaml.conftest import tiny_base as tiny_fmaml
from tests.engine.systems.hgfm.conftest import small_network
from tests.engine.systems.multigate.conftest import tiny_network, tiny_streams
from tests.engine.test_batch_classification import tiny_wav2vec2

QUERIES: dict[int, Windows] = {
    7: (voice(7, 0.9),),
    3: (voice(3, 2.0), voice(4, 0.5)),
    5: (voice(5, 0.4),),
    8: (voice(8, 0.88),),
}
ADAPTED = [("compact", "disjoint", trained) for trained in TRAINED if trained != "projection"]
ADAPTED += [("wav2vec2", "disjoint", trained) for trained in ("all", "top-1", "extractor")]
ADAPTED += [("hgfm", "hgfm", "extractor"), ("hgfm", "hgfm", "all"), ("multigate", "multigate", "extractor")]
ADAPTED += [("multigate", "multigate", "all"), ("fmaml", "fmaml", "all")]


def base_of(kind: str) -> Base:
    if kind == "fmaml":
        return tiny_fmaml()
    if kind == "multigate":
        streams = tiny_streams()
        encoder = EmotionEncoder(streams, tiny_network(streams).for_new_language())
    elif kind == "wav2vec2":
        encoder = tiny_wav2vec2()
    else:
        encoder = tiny_encoder(small_network) if kind == "hgfm" else tiny_encoder(GatedLinearUnit)
    return Base("tiny", encoder, standardised=False, licence="none")


def adapted_by(base: Base, method: str, trained: str, clips: Sequence[LabelledClip]) -> EmotionEncoder:
    settings = AdaptationSettings(method, steps=2, learning_rate=1e-2, trained=trained, precision="fp32")
    *_, adapted = adapt(base, clips, ("a", "b"), settings)
    assert isinstance(adapted, Adapted)
    return adapted.encoder


class Elsewhere(EmotionEncoder):
    """An encoder on a device of its own, as far as it says so."""

    @property
    def device(self) -> torch.device:
        return torch.device("meta")


def test_where_adapting_left_the_device_of_the_base_nothing_of_the_base_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    base = base_of("compact")
    encoder = copy.deepcopy(base.encoder)
    expected = embed_whole(encoder, prepare(encoder, [LabelledClip(windows, 0) for windows in QUERIES.values()]))
    elsewhere = Elsewhere(base.encoder.backbone, base.encoder.extractor)
    counted = Counted(elsewhere, monkeypatch)
    torch.testing.assert_close(SharedStates(elsewhere).embed(encoder, QUERIES), expected)
    assert counted.front_ends == counted.clips_lowered == 0


class Counted:
    """How often an encoder is asked for a front end or for layers."""

    def __init__(self, encoder: EmotionEncoder, patch: pytest.MonkeyPatch) -> None:
        self.front_ends = self.clips_lowered = 0
        front_end, lower = encoder.front_end, encoder.lower

        def counting_front_end(samples: object) -> torch.Tensor:
            self.front_ends += 1
            return front_end(samples)  # type: ignore[arg-type]

        def counting_lower(inputs: Sequence[torch.Tensor], masks: None, depth: int) -> list[torch.Tensor]:
            self.clips_lowered += len(inputs)
            return lower(inputs, masks, depth)

        patch.setattr(encoder, "front_end", counting_front_end)
        patch.setattr(encoder, "lower", counting_lower)


@pytest.mark.parametrize(("kind", "method", "trained"), ADAPTED)
def test_embeddings_are_those_of_the_adapted_encoder_by_itself(
    kind: str, method: str, trained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_of(kind)
    states = SharedStates(base.encoder)
    episodes = [adapted_by(base, method, trained, labelled(counts)) for counts in ([2, 2], [3, 2])]
    counted = Counted(base.encoder, monkeypatch)
    for encoder in episodes:
        clips = prepare(encoder, [LabelledClip(windows, 0) for windows in QUERIES.values()])
        torch.testing.assert_close(states.embed(encoder, QUERIES), embed_whole(encoder, clips), atol=1e-5, rtol=1e-4)
    assert counted.front_ends == 5, "five windows, once for both episodes"
    assert not torch.allclose(*(states.embed(encoder, QUERIES) for encoder in episodes), atol=1e-4)


@pytest.mark.parametrize(
    ("trained", "depth"), [("all", None), ("norms", 0), ("lora", 0), ("top-1", 2), ("top-4", 0), ("extractor", 3)]
)
def test_layers_that_were_left_alone_are_known(
    trained: str, depth: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_of("compact")
    encoder = adapted_by(base, "disjoint", trained, labelled([2, 2]))
    assert shared_depth(base.encoder, encoder) == depth
    counted = Counted(base.encoder, monkeypatch)
    SharedStates(base.encoder).embed(encoder, QUERIES)
    assert counted.clips_lowered == (0 if depth is None else 5)


def test_a_copy_elsewhere_shares_nothing() -> None:
    one, other = base_of("compact").encoder, base_of("compact").encoder
    assert shared_depth(one, other) is None
    assert shared_depth(one, one) == 3


def test_no_more_is_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    base = base_of("compact")
    encoder = adapted_by(base, "disjoint", "extractor", labelled([2, 2]))
    whole = SharedStates(base.encoder).embed(encoder, QUERIES)
    monkeypatch.setattr(shared_states, "free_bytes", lambda device: 4 * 3 * 45 * 32 * 4)  # two of the shorter clips
    states = SharedStates(base.encoder)
    counted = Counted(base.encoder, monkeypatch)
    for _ in range(3):
        torch.testing.assert_close(states.embed(encoder, QUERIES), whole, atol=1e-6, rtol=1e-5)
    assert 5 < counted.front_ends < 15


@pytest.mark.parametrize("trained", ["all", "top-1", "extractor"])
def test_accuracies_are_the_same_with_and_without(
    write_wav: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, trained: str
) -> None:
    clips = [
        EvaluationClip(write_wav(f"{label}-{take}.wav", voice(10 * way + take, 0.5, 110.0 * 1.3**way)), label, None)
        for way, label in enumerate(("a", "b", "c"))
        for take in range(7)
    ]
    base = base_of("compact")
    settings = AdaptationSettings(steps=2, learning_rate=1e-3, trained=trained)

    def answers() -> list[tuple[str, ...]]:
        sampler = EpisodeSampler([each.label for each in clips], [None] * 21, EpisodeShape(3, 2, 4), Protocol.RANDOM, 0)
        return [each.answered for each in FewShotEvaluation(base, clips, settings).run(sampler, 3)]

    def by_itself(states: SharedStates, encoder: EmotionEncoder, queries: dict[int, Windows]) -> torch.Tensor:
        return embed_whole(encoder, prepare(encoder, [LabelledClip(windows, 0) for windows in queries.values()]))

    with_states = answers()
    monkeypatch.setattr(SharedStates, "embed", by_itself)
    assert answers() == with_states
    assert len({answer for each in with_states for answer in each}) > 1
    monkeypatch.setattr(SharedStates, "embed", lambda *arguments: by_itself(*arguments).flip(0))
    assert answers() != with_states


def test_states_of_no_more_windows_than_a_batch_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    base = base_of("compact")
    encoder = adapted_by(base, "disjoint", "extractor", labelled([2, 2]))
    whole = SharedStates(base.encoder).embed(encoder, QUERIES)
    encoder.most_clips_in_batch = 2
    sizes: list[int] = []
    lower = base.encoder.lower

    def noting(inputs: Sequence[torch.Tensor], masks: None, depth: int) -> list[torch.Tensor]:
        sizes.append(len(inputs))
        return lower(inputs, masks, depth)

    monkeypatch.setattr(base.encoder, "lower", noting)
    torch.testing.assert_close(SharedStates(base.encoder).embed(encoder, QUERIES), whole, atol=1e-6, rtol=1e-5)
    assert sorted(sizes) == [1, 2, 2], "0.4 s and 0.88 s; 0.9 s alone; a clip of two windows"
