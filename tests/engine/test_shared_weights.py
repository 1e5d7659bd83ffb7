"""A base without what the base beside it holds."""

import shutil
from pathlib import Path

import pytest
import torch

from engine.base_folder import Base, load_backbone, load_base_folder, read_tensors, save_base
from engine.errors import BaseError
from engine.extractors import GatedLinearUnit, MeanFC
from engine.shared_weights import share_weights
from tests.engine.conftest import tiny_encoder, voice


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """compact/ and, without its backbone, system/; both of one backbone, which compact stores in half precision."""
    save_base(
        Base("compact", tiny_encoder(GatedLinearUnit), standardised=False, licence="x"),
        tmp_path / "compact",
        "",
        {},
        "float16",
    )
    encoder = tiny_encoder(MeanFC)
    backbone, _ = load_backbone(tmp_path / "compact", (2, 3))
    encoder.backbone.load_state_dict(backbone.state_dict())
    save_base(Base("system", encoder, standardised=False, licence="x"), tmp_path / "run" / "base", "card", {"seed": 1})
    share_weights(tmp_path / "run" / "base", tmp_path / "compact", tmp_path / "system")
    return tmp_path


def test_it_is_the_same_base_and_smaller(bundle: Path) -> None:
    whole, shared = load_base_folder(bundle / "run" / "base"), load_base_folder(bundle / "system")
    with torch.inference_mode():
        ours, theirs = (base.encoder.embed([base.encoder.front_end(voice(0))]) for base in (whole, shared))
    assert torch.equal(ours, theirs)
    assert shared.training == {"seed": 1}
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (bundle / "run" / "base", bundle / "system")]
    assert sizes[1] < sizes[0] / 2
    assert read_tensors(bundle / "system").keys() == read_tensors(bundle / "run" / "base").keys()


def test_without_its_neighbour_or_with_another_it_is_damaged_in_words(bundle: Path) -> None:
    save_base(Base("compact", tiny_encoder(seed=9), standardised=True, licence="x"), bundle / "compact", "", {})
    with pytest.raises(BaseError, match="damaged"):
        load_base_folder(bundle / "system")
    shutil.rmtree(bundle / "compact")
    with pytest.raises(BaseError, match="damaged"):
        load_base_folder(bundle / "system")


def test_it_lies_beside_its_neighbour(bundle: Path) -> None:
    with pytest.raises(ValueError, match="does not lie beside"):
        share_weights(bundle / "run" / "base", bundle / "compact", bundle / "run" / "elsewhere")
