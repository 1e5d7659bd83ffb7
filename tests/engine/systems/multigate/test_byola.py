import json
import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchaudio.transforms import MelSpectrogram
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from engine.adaptation import Adapted, adapt
from engine.adaptation.settings import resolve_settings
from engine.base_folder import load_base_folder
from engine.encoder import build_backbone
from engine.errors import BaseError, RecipeError
from engine.metalearning.train import train_base
from engine.systems.multigate.byola import AudioEncoder, AudioMel, Layout, load_audio_encoder
from engine.systems.multigate.network import MultiGate
from engine.systems.multigate.recipe import StreamsSection
from engine.systems.multigate.streams import MfccStream, StreamsBackbone, open_stream
from engine.systems.multigate.train import open_streams
from serstudio.licence_words import terms_of
from tests.engine.conftest import labelled, voice
from tests.engine.metalearning.conftest import corpora_root  # noqa: F401  # a fixture
from tests.engine.systems.multigate.conftest import SMALL_SECTIONS, tiny_network

CONVERTER = Path(__file__).resolve().parents[4] / "packaging" / "convert_byola.py"
LAYOUTS = {
    2020: Layout(2020, 512, 512, mean=-5.4919195, deviation=5.0389895),
    2022: Layout(2022, 2048, 2048, mean=-9.660292, deviation=4.7219563),
}
RECIPE = """kind = "multigate"
name = "tiny"
validation_episodes = 2
[data]
corpora = ["nemo", "ravdess"]
[streams]
names = ["mfcc", "byola:{folder}"]
selector = "byola"
augmented = 0
"""


class Published(nn.Module):
    """The network as it is published: batch norms of their own, and dropout, which is still in eval mode."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for block in range(layout.blocks):
            convolution = nn.Conv2d(64 if block else 1, 64, 3, padding=1)
            blocks += [convolution, nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*blocks)
        wide, out = nn.Linear(layout.local, layout.hidden), nn.Linear(layout.hidden, layout.output)
        self.fc = nn.Sequential(wide, nn.ReLU(), nn.Dropout(0.3), out, nn.ReLU())
        for norm in blocks[1::4]:
            for tensor, (low, high) in (
                (norm.weight, (0.5, 2.0)),
                (norm.bias, (-0.5, 0.5)),
                (norm.running_mean, (-0.5, 0.5)),
                (norm.running_var, (0.05, 2.0)),
            ):
                nn.init.uniform_(tensor, low, high)
        self.eval().requires_grad_(requires_grad=False)

    def embed(self, mel: Tensor, *, stacked: bool) -> Tensor:
        maps = self.features(mel[None, None]).permute(0, 3, 2, 1)
        local = maps.reshape(1, maps.shape[1], -1)
        frames = torch.cat([local, self.fc(local)], dim=2) if stacked else self.fc(local)
        return frames.max(1).values[0] + frames.mean(1)[0]


def published(year: int = 2020) -> Published:
    torch.manual_seed(year)
    return Published(LAYOUTS[year])


@pytest.fixture(scope="session")
def convert() -> Callable[..., None]:
    found: Callable[..., None] = runpy.run_path(str(CONVERTER))["convert"]
    return found


@pytest.fixture(scope="session")
def byola_folder(tmp_path_factory: pytest.TempPathFactory, convert: Callable[..., None]) -> Path:
    """A folder as the converter makes it, of random weights of the 512-d network."""
    folder = tmp_path_factory.mktemp("byola")
    torch.save(published().state_dict(), folder / "AudioNTT2020-BYOLA-64x96d512.pth")
    convert(folder / "AudioNTT2020-BYOLA-64x96d512.pth", folder / "made")
    return folder / "made"


@pytest.fixture(scope="session")
def two_streams(byola_folder: Path) -> StreamsBackbone:
    return StreamsBackbone([MfccStream(), open_stream(f"byola:{byola_folder}")[0]])


def test_the_bands_of_2020_are_torchaudios() -> None:
    samples = torch.from_numpy(voice(0, 0.83))
    mel = AudioMel(LAYOUTS[2020])(samples)
    theirs = MelSpectrogram(16_000, 1024, 1024, 160, f_min=60.0, f_max=7800.0, n_mels=64)(samples)
    expected = ((theirs + torch.finfo(torch.float32).eps).log() + 5.4919195) / 5.0389895
    assert mel.shape == (64, 83)
    torch.testing.assert_close(mel, expected[:, :83], atol=1e-4, rtol=1e-4)


def test_the_bands_of_2022_are_librosas() -> None:
    samples = voice(0, 0.83)
    filters = mel_filter_bank(513, 64, 60.0, 7800.0, 16_000, norm="slaney", mel_scale="slaney")
    theirs = spectrogram(samples, window_function(1024), 1024, 160, power=2.0, mel_filters=filters, mel_floor=0.0)
    expected = (np.log(theirs[:, :83] + np.finfo(np.float32).eps) + 9.660292) / 4.7219563
    mel = AudioMel(LAYOUTS[2022])(torch.from_numpy(samples)).numpy()
    np.testing.assert_allclose(mel, expected, atol=2e-3)


@pytest.mark.parametrize(("year", "size"), [(2020, 512), (2022, 3072)])
def test_the_embedding_is_that_of_the_published_network(
    year: int, size: int, convert: Callable[..., None], tmp_path: Path
) -> None:
    network = published(year)
    state = {f"model.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": state | {"model.projector.weight": torch.ones(2)}}, tmp_path / "file.pth")
    convert(tmp_path / "file.pth", tmp_path / "made")
    encoder, licence = load_audio_encoder(tmp_path / "made")
    assert encoder.layout == LAYOUTS[year]
    assert terms_of(licence).headline == "It may not be passed on"
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    mel = AudioMel(encoder.layout)(torch.from_numpy(voice(1, 1.1)))
    (found,) = encoder.embed([mel])
    assert found.shape == (size,)
    expected = network.embed(mel, stacked=year == 2022)
    assert float((found - expected).norm() / expected.norm()) < 2e-3  # weights are kept in half precision


def test_a_clips_vector_does_not_depend_on_its_batch_however_short_it_is(byola_folder: Path) -> None:
    encoder, _ = load_audio_encoder(byola_folder)
    mel = AudioMel(encoder.layout)
    mels = [mel(torch.from_numpy(voice(n, s))) for n, s in enumerate((0.05, 0.1, 0.5, 1.93))]
    together = encoder.embed(mels)
    assert bool(together.isfinite().all())
    for row, each in enumerate(mels):
        torch.testing.assert_close(together[row], encoder.embed([each])[0], rtol=0, atol=0)
    assert not torch.allclose(together[2], together[3])


def test_statistics_can_be_those_of_ones_own_speech(
    convert: Callable[..., None], byola_folder: Path, tmp_path: Path
) -> None:
    convert(byola_folder.parent / "AudioNTT2020-BYOLA-64x96d512.pth", tmp_path, (-7.0, 4.0))
    layout = load_audio_encoder(tmp_path)[0].layout
    assert (layout.mean, layout.deviation) == (-7.0, 4.0)
    samples = torch.from_numpy(voice(0, 0.5))
    usual = LAYOUTS[2020]
    log_mel = AudioMel(usual)(samples) * usual.deviation + usual.mean
    torch.testing.assert_close(AudioMel(layout)(samples), (log_mel + 7.0) / 4.0)


class Program:
    """What runs when it is unpickled: it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.folder),)


def _damage(state: dict[str, Tensor], what: str, folder: Path) -> object:
    match what:
        case "a name is missing":
            return {name: tensor for name, tensor in state.items() if name != "fc.3.bias"}
        case "two encoders":
            return {f"{place}.{name}": tensor for place in ("online", "target") for name, tensor in state.items()}
        case "another shape":
            return state | {"fc.0.weight": torch.zeros(512, 256)}
        case "not numbers":
            return state | {"fc.0.bias": torch.full((512,), torch.nan)}
        case "a list":
            return list(state.values())
        case "a program":
            return state | {"note": Program(folder)}
    return {"weight": torch.ones(3)}


@pytest.mark.parametrize(
    "what",
    ["a name is missing", "two encoders", "another shape", "not numbers", "a list", "a program", "another network"],
)
def test_a_file_of_something_else_is_refused_and_leaves_nothing(
    what: str, convert: Callable[..., None], tmp_path: Path
) -> None:
    torch.save(_damage(dict(published().state_dict()), what, tmp_path / "run"), tmp_path / "file.pth")
    with pytest.raises(BaseError, match=r"file\.pth holds (no weights of BYOL-A|values that are not numbers)\. Use a"):
        convert(tmp_path / "file.pth", tmp_path / "made")
    assert [each.name for each in tmp_path.iterdir()] == ["file.pth"]


@pytest.mark.parametrize("content", [b"", b"no weights at all", None])
def test_the_command_says_in_a_sentence_what_is_wrong(
    content: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "file.pth").write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["convert_byola.py", str(tmp_path / "file.pth"), str(tmp_path / "made")])
    with pytest.raises(SystemExit, match="holds no weights of BYOL-A"):
        runpy.run_path(str(CONVERTER), run_name="__main__")


def test_a_folder_without_it_is_told_with_the_mend(byola_folder: Path, tmp_path: Path) -> None:
    for wrong in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(BaseError, match=r"holds no BYOL-A encoder\. Make the folder .*convert_byola\.py"):
            open_stream(f"byola:{wrong}")
    for name in ("byola", "byola:"):
        with pytest.raises(BaseError, match=r"not part of SER Studio.*Write byola:FOLDER"):
            open_stream(name)
    facts = json.loads((byola_folder / "config.json").read_text())
    facts["layout"]["year"] = 2021
    (tmp_path / "config.json").write_text(json.dumps(facts))
    with pytest.raises(BaseError, match="holds no BYOL-A encoder"):
        load_audio_encoder(tmp_path)
    assert "forbids to pass" in (byola_folder / "LICENCE").read_text()


def test_a_stream_goes_by_its_name_wherever_its_folder_lies() -> None:
    for selector in ("byola", "byola:C:\\weights"):
        section = StreamsSection(("mfcc", "byola:C:\\weights", "ge2e:/x"), selector)
        assert section.selector == "byola"
    for names, selector in ((("mfcc", "byola:a", "byola:b"), "mfcc"), (("mfcc", "hf:a"), "byola"), (("mfcc",), "ge2e")):
        with pytest.raises(RecipeError, match="Name each stream once"):
            StreamsSection(names, selector)


def test_it_lies_beside_others_and_comes_back_from_its_specification(two_streams: StreamsBackbone) -> None:
    inputs = [two_streams.front_end(torch.from_numpy(voice(n, s))) for n, s in enumerate((0.5, 0.81, 1.4))]
    assert [tuple(each.shape) for each in inputs] == [(104, 50), (104, 81), (104, 140)]
    frames = two_streams.encode(inputs)
    assert frames.hidden.shape == (1, 3, 70, 80 + 512)
    again = build_backbone(json.loads(json.dumps(two_streams.specification())))
    again.load_state_dict(two_streams.state_dict())
    torch.testing.assert_close(again.encode(inputs).hidden, frames.hidden, rtol=0, atol=0)


def test_gates_that_look_at_it_sum_to_one(two_streams: StreamsBackbone) -> None:
    network = tiny_network(two_streams, selector="byola")
    assert network.selector_size == 512
    inputs = [two_streams.front_end(torch.from_numpy(voice(n, s))) for n, s in enumerate((0.5, 0.81))]
    weights = network.gate_weights(network.encode(network.read(two_streams.encode(inputs))), "pl")
    assert weights is not None
    assert weights.shape == (2, 2)
    torch.testing.assert_close(weights.sum(1), torch.ones(2))


def test_a_base_that_was_trained_with_it_holds_it_and_tells_its_licence(
    byola_folder: Path,
    corpora_root: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE.format(folder=byola_folder) + SMALL_SECTIONS)
    list(train_base(str(tmp_path / "tiny.toml"), corpora_root, tmp_path / "run", device="cpu"))
    base = load_base_folder(tmp_path / "run" / "base")
    network = base.encoder.extractor
    assert isinstance(network, MultiGate)
    assert network.selector == "byola"
    assert "NTT's own licence" in base.licence
    card = (tmp_path / "run" / "base" / "README.md").read_text()
    assert "not to be passed on" in card
    assert "(mfcc, byola)" in card  # without the path of its folder
    assert "speaker's voice" not in card  # for the gates look at something else
    loaded = base.encoder.backbone
    opened, _ = open_streams(StreamsSection(("mfcc", f"byola:{byola_folder}"), "byola"))
    inputs = [opened.front_end(torch.from_numpy(voice(0, 0.6)))]
    torch.testing.assert_close(loaded.encode(inputs).hidden, opened.encode(inputs).hidden, rtol=0, atol=0)
    *_, adapted = adapt(base, labelled([2, 2]), ("a", "b"), resolve_settings(base.recommended, steps=2))
    assert isinstance(adapted, Adapted)
    assert adapted.encoder.backbone.state_dict().keys() == opened.state_dict().keys()
    assert torch.isfinite(adapted.head.weight).all()


def test_a_layout_that_nobody_published_is_refused() -> None:
    with pytest.raises(ValueError, match="no published network"):
        AudioEncoder(Layout(2020, 512, 512, 0.0, 0.0))
