"""A store of its own for each test, a model on offer at a hub on loopback, and pickled models."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from transformers import Wav2Vec2Model

from engine.store import catalogue
from engine.store.catalogue import Offer, OfferedFile
from tests.engine.conftest import wav2vec2_config
from tests.engine.store.fake_hub import REVISION, FakeHub, serving

CARD = b"---\nlicense: mit\nlanguage:\n- en\n---\n# A tiny model\n"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the store, which does not exist yet."""
    folder = tmp_path / "store"
    monkeypatch.setenv("SERSTUDIO_MODELS", str(folder))
    return folder


def tiny_state(seed: int = 0) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return dict(Wav2Vec2Model(wav2vec2_config()).state_dict())


@pytest.fixture
def pickled_folder(tmp_path: Path) -> Path:
    """A model as it was published before there was safetensors."""
    folder = tmp_path / "Tiny (pickled)"
    folder.mkdir()
    wav2vec2_config().save_pretrained(folder)
    torch.save(tiny_state(), folder / "pytorch_model.bin")
    (folder / "README.md").write_bytes(CARD)
    return folder


@pytest.fixture
def hub(pickled_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that has the pickled model, which is the only one on offer, called tiny."""
    files = {path.name: path.read_bytes() for path in pickled_folder.iterdir()}
    with serving(FakeHub("somebody/tiny", files)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        offer = Offer(
            name="tiny",
            title="Tiny",
            repository=hub.repository,
            revision=REVISION,
            licence="MIT",
            parameters=44_928,
            words="Learnt nothing.",
            files=tuple(
                OfferedFile(name, len(content), hashlib.sha256(content).hexdigest())
                for name, content in files.items()
                if name != "README.md"
            ),
        )
        monkeypatch.setattr(catalogue, "OFFERS", (offer,))
        yield hub


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """full_disk(bytes): that many are free from here on."""

    def fill(free: int) -> None:
        monkeypatch.setattr("engine.store.install.shutil.disk_usage", lambda _: type("Usage", (), {"free": free}))

    return fill
