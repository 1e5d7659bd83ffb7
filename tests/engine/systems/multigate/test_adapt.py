from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.adaptation import Adapted, LabelledClip, Remark, StepTaken, adapt
from engine.adaptation.settings import resolve_settings
from engine.base_folder import Base, load_base_folder, save_base
from engine.encoder import EmotionEncoder
from engine.errors import BaseError, LabellingError
from engine.model_folder import AdaptedModel, LabelSpec, load_model, save_model
from engine.systems.multigate import adapt as multigate_adapt
from engine.systems.multigate.network import NEW_LANGUAGE, MultiGate, Variant
from engine.systems.multigate.streams import StreamsBackbone
from tests.engine.conftest import labelled, voice
from tests.engine.systems.multigate.conftest import tiny_network

NAMES = ("anger", "fear", "joy")


def run(
    base: Base, clips: list[LabelledClip], names: tuple[str, ...] = NAMES, **changes: object
) -> tuple[list[StepTaken | Remark], Adapted]:
    settings = replace(resolve_settings(base.recommended), **changes)  # type: ignore[arg-type]
    *events, adapted = adapt(base, clips, names, settings)
    assert isinstance(adapted, Adapted)
    return [event for event in events if not isinstance(event, Adapted)], adapted


def scores(adapted: Adapted, clips: list[LabelledClip]) -> torch.Tensor:
    with torch.no_grad():
        inputs = [adapted.encoder.front_end(clip.windows[0]) for clip in clips]
        return adapted.head.scores(adapted.encoder.embed(inputs))


@pytest.mark.parametrize("trained", ["extractor", "all"])
def test_it_learns_a_tiny_batch_by_heart(trained: str, base: Base) -> None:
    clips = labelled([3, 3, 3])
    before = {name: tensor.clone() for name, tensor in base.encoder.state_dict().items()}
    events, adapted = run(base, clips, steps=40, learning_rate=0.01, trained=trained)
    assert [event.step for event in events if isinstance(event, StepTaken)] == list(range(1, 41))
    assert scores(adapted, clips).argmax(1).tolist() == [clip.label for clip in clips]
    assert not adapted.encoder.training
    for name, tensor in base.encoder.state_dict().items():
        assert torch.equal(tensor, before[name])
    network = adapted.encoder.extractor
    assert isinstance(network, MultiGate)
    assert network.languages == (NEW_LANGUAGE,)
    shared = [name for name in network.state_dict() if name.startswith("encoders")]
    moved = [not torch.equal(network.state_dict()[name], before[f"extractor.{name}"]) for name in shared]
    assert any(moved) == (trained == "all")


@pytest.mark.parametrize("trained", ["extractor", "all"])
def test_the_order_of_the_clips_does_not_matter_and_a_seed_repeats(trained: str, base: Base) -> None:
    clips = labelled([3, 2, 3])
    one = scores(run(base, clips, trained=trained)[1], clips)
    other = scores(run(base, clips[::-1], trained=trained)[1], clips)
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)
    again = scores(run(base, clips, trained=trained)[1], clips)
    torch.testing.assert_close(one, again, rtol=0, atol=0)
    seeded = scores(run(base, clips, trained=trained, seed=5)[1], clips)
    assert not torch.allclose(one, seeded)


def test_a_clip_of_several_windows_weighs_as_much_as_another(base: Base) -> None:
    clips = labelled([2, 2, 2])
    long = LabelledClip((*clips[0].windows, voice(50, 0.5)), 0)
    network = base.encoder.extractor
    assert isinstance(network, MultiGate)
    windows = multigate_adapt._windows(base.encoder, network, [long, *clips[1:]], 3)
    assert len(windows.labels) == 7
    assert windows.weights.sum() == pytest.approx(3), "a label weighs 1"
    assert windows.weights[windows.labels == 0].sum() == pytest.approx(1)
    assert sorted(windows.weights[windows.labels == 0].tolist())[-1] == pytest.approx(0.5), (
        "the short clip, a half of it"
    )
    _, adapted = run(base, [long, *clips[1:]])
    _, without = run(base, clips)
    assert not torch.allclose(adapted.head.weight, without.head.weight)


@pytest.mark.parametrize("trained", ["extractor", "all"])
def test_it_tells_what_its_gate_gives_each_stream(trained: str, base: Base) -> None:
    clips = labelled([3, 2, 2])
    adapted = run(base, clips, trained=trained)[1]
    assert adapted.explanation is not None
    shares = dict(adapted.explanation.shares)
    assert list(shares) == ["Spectrum (MFCC)", "Speech (Compact)", "Voice (GE2E)"]
    assert sum(shares.values()) == pytest.approx(1)
    network = adapted.encoder.extractor
    assert isinstance(network, MultiGate)
    of_labels: list[list[torch.Tensor]] = [[], [], []]
    for clip in clips:
        frames = adapted.encoder.backbone.encode([adapted.encoder.front_end(clip.windows[0])])
        gates = network.gate_weights(network.encode(network.read(frames)), network.active)
        assert gates is not None
        of_labels[clip.label].append(gates[0])
    mean = torch.stack([torch.stack(each).mean(0) for each in of_labels]).mean(0)
    torch.testing.assert_close(torch.tensor(list(shares.values())), mean, atol=1e-4, rtol=0)


def test_without_gates_it_tells_nothing(streams: StreamsBackbone, base: Base) -> None:
    network = tiny_network(streams, variant=Variant.SHARED_BOTTOM)
    encoder = EmotionEncoder(streams, network.for_new_language(kept=network.languages))
    assert run(replace(base, encoder=encoder), labelled([2, 2, 2]))[1].explanation is None


def test_no_steps_give_a_model_all_the_same(base: Base) -> None:
    events, adapted = run(base, labelled([1, 1]), ("a", "b"), steps=0)
    assert not events
    assert adapted.final_loss is None
    assert adapted.head.weight.shape == (2, 24)


def test_save_load_adapt_save_load_gives_the_same_scores(base: Base, tmp_path: Path) -> None:
    save_base(base, tmp_path / "base", "# card", {}, dtype="float32")
    clips = labelled([2, 2, 2])
    loaded = load_base_folder(tmp_path / "base")
    expected = scores(run(base, clips)[1], clips)
    _, adapted = run(loaded, clips)
    torch.testing.assert_close(scores(adapted, clips), expected, atol=1e-5, rtol=0)
    labels = tuple(LabelSpec(name, "#000000", "o", str(key), 2, 1) for key, name in enumerate(NAMES))
    model = AdaptedModel(adapted.encoder, adapted.head, labels, "xx", "tiny", "none", standardised=False, origin={})
    (tmp_path / "model").mkdir()
    save_model(model, tmp_path / "model", "# card")
    again = load_model(tmp_path / "model", "cpu")
    same = Adapted(again.encoder, again.head, None, adapted.settings, None)
    torch.testing.assert_close(scores(same, clips), expected, atol=1e-5, rtol=0)


def test_other_bases_and_choices_are_refused_in_words(base: Base, tiny_base: Base) -> None:
    with pytest.raises(BaseError, match="none of multi-gating"):
        list(adapt(tiny_base, labelled([2, 2]), ("a", "b"), resolve_settings(base.recommended)))
    with pytest.raises(LabellingError, match="top-4"):
        run(base, labelled([2, 2]), ("a", "b"), trained="top-4")


def test_an_adapted_model_can_be_adapted_again(base: Base) -> None:
    clips = labelled([2, 2, 2])
    _, adapted = run(base, clips)
    assert isinstance(adapted.encoder, EmotionEncoder)
    _, again = run(replace(base, encoder=adapted.encoder), clips)
    assert torch.isfinite(again.head.weight).all()
