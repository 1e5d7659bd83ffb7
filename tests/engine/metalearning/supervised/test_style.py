import numpy as np
import torch

from engine.metalearning.supervised.style import hide_channels, mix_styles

LABELS = torch.tensor([0, 1, 0, 1, 0, 1])


def made_up() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    lengths = torch.tensor([20, 25, 30, 30, 18, 22])
    hidden = torch.randn(6, 30, 4) * (1 + torch.arange(6.0))[:, None, None] + 10 * torch.arange(6.0)[:, None, None]
    return hidden, torch.arange(30)[None, :] < lengths[:, None]


def statistics(hidden: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    real = [steps[own] for steps, own in zip(hidden, mask, strict=True)]
    return torch.stack([each.mean(0) for each in real]), torch.stack([each.std(0, correction=0) for each in real])


def test_means_and_spreads_lie_between_those_of_two_clips_of_the_same_label() -> None:
    hidden, mask = made_up()
    mixed = mix_styles(hidden, mask, LABELS, 1.0, np.random.default_rng(1))
    assert not torch.allclose(mixed[mask], hidden[mask])
    for before, after in zip(statistics(hidden, mask), statistics(mixed, mask), strict=True):
        for label in (0, 1):
            own = label == LABELS
            assert bool((after[own] >= before[own].amin(0) - 1e-4).all())
            assert bool((after[own] <= before[own].amax(0) + 1e-4).all())


def test_the_course_over_time_stays() -> None:
    hidden, mask = made_up()
    mixed = mix_styles(hidden, mask, LABELS, 1.0, np.random.default_rng(1))
    for before, after, own in zip(hidden, mixed, mask, strict=True):
        for channel in range(4):
            both = torch.stack([before[own][:, channel], after[own][:, channel]])
            assert float(torch.corrcoef(both)[0, 1]) > 0.999


def test_clips_that_are_not_drawn_stay_as_they_are() -> None:
    hidden, mask = made_up()
    torch.testing.assert_close(
        mix_styles(hidden, mask, LABELS, 0.0, np.random.default_rng(1))[mask], hidden[mask], atol=1e-4, rtol=1e-4
    )
    half = mix_styles(hidden, mask, LABELS, 0.5, np.random.default_rng(3))
    same = [torch.allclose(half[clip][mask[clip]], hidden[clip][mask[clip]], atol=1e-3) for clip in range(6)]
    assert 0 < sum(same) < 6


def test_the_same_numbers_give_the_same_mixture() -> None:
    hidden, mask = made_up()
    first, again = (mix_styles(hidden, mask, LABELS, 0.7, np.random.default_rng(5)) for _ in range(2))
    assert torch.equal(first, again)


def test_blocks_of_channels_are_hidden_behind_the_fill_for_the_whole_clip() -> None:
    hidden, fill = torch.zeros(200, 5, 64), torch.arange(1.0, 65.0)
    seen = hide_channels(hidden, fill, np.random.default_rng(0))
    hides = seen == fill
    assert bool((hides | (seen == 0)).all())
    assert bool((hides == hides[:, :1]).all()), "in all steps of a clip or in none"
    blocks = hides[:, 0].reshape(200, 16, 4)
    assert bool((blocks == blocks[:, :, :1]).all())
    assert 0.2 < float(blocks[:, :, 0].float().mean()) < 0.28
    assert len({tuple(row) for row in blocks[:, :, 0].tolist()}) > 100
