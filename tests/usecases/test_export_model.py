"""Exports whole and small, as a colleague gets them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.base_folder import Base, save_base
from engine.bases import load_base
from engine.extractors import LinearDiscriminant, Mixture
from engine.fingerprint import fingerprint
from engine.heads import Head
from engine.known_emotions import KnownEmotions
from engine.model_folder import load_model
from serstudio.errors import ExportError
from serstudio.project import Project, read_version_files
from serstudio.usecases import export_model as module
from serstudio.usecases.dispatch import run
from serstudio.usecases.requests import (
    AdaptProject,
    ClassifyFiles,
    ExportModel,
    FilesClassified,
    ModelExported,
    VersionAdded,
)
from serstudio.usecases.small_export import small_reason, whole_bytes
from serstudio.usecases.version_base import load_base_of
from tests.engine.conftest import tiny_encoder
from tests.usecases.conftest import events_of


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with the tiny base, called `tiny`."""
    monkeypatch.setenv("SERSTUDIO_MODELS", str(tmp_path / "store"))
    _install(tmp_path / "store", seed=0)
    return tmp_path / "store"


def _install(store: Path, seed: int) -> None:
    base = Base("tiny", tiny_encoder(seed=seed), standardised=True, licence="CC BY 4.0")
    save_base(base, store / "tiny", "card", {})
    record = {
        "format": "serstudio-stored-base", "format_version": 1, "title": "Tiny", "source": "", "revision": "",
        "licence": base.licence, "parameters": None, "words": "", "converted": False, "weights_sha256": [],
    }  # fmt: skip
    (store / "tiny" / "store.json").write_text(json.dumps(record))


@pytest.fixture
def adapted(labelled_project: Path, store: Path) -> Path:
    """A project with one version: layer norms of `tiny`, and a head."""
    added = _adapt(labelled_project, base="tiny", method="disjoint", trained="norms", steps=2, learning_rate=1e-2)
    assert added.size_bytes == read_version_files(added.folder).size_bytes
    return labelled_project


def _adapt(folder: Path, **changes: object) -> VersionAdded:
    _, added = events_of(AdaptProject(folder, **changes))  # type: ignore[arg-type]
    assert isinstance(added, VersionAdded)
    return added


def _export(folder: Path, to: Path, *, whole: bool, version: int | None = None) -> ModelExported:
    _, exported = events_of(ExportModel(folder, to, version, "cpu", whole))
    assert isinstance(exported, ModelExported)
    return exported


def _scores(model: Path, voices: Path) -> list[dict[str, float]]:
    _, classified = events_of(ClassifyFiles(model, (voices,), "cpu"))
    assert isinstance(classified, FilesClassified)
    return [result.scores for result in classified.results]


def test_whole_and_small_give_the_answers_of_the_version_to_the_bit(
    adapted: Path, voices: Path, tmp_path: Path
) -> None:
    ours = _scores(adapted, voices)
    whole = _export(adapted, tmp_path / "whole", whole=True)
    small = _export(adapted, tmp_path / "small", whole=False)
    assert (whole.largest_difference, small.largest_difference) == (0.0, 0.0)
    assert (whole.needs, small.needs) == ("", "tiny")
    assert small.size_bytes < 0.2 * whole.size_bytes
    assert _scores(whole.folder, voices) == _scores(small.folder, voices) == ours
    assert {file.name for file in small.folder.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    assert whole.licence == small.licence == "CC BY 4.0"


def test_the_card_of_a_small_export_says_what_is_missing(adapted: Path, tmp_path: Path) -> None:
    small = _export(adapted, tmp_path / "small", whole=False)
    card = (small.folder / "README.md").read_text()
    assert card.startswith((adapted / "models" / "0001" / "README.md").read_text())
    assert "its base, tiny, is here. The base has to be added to SER Studio first" in card
    assert fingerprint(tiny_encoder()) in card


def test_a_whole_export_needs_neither_project_nor_store(
    adapted: Path, store: Path, voices: Path, tmp_path: Path
) -> None:
    ours = _scores(adapted, voices)
    whole = _export(adapted, tmp_path / "whole", whole=True)
    about = whole_bytes(read_version_files(adapted / "models" / "0001"))
    assert about == pytest.approx(whole.size_bytes, rel=0.1)
    shutil.rmtree(store)
    shutil.rmtree(adapted)
    assert _scores(whole.folder, voices) == ours


def test_what_somebody_wrote_into_the_card_travels(adapted: Path, tmp_path: Path) -> None:
    (adapted / "models" / "0001" / "README.md").write_text("# My own words\n")
    for whole in (True, False):
        exported = _export(adapted, tmp_path / str(whole), whole=whole)
        assert (exported.folder / "README.md").read_text().startswith("# My own words\n")


def test_a_card_in_an_old_encoding_loses_only_its_umlauts(adapted: Path, tmp_path: Path) -> None:
    (adapted / "models" / "0001" / "README.md").write_bytes("# Für Jörg\n".encode("latin-1"))
    for whole in (True, False):
        exported = _export(adapted, tmp_path / str(whole), whole=whole)
        assert (exported.folder / "README.md").read_text("utf-8").startswith("# F\ufffdr J\ufffdrg\n")


def test_a_card_that_cannot_be_read_is_told(adapted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("serstudio.usecases.export_model.read_card", refuse)
    with pytest.raises(ExportError, match=r"README.md cannot be read \(Permission denied\)"):
        _export(adapted, tmp_path / "out", whole=True)
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("is_delta", [True, False])
def test_no_export_tells_of_folders_of_this_computer(
    is_delta: bool, labelled_project: Path, tiny_base_folder: str, voices: Path, tmp_path: Path
) -> None:
    """Not even of a version from before, which has what was typed in its card and its configuration."""
    version = _adapt(labelled_project, base=tiny_base_folder, method="lda").folder
    if not is_delta:
        whole = _export(labelled_project, tmp_path / "whole", whole=True).folder
        shutil.rmtree(version)
        whole.rename(version)
    config = json.loads((version / "config.json").read_text())
    (version / "config.json").write_text(json.dumps(config | {"base": tiny_base_folder}))
    card = (version / "README.md").read_text()
    (version / "README.md").write_text(card.replace(Path(tiny_base_folder).name, tiny_base_folder))
    ours = _scores(version, voices)
    exported = _export(labelled_project, tmp_path / "exported", whole=True).folder
    texts = [(exported / name).read_text() for name in ("config.json", "README.md")]
    assert [(str(Path(tiny_base_folder).parent) in text, Path(tiny_base_folder).name in text) for text in texts] == [
        (False, True)
    ] * 2
    assert texts[1] == card
    assert _scores(exported, voices) == ours


def test_a_small_export_of_a_base_that_nobody_else_has_is_refused(
    labelled_project: Path, tiny_base_folder: str, tmp_path: Path
) -> None:
    _adapt(labelled_project, base=tiny_base_folder, method="lda")
    with pytest.raises(ExportError, match=r"is not among the models here.*Export it whole"):
        _export(labelled_project, tmp_path / "small", whole=False)
    assert not list(tmp_path.glob("*small*"))
    _export(labelled_project, tmp_path / "whole", whole=True)


def test_a_small_export_is_refused_where_the_base_of_that_name_is_another_now(
    adapted: Path, store: Path, voices: Path, tmp_path: Path
) -> None:
    ours = _scores(adapted, voices)
    shutil.rmtree(store / "tiny")
    _install(store, seed=9)
    with pytest.raises(ExportError, match="not the one that goes by its name"):
        _export(adapted, tmp_path / "small", whole=False)
    assert not list(tmp_path.glob("*small*"))
    whole = _export(adapted, tmp_path / "whole", whole=True)
    assert _scores(whole.folder, voices) == _scores(adapted, voices) == ours


def test_a_version_of_an_older_app_is_whole_and_stays_so(adapted: Path, voices: Path, tmp_path: Path) -> None:
    """Format version 2: the same whole layout, and no word of deltas."""
    whole = _export(adapted, tmp_path / "whole", whole=True)
    config = json.loads((whole.folder / "config.json").read_text())
    assert "delta" not in config
    (whole.folder / "config.json").write_text(json.dumps(config | {"format_version": 2}))
    shutil.rmtree(adapted / "models" / "0001")
    whole.folder.rename(adapted / "models" / "0001")
    ours = _scores(adapted, voices)
    with pytest.raises(ExportError, match="stored whole"):
        _export(adapted, tmp_path / "small", whole=False)
    assert _scores(_export(adapted, tmp_path / "again", whole=True).folder, voices) == ours


def test_a_version_is_a_base_for_the_next_and_can_then_be_deleted(adapted: Path, voices: Path) -> None:
    second = _adapt(adapted, base=str(adapted / "models" / "0001"), method="lda")
    encoder = fingerprint(load_model(second.folder, "cpu").encoder)
    ours = _scores(second.folder, voices)
    with Project.open(adapted) as project:
        project.remove_version(1)
    assert [path.name for path in (adapted / "bases").iterdir()] == [encoder]
    assert _scores(second.folder, voices) == ours


def test_reasons_are_known_without_the_engine(adapted: Path, store: Path) -> None:
    files = read_version_files(adapted / "models" / "0001")
    assert small_reason(files) is None
    shutil.rmtree(store)
    assert "tiny, is not among the models" in (small_reason(files) or "")
    assert "stored whole" in (small_reason(read_version_files(adapted / "gone")) or "")


def test_what_disjoint_tuned_is_in_the_base_that_the_next_one_starts_from(
    labelled_project: Path, voices: Path, tmp_path: Path
) -> None:
    """The tuned projection lies in the head of the first export, which a colleague adapts from."""
    mixed = tiny_encoder(lambda size, layers: Mixture([LinearDiscriminant(size, layers, 8)], 6))
    own = mixed.extractor.parts[0]  # type: ignore[union-attr,index]
    own.directions = torch.randn(own.directions.shape, generator=torch.Generator().manual_seed(0))
    emotions = KnownEmotions(("anger", "fear", "happiness"), torch.eye(3, 6))
    save_base(Base("mixed", mixed, standardised=False, licence="none", emotions=emotions), tmp_path / "base", "", {})
    tuned = {"method": "disjoint", "trained": "projection", "steps": 8, "learning_rate": 3e-2}

    _adapt(labelled_project, base=str(tmp_path / "base"), **tuned)
    first = _export(labelled_project, tmp_path / "first", whole=True)
    for changes in ({"method": "known-emotions"}, tuned):
        added = _adapt(labelled_project, base=str(first.folder), **changes)
        delta = read_version_files(added.folder).delta
        assert delta is not None
        assert delta.fingerprint == fingerprint(load_base(str(first.folder)).encoder) != fingerprint(mixed)
        ours = _scores(added.folder, voices)
        last = _export(labelled_project, tmp_path / f"by {changes['method']}", whole=True)
        assert _scores(last.folder, voices) == ours
        with Project.open(labelled_project) as project:
            version = project.versions()[-1]
        assert fingerprint(load_base_of(labelled_project, version).encoder) == delta.fingerprint
        assert (_head_of(added.folder).projection is None) == (changes is not tuned)

    plain = _adapt(labelled_project, base=str(tmp_path / "base"), method="known-emotions")
    assert _scores(plain.folder, voices) != _scores(tmp_path / "by known-emotions", voices), "it is not the base again"
    shutil.rmtree(first.folder)
    shutil.rmtree(tmp_path / "base")
    assert _scores(added.folder, voices) == ours, "the project has kept the base"
    shutil.rmtree(labelled_project)
    assert _scores(last.folder, voices) == ours, "the export needs nobody"


def _head_of(model: Path) -> Head:
    return load_model(model, "cpu").head


def test_an_export_to_where_nobody_may_look_says_so(tmp_path: Path, open_folder: Path, unprivileged: Any) -> None:
    (open_folder / "locked").mkdir()
    (open_folder / "locked").chmod(0)
    target = open_folder / "locked" / "inner" / "model"
    refused = pytest.raises(ExportError, match=r"could not be written to .* \(Permission denied\)")
    with unprivileged(), refused, module._half_written(target, tmp_path):
        pass


# --- exports that do not come to their end ---------------------------------------------------------


def test_an_export_that_is_stopped_anywhere_leaves_nothing(adapted: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    request = ExportModel(adapted, tmp_path / "out" / "model", device="cpu")
    count = len(list(run(request)))
    shutil.rmtree(tmp_path / "out" / "model")
    for heard in range(1, count):
        events = run(request)
        for _ in range(heard):
            event = next(events)
        if event.message == "Reading the copy":  # type: ignore[union-attr]
            assert list((tmp_path / "out").glob(".*/model.safetensors"))
        events.close()
        assert not list((tmp_path / "out").iterdir()), event


def test_a_cancel_is_noticed_before_and_after_each_piece_of_work(adapted: Path, tmp_path: Path) -> None:
    events, _ = events_of(ExportModel(adapted, tmp_path / "out", device="cpu"))
    messages = [event.message for event in events]  # type: ignore[union-attr]
    assert messages[:4] == ["Reading the model", "Copying the model", "Reading the copy", "Comparing answers"]


def test_what_a_killed_export_left_goes_with_the_next_one_and_nothing_else_does(adapted: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / ".staging-of-somebody").mkdir(parents=True)
    (out / ".somebody.lock").touch()
    code = (
        "import os, sys; from pathlib import Path\n"
        "from serstudio.usecases.dispatch import run; from serstudio.usecases.requests import ExportModel\n"
        "for event in run(ExportModel(Path(sys.argv[1]), Path(sys.argv[2]), device='cpu')):\n"
        "    if event.message == 'Reading the copy': os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(adapted), str(out / "killed")], check=False)
    (left,) = out.glob(".serstudio-export-*/model.safetensors")
    other = run(ExportModel(adapted, out / "other", device="cpu"))
    next(other)
    assert not left.parent.exists()
    _export(adapted, out / "new", whole=True)
    assert {path.name for path in out.iterdir() if not path.name.startswith(".serstudio-export")} == {
        "new",
        ".staging-of-somebody",
        ".somebody.lock",
    }
    list(other)
    assert (out / "other" / "README.md").is_file(), "a living export is left alone"
    assert not list(out.glob(".serstudio-export*"))
