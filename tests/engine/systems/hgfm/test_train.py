from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.adaptation import Adapted, LabelledClip, adapt
from engine.adaptation.settings import resolve_settings
from engine.backbones.mfcc import MfccBackbone
from engine.bases import load_base
from engine.errors import CorpusError, RecipeError
from engine.metalearning.events import Trained, TrainingEvent, TrainingProgress, TrainingRemark
from engine.metalearning.recipe import parse_recipe
from engine.metalearning.start import AS_PUBLISHED, load_start
from engine.metalearning.train import train_base
from engine.systems.hgfm.network import HierarchicalGrainedFeatureModel
from engine.systems.hgfm.recipe import Upstream
from engine.systems.hgfm.upstream import unfreeze
from tests.engine.conftest import voice
from tests.engine.systems.hgfm.conftest import write_recipe

TUNED = 'epochs = 1\ntuned_epochs = 1\nmasks = true\nupstream = "UPSTREAM"'


def run(path: Path, root: Path, folder: Path) -> Iterator[TrainingEvent]:
    return train_base(str(path), root, folder, device="cpu")


def test_a_run_ends_in_a_base_that_can_be_adapted(corpora_root: Path, tiny_start: Path, tmp_path: Path) -> None:
    events = list(run(write_recipe(tmp_path / "r.toml", tiny_start), corpora_root, tmp_path / "run"))
    assert events[-1] == Trained(tmp_path / "run" / "base")
    told = [event.message for event in events if isinstance(event, TrainingRemark)]
    for epoch in (1, 2):
        (line,) = (each for each in told if each.startswith(f"Epoch {epoch}, emodb: WA "))
        assert ", UA " in line
        assert ", F1 " in line
    base = load_base(str(tmp_path / "run" / "base"))
    assert isinstance(base.encoder.extractor, HierarchicalGrainedFeatureModel)
    assert base.encoder.backbone.read_layers == (1, 2)
    assert (base.recommended.method, base.recommended.steps, base.recommended.head) == ("hgfm", 3, "linear")
    assert not base.standardised
    assert base.training["corpora"] == {"nemo": 24, "ravdess": 24}
    assert base.training["backbone"] == AS_PUBLISHED
    card = (tmp_path / "run" / "base" / "README.md").read_text()
    assert "emodb, not adapted, asked and answered anger, happiness, sadness" in card
    assert "CC BY-NC-SA" in card
    clips = [LabelledClip((voice(take, 0.5, 100.0 * 1.6**label),), label) for label in range(2) for take in range(3)]
    *_, adapted = adapt(base, clips, ("a", "b"), resolve_settings(base.recommended))
    assert isinstance(adapted, Adapted)
    assert adapted.settings.method == "hgfm"


@pytest.mark.parametrize("upstream", ["context", "full"])
def test_killed_anywhere_and_started_again_it_is_the_same_base(
    upstream: str, corpora_root: Path, tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.systems.hgfm.phase.CHECKPOINT_STEPS", 1)
    path = write_recipe(tmp_path / "r.toml", tiny_start, TUNED.replace("UPSTREAM", upstream))
    events = list(run(path, corpora_root, tmp_path / "whole"))
    steps = [event.step for event in events if isinstance(event, TrainingProgress) and event.loss is not None]
    assert steps == list(range(1, 7))  # 48 clips in batches of 16, two epochs
    for kill_after in (6, 9, 4, 7):
        started = run(path, corpora_root, tmp_path / "killed")
        for _ in range(kill_after):
            next(started)
        started.close()  # type: ignore[attr-defined]
    list(run(path, corpora_root, tmp_path / "killed"))
    weights = [(tmp_path / name / "base" / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]
    logs = [(tmp_path / name / "log.csv").read_text().splitlines() for name in ("whole", "killed")]
    without_seconds = [[line.split(",")[:4] + line.split(",")[5:] for line in log] for log in logs]
    assert without_seconds[0] == without_seconds[1]
    assert "backbone" not in load_base(str(tmp_path / "whole" / "base")).training


@pytest.mark.parametrize("upstream", ["context", "full"])
def test_what_is_trained_of_the_upstream_is_what_was_asked(
    upstream: str, corpora_root: Path, wav2vec2_folder: Path, tmp_path: Path
) -> None:
    start = f"hf:{wav2vec2_folder}"
    training = f'epochs = 0\ntuned_epochs = 1\nupstream = "{upstream}"\nlongest_s = 0.3'
    path = write_recipe(tmp_path / "r.toml", start, training)
    path.write_text(path.read_text().replace("episodes = 1", "episodes = 0"))
    list(run(path, corpora_root, tmp_path / "run"))
    before = load_start(start, (1, 2)).backbone.state_dict()
    after = load_base(str(tmp_path / "run" / "base")).encoder.backbone.state_dict()
    changed = {name for name, each in after.items() if not torch.equal(each, before[name].half().float())}
    assert any("layers.0.attention" in name for name in changed)
    assert any("feature_extractor" in name for name in changed) == (upstream == "full")
    assert torch.isfinite(torch.cat([each.flatten() for each in after.values()])).all()


def test_of_the_compact_encoder_full_means_its_convolutions_too(tiny_start: Path) -> None:
    backbone = load_start(str(tiny_start), (1, 2)).backbone
    for upstream, convolutions, layers in (
        (Upstream.FULL, True, True),
        (Upstream.CONTEXT, False, True),
        (Upstream.FROZEN, False, False),
    ):
        backbone.requires_grad_(requires_grad=True)
        unfreeze(backbone, upstream)
        trained = {name for name, each in backbone.named_parameters() if each.requires_grad}
        assert ("conv1.weight" in trained) == convolutions
        assert ("layers.0.fc1.weight" in trained) == layers


def test_an_upstream_without_weights_can_only_be_frozen() -> None:
    unfreeze(MfccBackbone(), Upstream.FROZEN)
    with pytest.raises(RecipeError, match="no convolutions"):
        unfreeze(MfccBackbone(), Upstream.FULL)
    with pytest.raises(RecipeError, match="nothing that can be trained"):
        unfreeze(MfccBackbone(), Upstream.CONTEXT)


def test_an_emotion_that_no_corpus_has_is_refused(corpora_root: Path, tiny_start: Path, tmp_path: Path) -> None:
    path = write_recipe(tmp_path / "r.toml", tiny_start)
    path.write_text(path.read_text().replace('"sadness"]', '"boredom"]'))
    with pytest.raises(CorpusError, match="is of boredom"):
        list(run(path, corpora_root, tmp_path / "run"))


def test_a_run_is_not_taken_up_on_other_clips(
    corpora_root: Path, tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.systems.hgfm.phase.CHECKPOINT_STEPS", 1)
    path = write_recipe(tmp_path / "r.toml", tiny_start)
    started = run(path, corpora_root, tmp_path / "run")
    for event in started:
        if isinstance(event, TrainingRemark):
            break
    next(started)
    started.close()  # type: ignore[attr-defined]
    others = tmp_path / "others"
    for name in ("nemo", "ravdess", "emodb"):
        (others / name).mkdir(parents=True)
        for file in (corpora_root / name).iterdir():
            (others / name / file.name).write_bytes(file.read_bytes())
    manifest = others / "emodb" / "manifest.csv"
    manifest.write_text("\n".join(manifest.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(RecipeError, match="not those that this run began with"):
        list(run(path, others, tmp_path / "run"))


def test_its_recipe_is_one_of_the_kinds(tiny_start: Path, tmp_path: Path) -> None:
    import tomllib

    settings = parse_recipe(tomllib.loads(write_recipe(tmp_path / "r.toml", tiny_start).read_text()), "r.toml")
    assert settings.kind == "hgfm"
