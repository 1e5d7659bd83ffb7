"""What would fail on a GPU and not here: tensors of two devices in one operation.

PyTorch's fake tensors have a device and a shape and no values, and refuse to mix devices as real ones do: no GPU is
needed.
"""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from engine.bases import load_base
from engine.encoder import EmotionEncoder
from engine.extractors import MeanFC
from engine.heads import Head
from engine.specaugment import SpecAugment
from tests.engine.backbones.family import CONFIGS, build

GPU = "cuda"


def _bundled() -> EmotionEncoder:
    return load_base().encoder


def _of(kind: str) -> Callable[[], EmotionEncoder]:
    return lambda: EmotionEncoder(build(kind, (2, 4)), MeanFC(32, 2))


def _placed(encoder: EmotionEncoder, mode: FakeTensorMode) -> None:
    """Fakes on the GPU in place of all weights, as `Module.to` would have them."""
    for module in encoder.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                fake = mode.from_tensor(parameter.detach()).to(GPU)
                module._parameters[name] = nn.Parameter(fake, requires_grad=False)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = mode.from_tensor(buffer).to(GPU)


@pytest.mark.parametrize("make", [_bundled, *map(_of, CONFIGS)], ids=["compact", *CONFIGS])
def test_no_part_of_an_encoder_stays_behind(make: Callable[[], EmotionEncoder]) -> None:
    encoder = make()
    samples = [torch.zeros(n) for n in (32_000, 32_000, 30_000)]
    heard = [encoder.backbone.front_end(each) for each in samples]
    masks = encoder.backbone.draw_masks(heard, SpecAugment(), torch.Generator().manual_seed(0))
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.no_grad():
        _placed(encoder, mode)
        equals = encoder.backbone.front_end_of_equals(torch.stack(samples[:2]).to(GPU))
        inputs = [*equals, encoder.backbone.front_end(samples[2].to(GPU))]
        whole = encoder.extractor(encoder.backbone.encode_masked(inputs, masks))
        again = encoder.embed_lowered(encoder.lower(inputs, masks, 1), 1)
        assert whole.device.type == again.device.type == GPU
        assert whole.shape == again.shape == (3, encoder.embedding_size)
        rows = torch.zeros(4, encoder.embedding_size, device=GPU)
        zeros = rows[0]
        head = Head(
            "prototypes", rows, rows[:, 0], zeros, zeros, projection=torch.zeros(len(zeros), len(zeros), device=GPU)
        )
        assert head.scores(whole).shape == (3, 4)
