import io
import json
import runpy
import zipfile
from pathlib import Path

import pytest
import torch

from engine.errors import BaseError
from engine.systems.multigate.ge2e import SpeakerEncoder, SpeakerMel, load_speaker_encoder, partial_starts
from tests.engine.conftest import voice

REPOSITORY = Path(__file__).resolve().parents[4]

# The first numbers of what Resemblyzer 0.1.4 makes of `voice(3, 3.0, 140.0)` at -30 dBFS or more (measured with it).
PUBLISHED = [
    *(0.0, 0.0904, 0.0267, 0.0, 0.0007, 0.0, 0.0676, 0.0457, 0.1012, 0.0633, 0.0747, 0.07, 0.0144, 0.0, 0.0, 0.1938),
    *(0.0325, 0.1029, 0.0912, 0.0069, 0.0, 0.0059, 0.0, 0.0, 0.0, 0.1259, 0.0, 0.039, 0.0, 0.0721, 0.0463, 0.091),
]


def test_the_embedding_is_that_of_the_published_package() -> None:
    encoder, licence = load_speaker_encoder()
    mel = SpeakerMel()(torch.from_numpy(voice(3, 3.0, 140.0)))
    assert mel.shape == (40, 300)
    embedding = encoder.embed([mel])[0]
    assert embedding.norm() == pytest.approx(1.0, abs=1e-5)
    torch.testing.assert_close(embedding[: len(PUBLISHED)], torch.tensor(PUBLISHED), atol=0.01, rtol=0)
    assert "Apache-2.0" in licence


def test_a_quiet_clip_is_the_same_voice() -> None:
    samples = torch.from_numpy(voice(0, 1.0))
    quiet, normal = SpeakerMel()(samples * 1e-3), SpeakerMel()(samples * 1e-2)
    torch.testing.assert_close(quiet, normal, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize(
    ("frames", "starts"), [(1, [0]), (160, [0]), (189, [0]), (208, [0, 77]), (316, [0, 77, 154]), (346, [0, 77, 154])]
)
def test_windows_are_those_of_the_published_package(frames: int, starts: list[int]) -> None:
    assert partial_starts(frames) == starts


def test_clips_of_a_batch_do_not_change_one_another() -> None:
    encoder, _ = load_speaker_encoder()
    mels = [SpeakerMel()(torch.from_numpy(voice(take, 0.4 + take))) for take in range(4)]
    together = encoder.embed(mels)
    torch.testing.assert_close(together, torch.cat([encoder.embed([mel]) for mel in mels]), atol=1e-5, rtol=1e-5)


def test_the_file_is_made_from_the_packages_wheel(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = SpeakerEncoder()
    state = dict(encoder.state_dict()) | {"similarity_weight": torch.ones(1), "similarity_bias": torch.ones(1)}
    pickled = io.BytesIO()
    torch.save({"step": 1, "model_state": state}, pickled)
    with zipfile.ZipFile(tmp_path / "wheel.whl", "w") as wheel:
        wheel.writestr("resemblyzer/pretrained.pt", pickled.getvalue())
        wheel.writestr("Resemblyzer-0.1.4.dist-info/LICENSE", "Apache License")
    convert = runpy.run_path(str(REPOSITORY / "packaging" / "convert_ge2e.py"))["convert"]
    convert(tmp_path / "wheel.whl", tmp_path / "ge2e")
    loaded, licence = load_speaker_encoder(tmp_path / "ge2e")
    assert licence.startswith("Apache-2.0")
    for name, tensor in encoder.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor.half().float())
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    facts = json.loads((tmp_path / "ge2e" / "config.json").read_text())
    assert facts["sha256"]["weights"] in (tmp_path / "ge2e" / "LICENCE").read_text()


def test_a_folder_without_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(BaseError, match="no GE2E speaker encoder"):
        load_speaker_encoder(tmp_path)
