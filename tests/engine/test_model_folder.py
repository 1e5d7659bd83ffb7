import json
from pathlib import Path

import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, adapt
from engine.bases import Base, load_base
from engine.errors import DeviceError, ModelFolderError
from engine.extractors import GatedLinearUnit, LateralInhibition, MeanFC
from engine.model_folder import AdaptedModel, LabelSpec, load_model, save_model
from engine.streaming import score_window
from tests.engine.conftest import labelled, tiny_encoder, voice


def model_of(base: Base) -> AdaptedModel:
    *_, adapted = adapt(base, labelled([2, 2]), ("злость", "joy"), AdaptationSettings(steps=1))
    assert isinstance(adapted, Adapted)
    labels = (LabelSpec("злость", "#aa0000", "▲", "1", 2, 1), LabelSpec("joy", "#00aa00", "●", "2", 2, 2))
    origin = {"method": "disjoint", "steps": 1}
    return AdaptedModel(adapted.encoder, adapted.head, labels, "Ket", "tiny", "none", base.standardised, origin)


@pytest.fixture
def folder(tmp_path: Path, tiny_base: Base) -> Path:
    save_model(model_of(tiny_base), tmp_path, "# card")
    return tmp_path


def test_a_saved_model_gives_the_same_answers_to_the_bit(folder: Path, tiny_base: Base) -> None:
    original, again = model_of(tiny_base), load_model(folder, "cpu")
    assert score_window(again, voice(5)) == score_window(original, voice(5))
    assert again.labels == original.labels
    assert (again.language, again.base, again.base_licence) == ("Ket", "tiny", "none")


@pytest.mark.parametrize("extractor", [MeanFC, LateralInhibition, GatedLinearUnit])
def test_the_papers_extractors_travel_too(tmp_path: Path, extractor: type) -> None:
    base = Base("tiny", tiny_encoder(extractor), standardised=False, licence="none")
    save_model(model_of(base), tmp_path, "# card")
    assert score_window(load_model(tmp_path, "cpu"), voice(5)) == score_window(model_of(base), voice(5))
    assert load_base(str(tmp_path)).encoder.embedding_size == 256


def test_a_model_folder_is_a_base(folder: Path) -> None:
    base = load_base(str(folder))
    *_, adapted = adapt(base, labelled([2, 2]), ("a", "b"), AdaptationSettings(method="prototypes"))
    assert isinstance(adapted, Adapted)


def test_the_folder_holds_three_files_and_nothing_pickled(folder: Path) -> None:
    assert {file.name for file in folder.iterdir()} == {"config.json", "model.safetensors", "README.md"}


def test_a_changed_weight_is_noticed(folder: Path) -> None:
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelFolderError, match="damaged"):
        load_model(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format_version": 99}, "newer"),
        ({"format": "something else"}, "not written by SER Studio"),
        ({"labels": []}, "not one row a label"),
        ({"encoder": {"backbone": {"kind": "?", "read_layers": [1]}}}, "do not fit together"),
        ({"language": None, "labels": [{"name": "x"}]}, "do not fit together"),
    ],
)
def test_a_config_that_is_off_is_refused_in_words(folder: Path, change: dict[str, object], words: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ModelFolderError, match=words):
        load_model(folder)


@pytest.mark.parametrize("text", ["", "not json", "[]"])
def test_a_config_that_cannot_be_read_is_refused_in_words(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelFolderError, match="cannot be read"):
        load_model(folder)


def test_an_empty_folder_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="holds no adapted model"):
        load_model(tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_that_is_not_there_is_refused_in_words(folder: Path) -> None:
    with pytest.raises(DeviceError, match="no CUDA"):
        load_model(folder, "cuda")
