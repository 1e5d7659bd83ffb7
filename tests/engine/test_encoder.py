import pytest
import torch
from torch import Tensor

from engine import encoder as encoder_module
from engine.encoder import MOST_CLIPS_IN_BATCH, EmotionEncoder
from engine.specaugment import SpecAugment
from tests.engine.conftest import tiny_encoder, voice

DURATIONS_S = (0.5, 1.3, 0.55, 0.5, 1.25, 0.9)


@pytest.fixture
def encoder() -> EmotionEncoder:
    return tiny_encoder()


def inputs_of(encoder: EmotionEncoder) -> list[Tensor]:
    return [encoder.front_end(voice(seed, length)) for seed, length in enumerate(DURATIONS_S)]


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def test_embeddings_come_in_the_order_given_and_masks_do_not_depend_on_the_batches(encoder: EmotionEncoder) -> None:
    inputs = inputs_of(encoder)
    with torch.no_grad():
        masked = encoder.embed(inputs, SpecAugment(), seeded())
        encoder.most_clips_in_batch = 1
        one_by_one = encoder.embed(inputs, SpecAugment(), seeded())
        clean = torch.cat([encoder.embed([each]) for each in inputs])
    torch.testing.assert_close(masked, one_by_one, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encoder.embed(inputs), clean, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(masked, clean, atol=1e-3)


@pytest.mark.parametrize("depth", [0, 2, 3])
def test_from_what_was_kept_the_same_embeddings_are_made(encoder: EmotionEncoder, depth: int) -> None:
    inputs = inputs_of(encoder)
    masks = encoder.backbone.draw_masks(inputs, SpecAugment(), seeded())
    with torch.no_grad():
        lowered = encoder.lower(inputs, masks, depth)
        whole = encoder.embed(inputs, SpecAugment(), seeded())
        torch.testing.assert_close(encoder.embed_lowered(lowered, depth), whole, atol=1e-5, rtol=1e-4)
        some = encoder.embed_lowered([lowered[4], lowered[1]], depth)
    torch.testing.assert_close(some, whole[[4, 1]], atol=1e-5, rtol=1e-4)


def lengths_in_batches(encoder: EmotionEncoder, lengths: list[int]) -> list[list[int]]:
    batches = list(encoder.batches([torch.zeros(1, length) for length in lengths]))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    return sorted([lengths[index] for index in batch] for batch in batches)


def test_front_ends_come_in_the_order_given(encoder: EmotionEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = [voice(seed, length) for seed, length in enumerate(DURATIONS_S)]
    for ours, expected in zip(encoder.front_ends(windows), inputs_of(encoder), strict=True):
        torch.testing.assert_close(ours, expected)
    assert encoder.front_ends([]) == []
    monkeypatch.setattr(encoder_module, "_MOST_SAMPLES_AT_ONCE", 8_000)  # one of half a second
    stacks: list[int] = []
    of_equals = encoder.backbone.front_end_of_equals
    monkeypatch.setattr(
        encoder.backbone, "front_end_of_equals", lambda stacked: stacks.append(len(stacked)) or of_equals(stacked)
    )
    assert len(encoder.front_ends(windows)) == len(windows)
    assert stacks == [1] * len(windows)


def test_like_lengths_share_a_batch(encoder: EmotionEncoder) -> None:
    assert lengths_in_batches(encoder, [100, 300, 110, 120, 290, 150]) == [[100, 110, 120], [150], [290, 300]]


def test_a_batch_is_never_too_large(encoder: EmotionEncoder) -> None:
    sizes = [len(batch) for batch in lengths_in_batches(encoder, [100 + n % 7 for n in range(40)])]
    assert max(sizes) == MOST_CLIPS_IN_BATCH
    encoder.most_clips_in_batch = 3
    assert max(len(batch) for batch in lengths_in_batches(encoder, [100] * 10)) == 3


def test_many_clips_of_one_length_go_without_padding(encoder: EmotionEncoder) -> None:
    batches = lengths_in_batches(encoder, [100] * 8 + [104] * 9 + [98, 102, 103])
    assert batches == [[98, 102, 103], [100] * 8, [104] * 9]


def test_no_clips_no_batches(encoder: EmotionEncoder) -> None:
    assert lengths_in_batches(encoder, []) == []
