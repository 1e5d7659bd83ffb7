"""A base as a folder: it comes back as it was, and damage is told in words."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, adapt
from engine.base_folder import Base, is_base_folder, load_base_folder, save_base
from engine.bases import load_base
from engine.checksums import wrong_sums
from engine.choices import Recommended
from engine.errors import BaseError
from engine.extractors import GatedLinearUnit
from engine.resources import resource
from tests.engine.conftest import labelled, tiny_encoder, voice


def glu_base() -> Base:
    recommended = Recommended(steps=7)
    return Base(
        "küçük",
        tiny_encoder(GatedLinearUnit),
        standardised=False,
        licence="CC BY-NC-SA 4.0",
        recommended=recommended,
        cosine_scale=12.5,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_base(glu_base(), tmp_path / "base", "# card", {"seed": 3, "corpora": {"nemo": 12}})
    return tmp_path / "base"


def _embedding(base: Base) -> torch.Tensor:
    with torch.inference_mode():
        return base.encoder.embed([base.encoder.front_end(voice(1))])


def test_a_base_comes_back_as_it_was(folder: Path) -> None:
    base = load_base_folder(folder)
    assert torch.equal(_embedding(base), _embedding(glu_base()))
    assert (base.name, base.standardised, base.licence) == ("küçük", False, "CC BY-NC-SA 4.0")
    assert base.recommended == Recommended(steps=7)
    assert base.cosine_scale == 12.5
    assert base.training == {"seed": 3, "corpora": {"nemo": 12}}
    assert {path.name for path in folder.iterdir()} == {"config.json", "model.safetensors", "README.md", "SHA256SUMS"}
    assert [path.name for path in folder.parent.iterdir()] == ["base"]


def test_a_base_folder_is_a_base_to_adapt_from(folder: Path) -> None:
    settings = AdaptationSettings(method="prototypes")
    *_, adapted = adapt(load_base(str(folder)), labelled([2, 2]), ("a", "b"), settings)
    assert isinstance(adapted, Adapted)


def test_half_precision_halves_the_file(folder: Path, tmp_path: Path) -> None:
    save_base(glu_base(), tmp_path / "half", "# card", {}, dtype="float16")
    sizes = [(each / "model.safetensors").stat().st_size for each in (folder, tmp_path / "half")]
    assert sizes[1] < 0.55 * sizes[0]
    torch.testing.assert_close(
        _embedding(load_base_folder(tmp_path / "half")), _embedding(glu_base()), atol=0.05, rtol=0.05
    )


def test_who_may_read_the_card_may_read_the_weights(folder: Path) -> None:
    assert (folder / "model.safetensors").stat().st_mode == (folder / "README.md").stat().st_mode


def test_a_base_replaces_a_base_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    save_base(Base("second", tiny_encoder(), standardised=True, licence="none"), folder, "# card", {})
    assert load_base_folder(folder).name == "second"
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("mine")
    with pytest.raises(BaseError, match="not empty"):
        save_base(glu_base(), tmp_path / "thesis", "# card", {})
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["thesis.txt"]


def test_a_writer_that_was_killed_while_removing_the_old_base_stops_no_other(folder: Path) -> None:
    left = folder.with_name(".base-old")
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"half removed")
    save_base(Base("second", tiny_encoder(), standardised=True, licence="none"), folder, "# card", {})
    assert load_base_folder(folder).name == "second"
    assert [path.name for path in folder.parent.iterdir()] == ["base"]


def test_a_changed_file_is_noticed(folder: Path) -> None:
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert wrong_sums(folder) == ["model.safetensors"]
    with pytest.raises(BaseError, match=r"checksum of model\.safetensors"):
        load_base_folder(folder)


def test_weights_that_may_not_be_read_are_told_in_words(open_folder: Path, unprivileged: Any) -> None:
    save_base(glu_base(), open_folder / "base", "# card", {})
    (open_folder / "base" / "model.safetensors").chmod(0)
    with unprivileged(), pytest.raises(BaseError, match=r"could not be read \(Permission denied\)"):
        load_base_folder(open_folder / "base")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format_version": 99}, "newer"),
        ({"encoder": {"backbone": {"kind": "?", "read_layers": [1]}}}, "do not fit together"),
        ({"recommended": {"colour": 1}}, "do not fit together"),
        ({"licence": None, "cosine_scale": "much"}, "do not fit together"),
        ({"format": "something else"}, "holds no base"),
    ],
)
def test_a_config_that_is_off_is_refused_in_words(folder: Path, change: dict[str, object], words: str) -> None:
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | change))
    digest = hashlib.sha256(config.read_bytes()).hexdigest()
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    (folder / "SHA256SUMS").write_text("\n".join(f"{digest}  config.json" if "config" in x else x for x in lines))
    with pytest.raises(BaseError, match=words):
        load_base_folder(folder)


@pytest.mark.parametrize("missing", ["model.safetensors", "SHA256SUMS", "config.json"])
def test_a_folder_with_a_file_missing_is_refused_in_words(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    assert is_base_folder(folder) == (missing != "config.json")
    with pytest.raises(BaseError, match=r"holds no base|damaged"):
        load_base_folder(folder)


def test_the_bundled_base_is_such_a_folder_and_whole() -> None:
    folder = resource("bases/compact")
    assert wrong_sums(folder) == []
    assert {line.split()[1] for line in (folder / "SHA256SUMS").read_text().splitlines()} == {
        path.name for path in folder.iterdir() if path.name != "SHA256SUMS"
    }
