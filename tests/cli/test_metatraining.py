"""metatrain on the command line: from made-up corpora to a base that adapt takes, killed on the way."""

import re
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.metalearning.recipe import KINDS, find_recipe, read_recipe
from tests.cli.conftest import Run, start
from tests.engine.metalearning.conftest import corpora_root, tiny_recipe, tiny_start

__all__ = ["corpora_root", "tiny_start"]  # fixtures


@pytest.fixture
def recipe(tmp_path: Path, tiny_start: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(tiny_recipe(tiny_start))
    return path


def test_metatrain_makes_a_base_that_adapt_takes(
    recipe: Path, corpora_root: Path, tmp_path: Path, labelled_project: Path, run: Run
) -> None:
    out = tmp_path / "out"
    ran = run("metatrain", recipe, "--corpora", corpora_root, "--out", out)
    assert ran.code == 0, ran
    assert ran.out.splitlines()[0].startswith(f"The base tiny is in {out / 'base'} (")
    assert "Licence: Weights under the terms of their sources: start none; corpora nEMO" in ran.out
    epochs = [line for line in ran.err.splitlines() if re.match(r"Note: Epoch \d \(", line)]
    assert len(epochs) == 3
    assert "validation loss" in epochs[0]
    adapted = run("adapt", labelled_project, "--base", out / "base", "--method", "prototypes", "--json")
    assert adapted.code == 0, adapted
    assert adapted.json["method_used"] == "prototypes"
    again = run("metatrain", recipe, "--corpora", corpora_root, "--out", out, "--json")
    assert again.json["folder"] == str(out / "base")
    assert again.json["size_bytes"] > 0
    assert not list(tmp_path.glob("*.lock"))


def test_metatrain_refuses_in_words(recipe: Path, corpora_root: Path, tmp_path: Path, fails: Run) -> None:
    options = ("--corpora", tmp_path, "--out", tmp_path / "out")
    assert fails("metatrain").code == 2
    assert fails("metatrain", "nonsense", *options).code == 1
    assert "nemo" in fails("metatrain", recipe, *options).err
    recipe.write_text('kind = "magic"')
    assert "no known kind" in fails("metatrain", recipe, *options).err
    assert fails("metatrain", recipe, "--corpora", tmp_path / "nowhere", "--out", tmp_path / "out").code == 1
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    recipe.write_text(tiny_recipe("/nowhere"))
    assert "not empty" in fails("metatrain", recipe, "--corpora", corpora_root, "--out", tmp_path / "mine").err


def test_the_recipes_that_the_help_names_can_be_read(run: Run) -> None:
    told = run("metatrain", "--help").out
    names = re.findall(r"^  (\S+) {2,}", told[told.index("bundled one:") : told.index("Options:")], re.MULTILINE)
    assert len(names) == 4
    for name in names:
        assert read_recipe(find_recipe(name)).settings.kind in KINDS


@pytest.mark.slow
def test_a_folder_in_use_is_not_taken_and_a_killed_run_goes_on_to_the_same_base(
    recipe: Path, corpora_root: Path, tmp_path: Path, run: Run, fails: Run
) -> None:
    recipe.write_text(recipe.read_text().replace("epochs = 2", "epochs = 8\npatience = 9"))  # time to be killed in
    arguments = ("metatrain", recipe, "--corpora", corpora_root, "--out")
    killed = start(*arguments, tmp_path / "killed", OMP_NUM_THREADS=str(torch.get_num_threads()))
    try:
        wait_for(tmp_path / "killed" / "recipe.toml")
        refused = fails(*arguments, tmp_path / "killed")
        wait_for(tmp_path / "killed" / "checkpoint" / "last.safetensors")
    finally:
        killed.kill()
        killed.communicate()
    assert "being trained in already" in refused.err
    assert not (tmp_path / "killed" / "base").exists()
    for name in ("killed", "whole"):
        ran = run(*arguments, tmp_path / name)
        assert ran.code == 0, ran
        assert ("Going on after step" in ran.err) == (name == "killed")
    found = [load_file(tmp_path / name / "base" / "model.safetensors") for name in ("killed", "whole")]
    assert all(torch.equal(found[0][name], tensor) for name, tensor in found[1].items())


def wait_for(path: Path) -> None:
    end = time.monotonic() + 120
    while not path.is_file() and time.monotonic() < end:
        time.sleep(0.01)
