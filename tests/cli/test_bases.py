"""serstudio models: what a person at the terminal reads."""

import json
from pathlib import Path

import pytest

from engine.choices import BUNDLED_BASES
from tests.cli.conftest import Run, run_apart
from tests.engine.conftest import wav2vec2_folder
from tests.engine.store.conftest import hub, pickled_folder, store
from tests.engine.store.fake_hub import FakeHub

__all__ = ["hub", "pickled_folder", "store", "wav2vec2_folder"]  # fixtures


def test_list(store: Path, run: Run) -> None:
    ran = run("models", "list")
    assert ran.code == 0, ran
    header, compact, *others = ran.out.splitlines()
    assert header.split() == ["name", "state", "size", "licence", "about"]
    assert compact.split()[:2] == ["compact", "bundled"]
    xls_r = next(line for line in others if line.startswith("xls-r-300m"))
    assert "to download  1.3 GB  Apache-2.0" in xls_r
    assert "128 languages" in xls_r
    assert str(store) in ran.out
    as_json = run("models", "list", "--json").json
    assert as_json["bases"][0]["state"] == "bundled"
    assert as_json["store"] == str(store)


def test_download_tells_size_and_licence_first(hub: FakeHub, store: Path, run: Run) -> None:
    ran = run("models", "download", "tiny")
    assert ran.code == 0, ran
    size = f"{round(sum(len(hub.files[name]) for name in hub.files if name != 'README.md') / 1e3)} kB"
    assert ran.err.splitlines()[0] == f"Tiny: {size}; licence MIT; from somebody/tiny to {store / 'tiny'}"
    assert ran.out.splitlines()[0].startswith("tiny is installed: Tiny, ")
    assert "were pickled; they were rewritten as safetensors" in ran.out
    assert "serstudio adapt DIR --base tiny" in ran.out
    again = run("models", "download", "tiny")
    assert again.code == 1
    assert again.err.splitlines() == ["serstudio: Tiny is on this computer already. Adapt from it: --base tiny"]


def test_a_partial_download_says_what_is_still_to_come(hub: FakeHub, store: Path, run: Run) -> None:
    partial = store / ".partial-tiny"
    partial.mkdir(parents=True)
    (partial / "pytorch_model.bin.part").write_bytes(hub.files["pytorch_model.bin"][:100_000])
    size = sum(len(content) for name, content in hub.files.items() if name != "README.md")
    assert f"{100_000 / size:.0%} downloaded" in run("models", "list").out
    ran = run("models", "download", "tiny", "--json")
    assert ran.code == 0, ran
    assert f"{round((size - 100_000) / 1e3)} kB of it still to come" in ran.err
    assert ran.json["base"]["state"] == "installed"
    assert hub.ranges("pytorch_model.bin") == ["bytes=100000-"]


def test_asked_at_a_terminal_no_means_no(hub: FakeHub, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda _: True})())
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    assert run("models", "download", "tiny").code == 130
    assert hub.asked == []
    assert run("models", "download", "tiny", "--yes").code == 0
    assert run("models", "remove", "tiny").code == 130
    assert run("models", "list", "--json").json["bases"][1]["state"] == "installed"
    assert run("models", "remove", "tiny", "--yes").code == 0


def test_add_adapt_verify_remove(
    wav2vec2_folder: Path, store: Path, labelled_project: Path, run: Run, fails: Run
) -> None:
    ran = run("models", "add", wav2vec2_folder, "--name", "mine")
    assert ran.code == 0, ran
    assert ran.out.splitlines()[:2] == [
        "mine is installed: tiny-xls-r, 191 kB.",
        "Licence: as stated by the publisher of the base",
    ]
    adapted = run("adapt", labelled_project, "--base", "mine", "--method", "prototypes")
    assert adapted.code == 0, adapted
    assert run("models", "verify").out.splitlines() == [
        f"{name}: all files are as they should be." for name in (*BUNDLED_BASES, "mine")
    ]
    weights = store / "mine" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    ran = fails("models", "verify", "mine", "--json")
    assert json.loads(ran.out)["results"] == [{"name": "mine", "wrong": ["model.safetensors"]}]
    assert "1 model damaged: mine." in ran.err
    assert "DAMAGED, missing or changed: model.safetensors" in fails("models", "verify", "mine").out
    ran = run("models", "remove", "mine")
    assert ran.out.startswith("Removed mine: ")
    assert "adapted from mine keep what they need of it" in ran.err


def test_refusals(store: Path, tmp_path: Path, fails: Run) -> None:
    assert "no model called nothing" in fails("models", "download", "nothing").err
    assert "holds no model" in fails("models", "add", tmp_path).err
    assert "bundled model cannot be removed" in fails("models", "remove", "compact").err


def test_without_a_network_in_words(store: Path) -> None:
    ran = run_apart("models", "download", "xls-r-300m", HF_ENDPOINT="http://127.0.0.1:9")
    assert ran.code == 1
    assert ran.err.splitlines()[-1].startswith("serstudio: The download of XLS-R 300M stopped: there is no connection")
    assert list(store.iterdir()) == []
