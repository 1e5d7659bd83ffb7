"""Versions as deltas, and everything that could take one away."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch

from engine.adaptation import AdaptationSettings, Adapted, adapt
from engine.backbones.compact import CompactBackbone
from engine.base_folder import Base, save_base
from engine.delta_facts import kept_folder
from engine.encoder import EmotionEncoder
from engine.errors import ModelFolderError
from engine.extractors import MeanPooling
from engine.fingerprint import fingerprint
from engine.low_rank import merged
from engine.model_folder import AdaptedModel, LabelSpec, load_model
from engine.store import stored_folder
from engine.streaming import score_window
from serstudio.project import ModelVersion, Project, read_version_files
from serstudio.project.staging import Staging
from serstudio.usecases.write_version import WrittenVersion, write_version
from tests.engine.conftest import TINY_WHISPER, labelled, tiny_encoder, voice

HEAD_ONLY = AdaptationSettings(method="lda")
NORMS = AdaptationSettings(steps=2, trained="norms", learning_rate=1e-2)
ALL = AdaptationSettings(steps=1, trained="all")
ORIGIN = {
    "project": "Field", "made_at": "today", "made_with": "a test", "machine": "this", "method": "lda", "steps": 0,
    "learning_rate": 1e-5, "trained": "nothing", "head": "lda", "speaker_mean": False, "seed": 0, "speakers": 0,
}  # fmt: skip


@pytest.fixture
def base() -> Base:
    return Base("tiny", tiny_encoder(), standardised=True, licence="none")


def adapted_model(base: Base, settings: AdaptationSettings) -> AdaptedModel:
    *_, adapted = adapt(base, labelled([2, 2]), ("anger", "fear"), settings)
    assert isinstance(adapted, Adapted)
    labels = tuple(LabelSpec(name, "#000000", "▲", "1", 2, 0) for name in ("anger", "fear"))
    return AdaptedModel(
        adapted.encoder, adapted.head, labels, "pl", base.name, base.licence, base.standardised, ORIGIN
    )  # fmt: skip


def listed(project: Project, written: WrittenVersion) -> WrittenVersion:
    row = ModelVersion(
        written.number, f"models/{written.folder.name}", datetime.now(UTC), "tiny", "lda",
        0, 1e-5, 0, ("anger", "fear"), 4, 1.0, None,
    )  # fmt: skip
    project.add_version(row)
    return written


def kept(project: Project) -> list[str]:
    folder = project.folder / "bases"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def answers(folder: Path) -> tuple[float, ...]:
    return score_window(load_model(folder, "cpu"), voice(5))


def weights(folder: Path) -> int:
    return (folder / "model.safetensors").stat().st_size


@pytest.mark.parametrize("settings", [HEAD_ONLY, NORMS, ALL], ids=["head", "norms", "all"])
def test_a_version_gives_the_answers_of_the_model_to_the_bit(
    project: Project, base: Base, settings: AdaptationSettings
) -> None:
    model = adapted_model(base, settings)
    written = write_version(project, model, base)
    assert answers(written.folder) == score_window(model, voice(5))
    assert fingerprint(load_model(written.folder, "cpu").encoder) == fingerprint(model.encoder)
    assert written.size_bytes == sum(file.stat().st_size for file in written.folder.iterdir())


def test_what_was_not_touched_is_not_stored_again(project: Project, base: Base) -> None:
    head, norms = (write_version(project, adapted_model(base, each), base).folder for each in (HEAD_ONLY, NORMS))
    whole = sum(tensor.numel() * 4 for tensor in base.encoder.state_dict().values())
    assert weights(head) < 0.02 * whole
    assert weights(head) < weights(norms) < 0.1 * whole
    assert kept(project) == [fingerprint(base.encoder)], "one base for both"
    assert read_version_files(head).head == "lda"


def test_where_most_of_it_differs_the_version_is_whole_and_needs_nothing(project: Project) -> None:
    torch.manual_seed(0)
    backbone = CompactBackbone(TINY_WHISPER | {"max_source_positions": 100}, (2, 3))  # the positions are not tuned
    base = Base("tiny", EmotionEncoder(backbone, MeanPooling(32, 2)), standardised=True, licence="none")
    written = write_version(project, adapted_model(base, ALL), base)
    assert read_version_files(written.folder).delta is None
    assert kept(project) == []
    assert answers(written.folder)


def test_low_rank_additions_are_stored_as_factors(project: Project, base: Base) -> None:
    model = adapted_model(base, HEAD_ONLY)
    name = "backbone.layers.0.fc1.weight"
    torch.manual_seed(0)
    out, into = base.encoder.get_parameter(name).shape
    factors = (torch.randn(2, into), torch.randn(out, 2))
    with torch.no_grad():
        changed = merged(base.encoder.get_parameter(name), factors)
        base_value = base.encoder.get_parameter(name).clone()
        encoder = tiny_encoder()
        encoder.get_parameter(name).copy_(changed)
    model = dataclasses.replace(model, encoder=encoder)
    small = write_version(project, model, base, {name: factors}).folder
    large = write_version(project, model, base).folder
    assert weights(small) < weights(large)
    assert fingerprint(load_model(small).encoder) == fingerprint(load_model(large).encoder) == fingerprint(encoder)
    assert torch.equal(base.encoder.get_parameter(name), base_value)
    off = (factors[0], factors[1] + 1e-3)
    third = write_version(project, model, base, {name: off}).folder
    assert fingerprint(load_model(third).encoder) == fingerprint(encoder), "factors that do not fit are not believed"


def test_the_base_in_half_precision_is_kept_so_where_that_loses_nothing(project: Project, tmp_path: Path) -> None:
    encoder = tiny_encoder()
    exact = Base("tiny", encoder, standardised=True, licence="none")
    write_version(project, adapted_model(exact, HEAD_ONLY), exact)
    full = weights(kept_folder(project.folder, kept(project)[0]))
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.copy_(parameter.half().float())
    write_version(project, adapted_model(exact, HEAD_ONLY), exact)
    half = weights(kept_folder(project.folder, fingerprint(encoder)))
    assert half < 0.6 * full


# --- what could take a version away -------------------------------------------------------------------


def test_the_project_can_be_moved_and_the_base_can_change(project: Project, base: Base, tmp_path: Path) -> None:
    written = write_version(project, adapted_model(base, HEAD_ONLY), base)
    before = answers(written.folder)
    with torch.no_grad():
        base.encoder.get_parameter("backbone.conv1.bias").add_(1.0)
    write_version(project, adapted_model(base, HEAD_ONLY), base)
    assert len(kept(project)) == 2
    moved = tmp_path / "elsewhere"
    shutil.copytree(project.folder, moved)
    shutil.rmtree(project.folder / "bases")
    assert answers(moved / "models" / "0001") == before


def test_a_base_goes_with_the_last_version_that_needs_it(project: Project, base: Base) -> None:
    for settings in (HEAD_ONLY, NORMS):
        listed(project, write_version(project, adapted_model(base, settings), base))
    project.remove_version(1)
    assert kept(project) == [fingerprint(base.encoder)]
    assert answers(project.folder / "models" / "0002")
    project.remove_version(2)
    assert kept(project) == []
    assert [path.name for path in project.versions_folder.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    "break_it",
    [
        lambda folder: (folder / "config.json").write_text("{"),
        lambda folder: (folder / "config.json").write_text('{"delta": {"base": "x"}}'),
    ],
    ids=["unreadable", "says nothing"],
)
def test_when_a_version_cannot_be_read_no_base_is_deleted(
    project: Project, base: Base, break_it: Callable[[Path], object]
) -> None:
    for _ in range(2):
        listed(project, write_version(project, adapted_model(base, HEAD_ONLY), base))
    break_it(project.folder / "models" / "0002")
    project.remove_version(1)
    assert kept(project) == [fingerprint(base.encoder)]


def test_while_a_version_is_being_written_no_base_is_deleted(project: Project, base: Base) -> None:
    listed(project, write_version(project, adapted_model(base, HEAD_ONLY), base))
    other = Staging(project.versions_folder)
    project.remove_version(1)
    assert kept(project) == [fingerprint(base.encoder)]
    other.close()


def test_a_base_that_goes_in_the_very_moment_is_written_again(
    project: Project, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last version that needs it is deleted by another process after the base was seen to be there."""
    listed(project, write_version(project, adapted_model(base, HEAD_ONLY), base))
    number = project.next_version_number

    def removing() -> int:
        shutil.rmtree(project.folder / "bases" / fingerprint(base.encoder))
        return number()

    monkeypatch.setattr(project, "next_version_number", removing)
    written = write_version(project, adapted_model(base, NORMS), base)
    assert answers(written.folder)


def test_a_base_needed_again_while_it_is_dropped_comes_back(
    project: Project, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that saw the base just before it was put aside: its staging folder is seen at the second look."""
    listed(project, write_version(project, adapted_model(base, HEAD_ONLY), base))
    rename, others = Path.rename, []

    def renaming(path: Path, target: Path) -> Path:
        done = rename(path, target)
        if path.parent.name == "bases":
            others.append(Staging(project.versions_folder))
        return done

    monkeypatch.setattr(Path, "rename", renaming)
    project.remove_version(1)
    assert len(others) == 1
    assert kept(project) == [fingerprint(base.encoder)]
    others[0].close()


def test_a_damaged_kept_base_is_noticed_and_the_next_adaptation_mends_it(project: Project, base: Base) -> None:
    first = write_version(project, adapted_model(base, HEAD_ONLY), base).folder
    before = answers(first)
    file = kept_folder(project.folder, fingerprint(base.encoder)) / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(ModelFolderError, match="needs its base, tiny"):
        load_model(first)
    write_version(project, adapted_model(base, HEAD_ONLY), base)
    assert answers(first) == before


def test_what_else_lies_in_the_folder_of_bases_stays(project: Project, base: Base) -> None:
    listed(project, write_version(project, adapted_model(base, HEAD_ONLY), base))
    (project.folder / "bases" / "notes.txt").write_text("mine")
    (project.folder / "bases" / "Old").mkdir()
    project.remove_version(1)
    assert kept(project) == ["Old", "notes.txt"]


# --- a base of the store ------------------------------------------------------------------------------


@pytest.fixture
def stored(base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Base:
    """The base, installed in a store under its name."""
    monkeypatch.setenv("SERSTUDIO_MODELS", str(tmp_path / "store"))
    save_base(base, tmp_path / "store" / "tiny", "card", {})
    (tmp_path / "store" / "tiny" / "store.json").write_text("{}")
    return base


def test_a_base_of_the_store_takes_no_room_in_the_project(project: Project, stored: Base, tmp_path: Path) -> None:
    written = write_version(project, adapted_model(stored, HEAD_ONLY), stored)
    before = answers(written.folder)
    file = kept_folder(project.folder, fingerprint(stored.encoder)) / "model.safetensors"
    assert file.samefile(tmp_path / "store" / "tiny" / "model.safetensors")
    shutil.rmtree(tmp_path / "store")
    assert answers(written.folder) == before, "removed from the store, the project still has it"


def test_where_files_cannot_be_linked_they_are_copied(
    project: Project, stored: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("engine.kept_base.os.link", refuse)
    written = write_version(project, adapted_model(stored, HEAD_ONLY), stored)
    before = answers(written.folder)
    shutil.rmtree(tmp_path / "store")
    assert answers(written.folder) == before


def test_a_store_that_changed_since_the_base_was_loaded_is_not_linked(project: Project, stored: Base) -> None:
    model = adapted_model(stored, HEAD_ONLY)
    other = Base("tiny", tiny_encoder(seed=9), standardised=True, licence="none")
    folder = stored_folder("tiny")
    assert folder is not None
    save_base(other, folder.with_name("new"), "card", {})
    shutil.copy(folder.with_name("new") / "model.safetensors", folder / "copy")
    (folder / "copy").replace(folder / "model.safetensors")
    shutil.copy(folder.with_name("new") / "SHA256SUMS", folder / "SHA256SUMS")
    written = write_version(project, model, stored)
    assert answers(written.folder) == score_window(model, voice(5))


def test_a_delta_elsewhere_finds_its_base_in_the_store_by_name_or_by_what_is_in_it(
    project: Project, stored: Base, tmp_path: Path
) -> None:
    written = write_version(project, adapted_model(stored, NORMS), stored)
    before = answers(written.folder)
    sent = tmp_path / "sent"
    shutil.copytree(written.folder, sent)
    assert answers(sent) == before
    (tmp_path / "store" / "tiny").rename(tmp_path / "store" / "called-otherwise")
    assert answers(sent) == before
    other = Base("tiny", tiny_encoder(seed=9), standardised=True, licence="none")
    save_base(other, tmp_path / "store" / "tiny", "card", {})
    (tmp_path / "store" / "tiny" / "store.json").write_text("{}")
    assert answers(sent) == before, "one of the same name and other weights is passed over"
    shutil.rmtree(tmp_path / "store" / "called-otherwise")
    with pytest.raises(ModelFolderError, match="other weights of tiny"):
        load_model(sent)
    shutil.rmtree(tmp_path / "store")
    with pytest.raises(ModelFolderError, match=r"needs its base, tiny.*exported whole"):
        load_model(sent)


def test_a_delta_to_another_bundled_base_says_so(project: Project, base: Base, tmp_path: Path) -> None:
    named = dataclasses.replace(base, name="compact")
    written = write_version(project, adapted_model(named, HEAD_ONLY), named)
    shutil.copytree(written.folder, tmp_path / "sent")
    with pytest.raises(ModelFolderError, match="another bundled base"):
        load_model(tmp_path / "sent")


@pytest.mark.parametrize(
    "change", [{"fingerprint": "../../x"}, {"borrowed": "0" * 64}, {"base": 3}, {"whole_bytes": None}]
)
def test_a_delta_that_is_off_is_refused_in_words(project: Project, base: Base, change: dict[str, object]) -> None:
    folder = write_version(project, adapted_model(base, HEAD_ONLY), base).folder
    config = json.loads((folder / "config.json").read_text())
    config["delta"] |= change
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFolderError):
        load_model(folder)
