import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from engine.backbones.compact import CompactBackbone
from engine.bases import load_base
from engine.resources import resource
from engine.specaugment import SpecAugment
from tests.engine.conftest import TINY_WHISPER, tiny_encoder, voice


def test_on_a_whole_window_it_is_transformers_own_encoder() -> None:
    torch.manual_seed(0)
    reference = WhisperEncoder(WhisperConfig(**TINY_WHISPER)).eval()
    backbone = CompactBackbone(TINY_WHISPER, (3,)).eval()
    weights = reference.state_dict()
    backbone.load_state_dict({name: weights[name] for name in backbone.state_dict()})
    mel = torch.randn(80, 3000)
    with torch.no_grad():
        expected = reference(mel[None]).last_hidden_state
        ours = reference.layer_norm(backbone.encode([mel]).hidden[0])
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)


def test_a_clip_does_not_depend_on_what_else_is_in_its_batch() -> None:
    backbone = tiny_encoder().backbone
    mels = [
        backbone.front_end(torch.from_numpy(voice(seed, duration_s))) for seed, duration_s in enumerate((1.0, 0.83))
    ]
    with torch.no_grad():
        together = backbone.encode(mels)
        for index, mel in enumerate(mels):
            alone = backbone.encode([mel])
            length = int(alone.lengths[0])
            assert int(together.lengths[index]) == length
            torch.testing.assert_close(together.hidden[:, index, :length], alone.hidden[:, 0], atol=1e-5, rtol=1e-4)


def test_only_layers_that_are_read_are_built() -> None:
    assert len(CompactBackbone(TINY_WHISPER, (1, 2)).layers) == 2


def test_masks_change_the_frames_and_a_seed_repeats_them() -> None:
    backbone = tiny_encoder().backbone
    mel = [backbone.front_end(torch.from_numpy(voice(0, 2.0)))]
    with torch.no_grad():
        clean = backbone.encode(mel).hidden
        masked = [backbone.encode(mel, SpecAugment(), torch.Generator().manual_seed(seed)).hidden for seed in (4, 4, 5)]
    assert torch.equal(masked[0], masked[1])
    assert not torch.allclose(masked[0], masked[2])
    assert not torch.allclose(masked[0], clean)


def test_the_bundled_base_loads_whole() -> None:
    folder = resource("bases/compact")
    config = json.loads((folder / "config.json").read_text())
    assert "CC BY-NC-SA" in config["licence"]  # of the corpora that it was trained on
    assert config["training"]["backbone_licence"].startswith("MIT")
    weights = load_file(folder / "model.safetensors")
    encoder = load_base("compact").encoder
    torch.testing.assert_close(encoder.backbone.conv1.weight, weights["conv1.weight"].float())
    assert (folder / "model.safetensors").stat().st_size <= 45_000_000


@pytest.mark.parametrize("duration_s", [0.1, 1.0, 9.375])
def test_the_bundled_base_takes_any_length(duration_s: float) -> None:
    encoder = load_base("compact").encoder
    with torch.inference_mode():
        embedding = encoder.embed([encoder.front_end(voice(0, duration_s))])
    assert embedding.shape == (1, encoder.embedding_size)
    assert embedding.isfinite().all()
