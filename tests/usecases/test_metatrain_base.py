"""metatrain as a use-case: the engine's events as the user's, and a folder that is let go of however it ends."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.base_folder import load_base_folder
from engine.errors import RecipeError
from engine.metalearning.recipe import KINDS
from serstudio.usecases.dispatch import run
from serstudio.usecases.events import Progress, Warned
from serstudio.usecases.research_requests import BaseTrained, MetatrainBase
from tests.engine.metalearning.conftest import corpora_root, tiny_recipe, tiny_start
from tests.usecases.conftest import events_of

__all__ = ["corpora_root", "tiny_start"]  # fixtures


@pytest.fixture
def request_(tmp_path: Path, tiny_start: Path, corpora_root: Path) -> MetatrainBase:
    (tmp_path / "tiny.toml").write_text(tiny_recipe(tiny_start))
    return MetatrainBase(str(tmp_path / "tiny.toml"), corpora_root, tmp_path / "runs" / "first", device="cpu")


def test_a_training_tells_its_progress_and_ends_in_a_base(request_: MetatrainBase) -> None:
    events, result = events_of(request_)
    assert isinstance(result, BaseTrained)
    assert result.folder == request_.run_folder / "base"
    assert result.name == load_base_folder(result.folder).name == "tiny"
    assert result.size_bytes > 10_000
    steps = [event for event in events if isinstance(event, Progress) and event.loss is not None]
    assert [event.step for event in steps] == list(range(1, 13))
    assert all(event.remaining_s is not None and event.remaining_s >= 0 for event in steps)
    assert sum("Epoch" in event.message for event in events if isinstance(event, Warned)) == 3


def test_a_training_that_is_stopped_lets_go_of_its_folder_and_goes_on(request_: MetatrainBase) -> None:
    running = run(request_)
    for event in running:
        if isinstance(event, Progress) and event.step >= 3:
            break
    assert request_.run_folder.with_name("first.lock").exists()
    running.close()
    assert not request_.run_folder.with_name("first.lock").exists()
    events, _ = events_of(request_)
    assert any(isinstance(event, Warned) and event.message.startswith("Going on after step") for event in events)


def test_the_folder_that_one_is_in_will_do(
    request_: MetatrainBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    _, result = events_of(replace(request_, run_folder=Path()))
    assert isinstance(result, BaseTrained)
    assert (tmp_path / "here" / "base" / "model.safetensors").is_file()


def test_a_launcher_is_refused_where_the_work_cannot_be_shared(
    request_: MetatrainBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KINDS, "episodic", replace(KINDS["episodic"], shared=False))
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RecipeError, match="one process's work"):
        list(run(request_))
    assert not request_.run_folder.exists()
