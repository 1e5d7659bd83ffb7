import pytest
import torch

from engine.specaugment import SpecAugment


def test_the_masked_share_is_about_what_was_asked() -> None:
    generator = torch.Generator().manual_seed(0)
    augment = SpecAugment(time_probability=0.15, channel_probability=0.1)
    lengths = torch.full((400,), 300)
    # spans may overlap, so a little less than the sum of their lengths is masked
    assert 0.11 < augment.time_mask(lengths, 100.0, generator).float().mean() < 0.16
    assert 0.07 < augment.channel_mask(400, 80, generator).float().mean() < 0.11


def test_padding_is_never_masked_and_half_of_a_clip_is_always_left() -> None:
    generator = torch.Generator().manual_seed(1)
    augment = SpecAugment(time_probability=0.9)
    lengths = torch.tensor([1, 2, 5, 40, 200])
    for _ in range(50):
        mask = augment.time_mask(lengths, 100.0, generator)
        for row, length in zip(mask, lengths.tolist(), strict=True):
            assert not row[length:].any()
            assert row[:length].float().mean() <= 0.5


def test_a_seed_draws_the_same_masks() -> None:
    lengths = torch.tensor([150, 300])
    draws = [SpecAugment().time_mask(lengths, 100.0, torch.Generator().manual_seed(7)) for _ in range(2)]
    assert torch.equal(draws[0], draws[1])


def test_one_clip_at_a_time_is_drawn_as_in_a_batch_of_its_own() -> None:
    masks = SpecAugment().draw(300, 80, 100.0, torch.Generator().manual_seed(7))
    generator = torch.Generator().manual_seed(7)
    assert torch.equal(masks.time, SpecAugment().time_mask(torch.tensor([300]), 100.0, generator)[0])
    assert torch.equal(masks.channels, SpecAugment().channel_mask(1, 80, generator)[0])
    assert masks.time.any()


@pytest.mark.parametrize("field", ["time_probability", "channel_probability"])
def test_zero_masks_nothing(field: str) -> None:
    augment = SpecAugment(**{field: 0.0})
    generator = torch.Generator().manual_seed(0)
    mask = (
        augment.time_mask(torch.tensor([300]), 100.0, generator)
        if field == "time_probability"
        else augment.channel_mask(1, 80, generator)
    )
    assert not mask.any()
