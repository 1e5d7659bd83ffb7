"""Cepstra of short real-valued signals, and as frames of a backbone."""

import numpy as np
import pytest
import torch
from scipy.fft import dct

from engine.audio.mfcc import Mfcc
from engine.backbones.mfcc import MfccBackbone
from engine.encoder import build_backbone
from engine.specaugment import SpecAugment
from tests.engine.conftest import voice


def clip(length_s: float, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(voice(seed, length_s))


def test_they_are_the_cosine_transform_of_the_log_mel_bands() -> None:
    mfcc, samples = Mfcc(), clip(1.0)
    mel = mfcc.transform.MelSpectrogram(samples)
    expected = dct(torch.log(mel + 1e-6).numpy(), axis=0, norm="ortho")[:40, :100]
    np.testing.assert_allclose(mfcc(samples).numpy(), expected, atol=2e-3)


@pytest.mark.parametrize("length_s", [0.1, 0.53, 3.0])
def test_there_are_a_hundred_frames_a_second(length_s: float) -> None:
    assert Mfcc(13, 0.025)(clip(length_s)).shape == (13, int(length_s * 16_000) // 160)


def test_normalised_ones_have_no_mean_and_unit_deviation_whatever_the_level() -> None:
    mfcc = Mfcc(normalised=True)
    cepstra = mfcc(clip(1.0))
    torch.testing.assert_close(cepstra.mean(1), torch.zeros(40), atol=1e-4, rtol=0)
    torch.testing.assert_close(cepstra.std(1, correction=0), torch.ones(40), atol=1e-2, rtol=0)
    assert Mfcc(normalised=True)(torch.zeros(16_000)).isfinite().all()


def test_frames_do_not_depend_on_the_batch_and_masks_hide_them() -> None:
    backbone = MfccBackbone()
    inputs = [backbone.front_end(clip(length_s, seed)) for seed, length_s in enumerate((1.0, 0.6))]
    together = backbone.encode(inputs)
    assert together.lengths.tolist() == [100, 60]
    for row, alone in enumerate(inputs):
        assert torch.equal(together.hidden[0, row, : alone.shape[1]], alone.T)
    masked = backbone.encode(inputs, SpecAugment(), torch.Generator().manual_seed(0))
    assert (masked.hidden[0, 0] == 0).all(1).any()


def test_a_specification_builds_it_again_without_weights() -> None:
    backbone = MfccBackbone(20, normalised=False)
    assert not list(backbone.parameters())
    assert not backbone.state_dict()
    again = build_backbone(backbone.specification())
    assert torch.equal(again.front_end(clip(0.5)), backbone.front_end(clip(0.5)))
    with pytest.raises(IndexError, match="no layer 0"):
        again.run_layer(0, torch.zeros(1), None)
