"""A whole episodic training on made-up voices: killed and resumed, shared out, logged, and refused in words."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.adaptation import AdaptationSettings, Adapted, adapt
from engine.base_folder import load_base_folder
from engine.bases import load_base
from engine.checksums import wrong_sums
from engine.errors import AudioError, BaseError, CorpusError, RecipeError
from engine.metalearning import clip_loader, episodic
from engine.metalearning.accelerated import Processes
from engine.metalearning.checkpoints import save_checkpoint
from engine.metalearning.episodic_data import read_data
from engine.metalearning.episodic_recipe import EpisodicRecipe
from engine.metalearning.events import Trained, TrainingEvent, TrainingProgress, TrainingRemark
from engine.metalearning.prototypical import Phase
from engine.metalearning.recipe import read_recipe
from engine.metalearning.start import build_on, load_start
from engine.metalearning.train import train_base
from tests.engine.conftest import labelled
from tests.engine.metalearning.conftest import tiny_recipe

VALIDATED = 'validation = ["emodb"]'
Train = Callable[..., list[TrainingEvent]]


@pytest.fixture
def train(tmp_path: Path, corpora_root: Path) -> Train:
    """train(recipe text, out="out", stop_after=None): the events, of the first so many steps if it is stopped."""

    def train_here(text: str, out: str = "out", stop_after: int | None = None) -> list[TrainingEvent]:
        recipe = tmp_path / f"{out}.toml"
        recipe.write_text(text)
        events: list[TrainingEvent] = []
        running = train_base(str(recipe), corpora_root, tmp_path / out, device="cpu")
        for event in running:
            events.append(event)
            if stop_after is not None and isinstance(event, TrainingProgress) and event.step >= stop_after:
                running.close()
        return events

    return train_here


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "base" / "model.safetensors")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_ends_in_a_base_that_can_be_adapted(train: Train, tiny_start: Path, tmp_path: Path) -> None:
    events = train(tiny_recipe(tiny_start))
    folder = tmp_path / "out"
    assert events[-1] == Trained(folder / "base")
    steps = [event.step for event in events if isinstance(event, TrainingProgress) and event.loss is not None]
    assert steps == list(range(1, 13))
    last = [event for event in events if isinstance(event, TrainingProgress) and event.loss is not None][-1]
    assert last.steps == 12
    assert last.message == "Whole model, epoch 3 of 3 at most"
    assert last.remaining_s == 0.0
    base = load_base(str(folder / "base"))
    assert (base.name, base.standardised, base.encoder.embedding_size) == ("tiny", False, 256)
    assert base.cosine_scale != 10.0
    assert base.cosine_scale == pytest.approx(10.0, rel=0.01)
    assert base.training["corpora"] == {"nemo": 24, "ravdess": 24}
    assert base.training["validation"] == {"emodb": 24}
    assert "CC BY-NC-SA 4.0" in base.licence
    assert wrong_sums(folder / "base") == []
    *_, adapted = adapt(base, labelled([2, 2]), ("a", "b"), AdaptationSettings(steps=1))
    assert isinstance(adapted, Adapted)
    card = (folder / "base" / "README.md").read_text()
    assert "| RAVDESS | en | 24 | 2 | 0 | CC BY-NC-SA 4.0 | training |" in card
    assert 'kind = "episodic"' in card
    assert {path.name for path in folder.iterdir()} == {"recipe.toml", "log.csv", "tensorboard", "base"}


def test_a_run_is_logged_to_csv_and_tensorboard(train: Train, tiny_start: Path, tmp_path: Path) -> None:
    train(tiny_recipe(tiny_start, adversarial="enabled = true"))
    logged = rows(tmp_path / "out")
    assert [(row["split"], row["step"]) for row in logged] == [
        (split, str(step))
        for step in range(1, 7)
        for split in ("train", "validation")
        if split == "train" or step % 2 == 0
    ]
    assert [row["phase"] for row in logged if row["split"] == "validation"] == [
        "linear probing", "whole model", "whole model",
    ]  # fmt: skip
    assert all(float(row["adversarial_loss"]) > 0 for row in logged if row["split"] == "train")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    curves = EventAccumulator(str(tmp_path / "out" / "tensorboard")).Reload()
    assert {"train/loss", "train/accuracy", "validation/loss"} <= set(curves.Tags()["scalars"])
    assert [event.step for event in curves.Scalars("train/loss")] == list(range(1, 7))


@pytest.mark.parametrize(("stop_after", "validated"), [(1, True), (3, False), (4, True), (9, False)])
def test_a_run_that_was_killed_goes_on_to_the_same_weights(
    train: Train, tiny_start: Path, tmp_path: Path, stop_after: int, validated: bool
) -> None:
    text = tiny_recipe(tiny_start, training="augment = true", adversarial="enabled = true")
    text = text if validated else text.replace(VALIDATED, "")
    train(text, "whole")
    stopped = train(text, "stopped", stop_after=stop_after)
    assert not isinstance(stopped[-1], Trained)
    resumed = train(text, "stopped")
    assert any(isinstance(event, TrainingRemark) and "Going on" in event.message for event in resumed) == (
        stop_after > 2
    )
    whole, again = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    without_time = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in rows(tmp_path / n)] for n in ("whole", "stopped")
    ]
    assert without_time[0] == without_time[1]
    assert (
        load_base_folder(tmp_path / "whole" / "base").cosine_scale
        == load_base_folder(tmp_path / "stopped" / "base").cosine_scale
    )


def test_a_kill_between_the_best_weights_and_the_checkpoint_changes_nothing(
    train: Train, tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tiny_recipe(tiny_start, training="learning_rate = 1e-3")
    train(text, "whole")
    saved = []

    def killed(*arguments: object) -> None:
        if len(saved) == 3:
            raise KeyboardInterrupt
        saved.append(arguments)
        save_checkpoint(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(episodic, "save_checkpoint", killed)
    with pytest.raises(KeyboardInterrupt):
        train(text, "killed")  # steps 1 and 2, the latter at the end of an epoch, step 3; killed at the end of the next
    monkeypatch.undo()
    assert not list((tmp_path / "killed").glob("base"))
    train(text, "killed")
    whole, again = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert [row["loss"] for row in rows(tmp_path / "whole")] == [row["loss"] for row in rows(tmp_path / "killed")]


def test_a_finished_run_says_so_at_once(train: Train, tiny_start: Path) -> None:
    train(tiny_recipe(tiny_start))
    assert [type(event) for event in train(tiny_recipe(tiny_start))] == [Trained]


def test_a_base_can_be_written_in_half_precision(train: Train, tiny_start: Path, tmp_path: Path) -> None:
    train(tiny_recipe(tiny_start).replace("seed = 1", "seed = 1\nhalf = true"))
    assert {tensor.dtype for tensor in weights(tmp_path / "out").values()} == {torch.float16}


def test_training_changes_the_backbone_only_after_probing(train: Train, tiny_start: Path, tmp_path: Path) -> None:
    before = load_file(tiny_start / "model.safetensors")
    text = tiny_recipe(tiny_start).replace(VALIDATED, "")  # so that the last weights are kept, not the best
    train(text.replace("epochs = 2\nepisodes", "epochs = 0\nepisodes"), "probed")
    train(text, "whole")
    probed, whole = weights(tmp_path / "probed"), weights(tmp_path / "whole")
    name = "layers.0.fc1.weight"
    assert torch.equal(probed[name], before[name])
    assert not torch.equal(whole[name], before[name])


def test_training_stops_early_and_keeps_the_best_epoch(train: Train, tiny_start: Path, tmp_path: Path) -> None:
    # at this rate every step makes it worse, so the probed weights stay the best
    ruinous = "learning_rate = 0.9\npatience = 2"
    text = tiny_recipe(tiny_start, training=ruinous).replace("\nepochs = 2\n", "\nepochs = 9\n")
    events = train(text)
    told = [
        event.message for event in events if isinstance(event, TrainingRemark) and event.message.startswith("Epoch")
    ]
    assert len(told) < 10
    losses = [float(row["loss"]) for row in rows(tmp_path / "out") if row["split"] == "validation"]
    best = losses.index(min(losses)) + 1
    assert len(losses) == max(best, 1) + 2
    assert told[-1].endswith(f"the best was epoch {best}.")
    figures = load_base_folder(tmp_path / "out" / "base").training["figures"]
    assert f"validation loss {min(losses):.3f}" in next(iter(figures.values()))
    train(text.replace("\nepochs = 9\n", f"\nepochs = {best - 1}\n"), "no longer")  # one epoch is of probing
    expected, kept = weights(tmp_path / "no longer"), weights(tmp_path / "out")
    assert all(torch.equal(kept[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize("extractor", ["mean-fc", "lateral-inhibition", "glu"])
def test_a_step_follows_the_mean_loss_of_its_episodes(
    extractor: str, tiny_start: Path, corpora_root: Path, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(tiny_recipe(tiny_start, model=f'extractor = "{extractor}"', adversarial="enabled = true"))
    recipe = read_recipe(path).settings
    assert isinstance(recipe, EpisodicRecipe)
    encoder = build_on(load_start(str(tiny_start), recipe.model.read_layers), extractor, recipe.seed)
    data = read_data(recipe, corpora_root)
    training = episodic.EpisodicTraining(recipe, data, encoder, tmp_path / "out", Processes("cpu", bf16=False))
    training._enter(Phase.WHOLE)
    with clip_loader.ClipLoader() as loader:
        drawn = list(loader.episodes(data.sampler, range(recipe.training.accumulation)))
    for index, episode, samples in drawn:
        training._backward(episode, samples, index, ends_step=index + 1 == len(drawn))
    accumulated = {
        name: each.grad.clone() for name, each in training.network.named_parameters() if each.grad is not None
    }
    training.network.zero_grad()
    losses = []
    for index, episode, samples in drawn:
        inputs = training._inputs(episode, samples, index)
        torch.manual_seed(inputs.seed)  # dropout
        losses.append(training.network(inputs, training._augment)[0])
    torch.stack(losses).mean().backward()
    assert len(losses) > 1
    for name, each in training.network.named_parameters():
        if each.grad is not None:
            torch.testing.assert_close(accumulated.pop(name), each.grad, rtol=1e-4, atol=1e-6, msg=name)
    assert not accumulated


def test_a_split_validates_on_what_is_held_out(train: Train, tiny_start: Path, tmp_path: Path) -> None:
    text = tiny_recipe(tiny_start, split="validation = 0.5").replace(VALIDATED, "")
    train(text)
    training = load_base_folder(tmp_path / "out" / "base").training
    assert training["corpora"] == training["validation"] == {"nemo": 12, "ravdess": 12}


def test_without_validation_every_epoch_is_run_and_that_is_said(train: Train, tiny_start: Path, tmp_path: Path) -> None:
    events = train(tiny_recipe(tiny_start).replace(VALIDATED, ""))
    assert any(isinstance(event, TrainingRemark) and "Nothing to validate on" in event.message for event in events)
    assert load_base_folder(tmp_path / "out" / "base").training["figures"] == {}


@pytest.mark.parametrize("model", ['extractor = "mean-fc"', 'extractor = "lateral-inhibition"\nread_layers = [2]'])
def test_the_other_extractors_train_too_and_in_bfloat16(
    train: Train, tiny_start: Path, model: str, tmp_path: Path
) -> None:
    events = train(tiny_recipe(tiny_start, model=model, training="bf16 = true"))
    assert isinstance(events[-1], Trained)
    assert all(tensor.dtype is torch.float32 for tensor in weights(tmp_path / "out").values())
    train(tiny_recipe(tiny_start, model=model), "exact")
    rounded, exact = (float(rows(tmp_path / name)[0]["loss"]) for name in ("out", "exact"))
    assert rounded != exact
    assert rounded == pytest.approx(exact, rel=0.1)


def test_a_wav2vec2_model_trains_at_its_last_layer(train: Train, wav2vec2_folder: Path, tmp_path: Path) -> None:
    changes = {"model": "backbone_dropout = true"}
    text = tiny_recipe(f"hf:{wav2vec2_folder}", **changes).replace("checkpointing = false", "checkpointing = true")
    assert isinstance(train(text)[-1], Trained)
    assert load_base_folder(tmp_path / "out" / "base").encoder.backbone.read_layers == (4,)


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("ways = 2", "ways = 9", CorpusError, "No corpus can fill"),
        ('"nemo"', '"atlantis"', CorpusError, "no reader"),
        ('"nemo"', '"tess"', CorpusError, "TESS is not there"),
        ("ways = 2", "ways = 1", RecipeError, "2 ways"),
        ("shots = 1", 'shots = 1\ntask = "speaker"\nnew_speakers = true', RecipeError, "speakers"),
        ("shots = 1", 'shots = 1\nsampling = "wild"', RecipeError, "sampling cannot be 'wild'"),
        ("accumulation = 2", "accumulation = 3", RecipeError, "whole number of steps"),
        ("accumulation = 2", "accumulation = 0", RecipeError, "below 1"),
        ("accumulation = 2", "accumulation = 2\nlearning_rate = 0.0", RecipeError, "learning rate"),
        ("accumulation = 2", "accumulation = 2\nlearning_rate = 1e-4\nmomentum = 1", RecipeError, "does not know"),
        ("[training]", '[model]\nextractor = "magic"\n[training]', RecipeError, "no extractor 'magic'"),
        ("[training]", '[model]\nextractor = "pooling"\n[training]', RecipeError, "nothing to train"),
        ("[training]", "[model]\nread_layers = [99]\n[training]", BaseError, "layers"),
        ("[training]", "[split]\nvalidation = 0.7\ntest = 0.5\n[training]", RecipeError, "nothing to train on"),
        ("[training]", "[adversarial]\nstrength = -1.0\n[training]", RecipeError, "below 0"),
        ('start = "', 'start = "/nowhere', RecipeError, "cannot start from"),
        ('start = "', 'start = "whisper:/nowhere', BaseError, "no Whisper encoder"),
        ("seed = 1", "seed = -1", RecipeError, "below 0"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words(
    train: Train, tiny_start: Path, old: str, new: str, error: type[Exception], words: str
) -> None:
    text = tiny_recipe(tiny_start)
    assert old in text
    with pytest.raises(error, match=words) as refused:
        train(text.replace(old, new))
    assert refused.value.args[1]  # the mend


def test_other_clips_than_the_run_began_with_are_refused(
    train: Train, tiny_start: Path, corpora_root: Path, tmp_path: Path
) -> None:
    text = tiny_recipe(tiny_start)
    train(text, stop_after=5)
    manifest = corpora_root / "nemo" / "manifest.csv"
    before = manifest.read_text()
    try:
        manifest.write_text("\n".join(before.splitlines()[:-1]) + "\n")
        with pytest.raises(RecipeError, match="not those that this run began with"):
            train(text)
    finally:
        manifest.write_text(before)
    assert isinstance(train(text)[-1], Trained)


def test_a_damaged_checkpoint_is_refused_in_words(train: Train, tiny_start: Path, tmp_path: Path) -> None:
    text = tiny_recipe(tiny_start)
    train(text, stop_after=5)
    (tmp_path / "out" / "checkpoint" / "last.safetensors").write_bytes(b"nonsense")
    with pytest.raises(RecipeError, match="damaged"):
        train(text)


def test_processes_that_do_not_see_one_checkpoint_are_refused(
    train: Train, tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on two machines whose run folder is not shared: the other one begins at 0."""
    text = tiny_recipe(tiny_start)
    train(text, stop_after=5)
    monkeypatch.setattr(Processes, "joined", lambda processes, found: [*found, 0])
    with pytest.raises(RecipeError, match=r"different steps: 2, 0\..*disk that all machines share"):
        train(text)


def test_clips_that_are_too_long_are_told_and_written_on_the_card(
    train: Train, tiny_start: Path, tmp_path: Path, corpora_root: Path
) -> None:
    root = tmp_path / "longer"
    shutil.copytree(corpora_root, root)
    manifest = root / "nemo" / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(",0.4\n", ",9.376\n", 1))
    (tmp_path / "long.toml").write_text(tiny_recipe(tiny_start))
    events = list(train_base(str(tmp_path / "long.toml"), root, tmp_path / "long", device="cpu"))
    remarks = [event.message for event in events if isinstance(event, TrainingRemark)]
    assert "nemo: 1 clips over 9.375 s are left out." in remarks
    assert "| nEMO | pl | 23 | 2 | 1 |" in (tmp_path / "long" / "base" / "README.md").read_text()


def test_a_damaged_file_does_not_end_a_training(
    train: Train, tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, damaged = clip_loader.read_windows, set[Path]()

    def reading(path: Path, most: int) -> tuple[np.ndarray, ...]:
        if not damaged:
            damaged.add(path)  # the first that is wanted
        if path in damaged:
            raise AudioError(f"{path.name} is damaged.", "Unpack it again.")
        return real(path, most)

    monkeypatch.setattr(clip_loader, "read_windows", reading)
    events = train(tiny_recipe(tiny_start))
    assert isinstance(events[-1], Trained)
    (name,) = (path.name for path in damaged)
    told = [event for event in events if isinstance(event, TrainingRemark) and "drawn anew" in event.message]
    assert told == [TrainingRemark(f"{name} is damaged: episodes with it are drawn anew.", "Unpack it again.")]


@pytest.mark.slow
def test_two_processes_train_as_one(train: Train, tiny_start: Path, corpora_root: Path, tmp_path: Path) -> None:
    """Started by torchrun, on two CPU processes (gloo), as `accelerate launch` does on GPUs."""
    text = tiny_recipe(tiny_start, training="learning_rate = 1e-3", adversarial="enabled = true")
    # six steps of five episodes, so that one process has three and the other two
    text = text.replace("accumulation = 2", "accumulation = 5").replace(
        "episodes_per_epoch = 4", "episodes_per_epoch = 10"
    )
    train(text, "one")
    (tmp_path / "two.toml").write_text(text)
    launcher = "torch.distributed.run --standalone --nproc_per_node 2 -m serstudio metatrain"
    command = [sys.executable, "-m", *launcher.split(), str(tmp_path / "two.toml"), "--corpora", str(corpora_root)]
    command += ["--out", str(tmp_path / "two"), "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("The base tiny is in") == 1
    assert "Every step is shared out to 2 processes." in done.stderr
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-4, atol=1e-6, msg=name)
    for alone, shared in zip(rows(tmp_path / "one"), rows(tmp_path / "two"), strict=True):
        assert float(shared["loss"]) == pytest.approx(float(alone["loss"]), rel=1e-4)
        if alone["split"] == "train":  # Adam would hide it if all gradients were too large by a factor
            assert float(shared["gradient_norm"]) == pytest.approx(float(alone["gradient_norm"]), rel=1e-3)
