"""What a training starts from, and how its clips, log and claims survive what can happen to them."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from engine.base_folder import Base, save_base
from engine.errors import AudioError, RecipeError
from engine.metalearning import start
from engine.metalearning.bundled_encoder import write_encoder
from engine.metalearning.clip_loader import ClipLoader
from engine.metalearning.corpora import Corpus, CorpusClip, read_corpus
from engine.metalearning.episodes import TrainingSampler
from engine.metalearning.episodic_recipe import EpisodesSection
from engine.metalearning.model_card import inherited_licence
from engine.metalearning.run_log import RunLog
from engine.metalearning.start import build_on, load_start
from engine.store.record import Record, write_record
from tests.engine.conftest import TINY_WHISPER, tiny_encoder, voice


def test_a_whisper_folder_gives_its_encoder_with_or_without_the_decoder(tmp_path: Path) -> None:
    backbone = tiny_encoder().backbone
    (tmp_path / "config.json").write_text(json.dumps(TINY_WHISPER | {"model_type": "whisper"}))
    weights = {f"model.encoder.{name}": tensor.half() for name, tensor in backbone.state_dict().items()}
    weights["model.decoder.layers.0.fc1.weight"] = torch.zeros(2)
    save_file(weights, tmp_path / "model.safetensors")
    started = load_start(f"whisper:{tmp_path}", (2,))
    assert started.backbone.read_layers == (2,)
    assert started.licence.startswith("MIT")
    mel = backbone.front_end(torch.from_numpy(voice(0)))
    with torch.inference_mode():
        wanted = backbone.encode([mel]).hidden[0]
        torch.testing.assert_close(started.backbone.encode([mel]).hidden[0], wanted, atol=0.02, rtol=0.02)
    assert load_start(f"whisper:{tmp_path}").backbone.read_layers == (3,)


def test_the_bundled_encoders_start_at_the_layers_that_are_asked_for() -> None:
    shallow, deep = load_start("compact-encoder", (1,)), load_start("compact-encoder-deep", (1, 4))
    assert (shallow.backbone.read_layers, deep.backbone.read_layers) == ((1,), (1, 4))
    assert shallow.licence == deep.licence
    assert shallow.licence.startswith("MIT")
    found = deep.backbone.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in shallow.backbone.state_dict().items())


def test_a_raw_model_starts_at_its_highest_layer_from_a_folder_or_by_its_name_in_the_store(
    wav2vec2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERSTUDIO_MODELS", str(tmp_path / "store"))
    shutil.copytree(wav2vec2_folder, tmp_path / "store" / "mine")
    write_record(
        tmp_path / "store" / "mine",
        Record("Mine", "mine", "1", "CC0 1.0", None, "", converted=False, weights_sha256=()),
    )
    for name in (f"hf:{wav2vec2_folder}", "mine"):
        started = load_start(name)
        assert started.backbone.read_layers == (4,)
        assert started.backbone.specification()["final_norm"] is True
        assert load_start(name, (1, 3)).backbone.read_layers == (1, 3)
    assert started.licence == "CC0 1.0"


def test_a_bundled_encoder_that_was_trained_further_is_no_published_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Base("compact-encoder", tiny_encoder(), standardised=False, licence="none")
    save_base(base, tmp_path / "bases" / "compact-encoder", "# card", {"backbone": "trained"})
    monkeypatch.setattr(start, "resource", lambda relative: tmp_path / relative)
    with pytest.raises(RecipeError, match="trained further"):
        load_start("compact-encoder")
    assert load_start(str(tmp_path / "bases" / "compact-encoder")).backbone.read_layers == (3,)


def test_the_bundled_encoder_is_made_again_from_the_model_that_it_was_published_in(tmp_path: Path) -> None:
    backbone = tiny_encoder().backbone
    (tmp_path / "config.json").write_text(json.dumps(TINY_WHISPER | {"model_type": "whisper"}))
    save_file(
        {f"model.encoder.{name}": tensor.clone() for name, tensor in backbone.state_dict().items()},
        tmp_path / "model.safetensors",
    )
    lower, deep = tmp_path / "compact-encoder", tmp_path / "compact-encoder-deep"
    write_encoder(f"whisper:{tmp_path}", lower, (1, 2))
    write_encoder(f"whisper:{tmp_path}", deep, (2, 3))
    assert load_start(str(lower)).backbone.read_layers == (2,)
    made = load_start(str(deep), (2, 3))
    assert made.licence.startswith("MIT")
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(made.backbone.state_dict()[name], tensor.half().float()), name
    stored = load_file(deep / "model.safetensors")
    assert [name for name in stored if name.endswith("fc1.weight")] == ["layers.2.fc1.weight"], "the third layer alone"
    assert "--layers 2 3" in (deep / "README.md").read_text()


def test_a_fresh_extractor_is_drawn_from_the_seed(tiny_start: Path) -> None:
    drawn = [build_on(load_start(str(tiny_start)), "glu", seed).extractor.state_dict() for seed in (1, 1, 2)]
    assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in drawn[0])
    assert not torch.equal(drawn[0]["gate.weight"], drawn[2]["gate.weight"])


def test_the_licence_tells_the_start_and_every_corpus() -> None:
    told = inherited_licence("MIT", ("nemo", "banglaser"))
    assert told.index("start MIT") < told.index("nEMO CC BY-NC-SA 4.0") < told.index("CC BY 4.0")


def test_clips_are_loaded_in_order_whatever_is_kept(corpora_root: Path) -> None:
    sampler = TrainingSampler(
        [read_corpus("nemo", corpora_root / "nemo")], EpisodesSection(ways=2, shots=1, queries=2), (0,)
    )
    found = []
    for kept_bytes in (1, 1 << 20):
        with ClipLoader(kept_bytes) as loader:
            found.append(list(loader.episodes(sampler, [4, 0, 2])))
    assert [index for index, _, _ in found[0]] == [4, 0, 2]
    for (_, one, few), (_, other, many) in zip(*found, strict=True):
        assert one == other
        assert len(few) == len(one.clips) == 6
        assert all(np.array_equal(a, b) for a, b in zip(few, many, strict=True))


def _sampler_over(folder: Path, *, damaged: int, whole: int) -> TrainingSampler:
    """Two labels, each with so many files that are no sound and so many that are."""
    clips = []
    for take in range(damaged + whole):
        for label in ("anger", "fear"):
            path = folder / f"{label}-{take}.wav"
            if take < damaged:
                path.write_bytes(b"no sound at all")
            else:
                soundfile.write(path, np.full(3200, 0.1 * take, dtype=np.float32), 16_000)
            clips.append(CorpusClip(path, label, "s", None, 1.0))
    section = EpisodesSection(ways=2, shots=1, queries=1)
    return TrainingSampler([Corpus("nemo", "pl", tuple(clips), 0)], section, (0,))


def test_an_episode_with_a_clip_that_cannot_be_read_is_drawn_anew(tmp_path: Path) -> None:
    sampler = _sampler_over(tmp_path, damaged=1, whole=4)
    drawn = [sampler.draw(index) for index in range(12)]
    with ClipLoader() as loader:
        found = list(loader.episodes(sampler, range(12)))
        told = [error.message for error in loader.refusals()]
        assert not list(loader.refusals()), "told is told"
        again = list(loader.episodes(sampler, [7]))
    assert [index for index, _, _ in found] == list(range(12))
    names = [{clip.path.name for clip in episode.clips} for _, episode, _ in found]
    assert not any("-0." in name for each in names for name in each)
    replaced = [index for index, each in enumerate(drawn) if found[index][1] != each]
    assert replaced == [
        index for index, each in enumerate(drawn) if any("-0." in clip.path.name for clip in each.clips)
    ]
    assert replaced
    assert again[0][1] == found[7][1], "the same one is drawn in its place when the run is taken up"
    assert {name for name in ("anger-0.wav", "fear-0.wav") if any(name in each for each in told)}


def test_where_hardly_anything_can_be_read_the_training_ends_in_words(tmp_path: Path) -> None:
    sampler = _sampler_over(tmp_path, damaged=4, whole=0)
    with ClipLoader() as loader, pytest.raises(AudioError, match=r"In 20 draws .* cannot be read.*the disk"):
        list(loader.episodes(sampler, [0, 1]))


def test_a_log_drops_what_will_be_done_again_and_a_line_that_was_cut_off(tmp_path: Path) -> None:
    with RunLog(tmp_path, ("loss", "phase"), 0) as log:
        for step in (1, 2, 3):
            log.write("train", step, {"loss": 1 / step, "phase": "p"})
    with (tmp_path / "log.csv").open("a") as file:
        file.write("train,2")  # killed while writing
    with RunLog(tmp_path, ("loss", "phase"), 2) as log:
        log.write("validation", 2, {"loss": 0.25})
    assert (tmp_path / "log.csv").read_text().split() == [
        "split,step,loss,phase", "train,1,1,p", "train,2,0.5,p", "validation,2,0.25,"
    ]  # fmt: skip


def test_a_log_of_fewer_columns_is_kept_and_gone_on_with(tmp_path: Path) -> None:
    with RunLog(tmp_path, ("loss",), 0) as log:
        log.write("train", 1, {"loss": 0.5})
    with RunLog(tmp_path, ("loss", "gradient_norm"), 1) as log:
        log.write("train", 2, {"loss": 0.25, "gradient_norm": 3.0})
    assert (tmp_path / "log.csv").read_text().split() == [
        "split,step,loss,gradient_norm", "train,1,0.5,", "train,2,0.25,3"
    ]  # fmt: skip


def test_without_tensorboard_there_is_the_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with RunLog(tmp_path, ("loss",), 0) as log:
        assert not log.has_tensorboard
        log.write("train", 1, {"loss": 0.5})
    assert (tmp_path / "log.csv").read_text().split() == ["split,step,loss", "train,1,0.5"]
    assert not (tmp_path / "tensorboard").exists()
