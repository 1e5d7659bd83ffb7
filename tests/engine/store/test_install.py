"""Folders that become bases of the store: what is copied, what is known of it, what is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.base_folder import save_base
from engine.bases import Base, load_base
from engine.checksums import wrong_sums
from engine.errors import BaseError
from engine.store import installed_names, read_record, stored_folder
from engine.store.check import Checked, check
from engine.store.files import LICENCE_UNSTATED, licence_of, model_files, parameters_of
from engine.store.install import candidate, complete, copy_files, put_in_place
from engine.store.location import as_store_name, is_store_name
from tests.engine.conftest import tiny_encoder, voice
from tests.engine.store.conftest import tiny_state
from tests.engine.store.fake_hub import REVISION, FakeHub


def add(source: Path, store: Path, name: str | None = None) -> Path:
    found = candidate(source, name)
    staging = store / ".staging"
    staging.mkdir(parents=True)
    for _ in copy_files(found.source, found.files, staging):
        pass
    for _ in complete(staging, found.name, found.record):
        pass
    return put_in_place(staging, found.name)


@pytest.fixture
def base_folder(tmp_path: Path, tiny_base: Base) -> Path:
    folder = tmp_path / "My base"
    base = Base("Field base", tiny_encoder(), standardised=True, licence="CC BY 4.0")
    save_base(base, folder, card="# Field base\n", training={"recipe": "tiny"})
    return folder


def test_a_folder_with_safetensors_is_copied_and_loads_by_its_name(wav2vec2_folder: Path, store: Path) -> None:
    (wav2vec2_folder / "notes.txt").write_text("not part of a model")
    added = add(wav2vec2_folder, store)
    assert added == store / "tiny-xls-r" == stored_folder("tiny-xls-r")
    assert {path.name for path in added.iterdir()} == {"config.json", "model.safetensors", "store.json", "SHA256SUMS"}
    assert installed_names() == ("tiny-xls-r",)
    base = load_base("tiny-xls-r")
    assert base.name == "tiny-xls-r"
    assert base.licence == LICENCE_UNSTATED
    record = read_record(added)
    assert record.parameters == parameters_of(wav2vec2_folder, ("model.safetensors",)) == 44_928
    assert (record.title, record.source, record.converted) == ("tiny-xls-r", "tiny-xls-r", False)
    assert str(wav2vec2_folder.parent) not in (added / "store.json").read_text()


def test_pickled_weights_come_in_as_safetensors(pickled_folder: Path, store: Path) -> None:
    added = add(pickled_folder, store, "tiny")
    assert not list(added.glob("*.bin"))
    assert wrong_sums(added) == []
    assert read_record(added).converted
    assert read_record(added).licence == "MIT"
    assert load_base("tiny").licence == "MIT"
    assert (pickled_folder / "pytorch_model.bin").exists()


def test_weights_in_several_files(wav2vec2_folder: Path, store: Path) -> None:
    state = tiny_state()
    names = sorted(state)
    (wav2vec2_folder / "model.safetensors").unlink()
    where = {name: f"model-{1 + (index >= 9)}.safetensors" for index, name in enumerate(names)}
    for file in set(where.values()):
        part = {name: state[name] for name in names if where[name] == file}
        save_file(part, wav2vec2_folder / file, {"format": "pt"})
    index = wav2vec2_folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": where}))

    added = add(wav2vec2_folder, store, "parts")
    assert {"model-1.safetensors", "model-2.safetensors", index.name} <= {path.name for path in added.iterdir()}
    loaded, original = load_base("parts"), load_base(f"hf:{wav2vec2_folder}")
    heard = [base.encoder.embed([base.encoder.front_end(voice(1))]) for base in (loaded, original)]
    assert torch.equal(*heard)

    (wav2vec2_folder / "model-2.safetensors").unlink()
    with pytest.raises(BaseError, match=r"lacks model-2\.safetensors"):
        candidate(wav2vec2_folder, None)
    index.write_text(json.dumps({"weight_map": {"a": "../../outside.safetensors"}}))
    with pytest.raises(BaseError, match="lacks"):
        model_files(wav2vec2_folder)
    index.write_text("[]")
    with pytest.raises(BaseError, match="cannot be read"):
        model_files(wav2vec2_folder)


def test_a_metatrained_base(base_folder: Path, store: Path) -> None:
    added = add(base_folder, store, "field")
    assert read_record(added).title == "Field base"
    base = load_base("field")
    assert (base.name, base.licence) == ("field", "CC BY 4.0")
    with (base_folder / "README.md").open("a") as card:
        card.write("changed")
    with pytest.raises(BaseError, match=r"the checksum of README\.md is wrong"):
        candidate(base_folder, None)


def test_a_folder_of_another_store_keeps_what_is_known_of_it(
    pickled_folder: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = tmp_path / "stick" / "tiny"
    shutil.copytree(add(pickled_folder, store, "tiny"), stick)
    monkeypatch.setenv("SERSTUDIO_MODELS", str(tmp_path / "other computer"))
    added = add(stick, tmp_path / "other computer")
    assert read_record(added) == read_record(stick)
    (stick / "config.json").write_text("{}")
    with pytest.raises(BaseError, match=r"config\.json is wrong"):
        candidate(stick, "again")


def test_a_copy_of_a_model_on_offer_is_known_for_it(hub: FakeHub, pickled_folder: Path, store: Path) -> None:
    added = add(pickled_folder, store)
    assert added.name == "tiny"
    record = read_record(added)
    assert (record.title, record.source, record.revision, record.licence) == ("Tiny", hub.repository, REVISION, "MIT")


def test_a_hubs_cache_of_a_model(wav2vec2_folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "models--somebody--thing"
    shutil.copytree(wav2vec2_folder, cache / "snapshots" / "abc")
    found = candidate(cache, None)
    assert found.source == cache / "snapshots" / "abc"
    assert (found.name, found.record.title, found.record.source) == ("thing", "thing", "thing")


def test_refusals(wav2vec2_folder: Path, base_folder: Path, store: Path, tmp_path: Path) -> None:
    with pytest.raises(BaseError, match="holds no model"):
        candidate(tmp_path, None)
    with pytest.raises(BaseError, match="cannot be called 'No Name'"):
        candidate(wav2vec2_folder, "No Name")
    with pytest.raises(BaseError, match="cannot be called 'compact'"):
        candidate(wav2vec2_folder, "compact")
    add(wav2vec2_folder, store, "taken")
    with pytest.raises(BaseError, match="called taken already"):
        candidate(wav2vec2_folder, "taken")
    (store / "mine").mkdir()
    with pytest.raises(BaseError, match="is no model of SER Studio's"):
        candidate(wav2vec2_folder, "mine")
    (base_folder / "config.json").write_text('{"format": "serstudio-model"}')
    with pytest.raises(BaseError, match="is an adapted model"):
        candidate(base_folder, None)
    (wav2vec2_folder / "model.safetensors").unlink()
    with pytest.raises(BaseError, match="has no weights"):
        candidate(wav2vec2_folder, None)


@pytest.mark.parametrize("damage", ["weights", "kind", "end"])
def test_a_model_that_does_not_load_is_not_put_into_the_store(wav2vec2_folder: Path, store: Path, damage: str) -> None:
    if damage == "weights":
        save_file({"other": torch.zeros(3)}, wav2vec2_folder / "model.safetensors", {"format": "pt"})
    elif damage == "end":
        content = (wav2vec2_folder / "model.safetensors").read_bytes()
        (wav2vec2_folder / "model.safetensors").write_bytes(content[:-100])
    else:
        config = json.loads((wav2vec2_folder / "config.json").read_text())
        (wav2vec2_folder / "config.json").write_text(json.dumps(config | {"model_type": "bert"}))
    with pytest.raises(BaseError) as caught:
        add(wav2vec2_folder, store)
    assert ".staging" not in str(caught.value)
    assert "tiny-xls-r" in caught.value.message
    assert installed_names() == ()


def test_a_full_disk_is_told_before_copying(
    wav2vec2_folder: Path, store: Path, full_disk: Callable[[int], None]
) -> None:
    full_disk(1000)
    with pytest.raises(BaseError, match="The disk is too full: the model needs"):
        add(wav2vec2_folder, store)


def test_files_that_changed_or_went_are_found(wav2vec2_folder: Path, store: Path) -> None:
    added = add(wav2vec2_folder, store)
    assert list(check(added))[-1] == Checked(())
    content = (added / "model.safetensors").read_bytes()
    (added / "model.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    (added / "store.json").unlink()
    assert list(check(added))[-1] == Checked(("model.safetensors", "store.json"))
    (added / "SHA256SUMS").unlink()
    assert list(check(added))[-1] == Checked(("SHA256SUMS",))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("facebook/XLS-R 300M", "facebook-xls-r-300m"),
        ("Mój model (2)", "moj-model-2"),
        ("модель", "model"),
        ("compact", "model-compact"),
        ("..", "model"),
        ("x" * 100, "x" * 64),
    ],
)
def test_names_made_fit(text: str, name: str) -> None:
    assert as_store_name(text) == name
    assert is_store_name(name)


@pytest.mark.parametrize("name", ["", "..", "../other", "/etc", "a/b", "A", "nul", "nul.txt", ".hidden", "x" * 65])
def test_names_that_no_base_can_have(name: str, store: Path) -> None:
    assert not is_store_name(name)
    assert stored_folder(name) is None


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: cc-by-nc-sa-4.0\n---\n", "CC BY-NC-SA 4.0"),
        ("---\nlanguage: en\nlicense: 'apache-2.0'\n---\nlicense: mit\n", "Apache-2.0"),
        ("---\nlicense: other\n---\n", LICENCE_UNSTATED),
        ("# A card\nlicense: mit\n", LICENCE_UNSTATED),
        ("", LICENCE_UNSTATED),
    ],
)
def test_the_licence_of_a_card(card: str, licence: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(card)
    assert licence_of(tmp_path) == licence


def test_a_damaged_record_is_told_with_the_mend(wav2vec2_folder: Path, store: Path) -> None:
    added = add(wav2vec2_folder, store)
    (added / "store.json").write_text("{}")
    with pytest.raises(BaseError, match="serstudio models remove tiny-xls-r"):
        load_base("tiny-xls-r")


def test_a_model_on_offer_that_is_not_here_is_told_how_to_get(store: Path) -> None:
    with pytest.raises(BaseError, match="serstudio models download xls-r-300m"):
        load_base("xls-r-300m")
