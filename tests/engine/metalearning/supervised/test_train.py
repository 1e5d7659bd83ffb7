import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.adaptation import Adapted, LabelledClip, adapt
from engine.adaptation.settings import resolve_settings
from engine.bases import load_base
from engine.choices import HEADS, Protocol
from engine.errors import CorpusError, RecipeError
from engine.evaluation.episodes import EpisodeShape
from engine.extractors import Mixture
from engine.metalearning import few_shot_figures
from engine.metalearning.events import Trained, TrainingEvent, TrainingProgress
from engine.metalearning.recipe import parse_recipe
from engine.metalearning.supervised import train as training
from engine.metalearning.train import train_base
from tests.engine.conftest import voice
from tests.engine.metalearning.conftest import killed_after

CLOSED_FORM = 'kind = "closed-form"'
SUPERVISED = """kind = "supervised"
[views]
augmented = 1
stretched = 0.1
[networks]
count = 2
width = 16
embedding_size = 8
[training]
steps = 4
batch = 6
shortest_s = 0.2
longest_s = 0.3
style_mixing = 0.5
checkpoint_steps = 2
[mixture]
size = 12"""

TUNED = SUPERVISED.replace("steps = 4\n", "steps = 4\nencoder_rate = 1e-3\n")


def recipe(path: Path, start: Path, kind: str, corpora: str = '"nemo", "ravdess"') -> Path:
    first, *rest = kind.split("\n")
    lines = [first, 'name = "tiny"', "seed = 2", "read_layers = [1, 2]", *rest]
    lines += ["[data]", f"corpora = [{corpora}]", 'validation = ["emodb"]', "[base]", f'start = "{start}"']
    path.write_text("\n".join(lines))
    return path


def run(path: Path, root: Path, folder: Path) -> Iterator[TrainingEvent]:
    return train_base(str(path), root, folder, device="cpu")


@pytest.mark.parametrize("kind", [CLOSED_FORM, SUPERVISED, TUNED])
def test_a_run_ends_in_a_base_that_can_be_adapted(
    kind: str, corpora_root: Path, tiny_start: Path, tmp_path: Path
) -> None:
    events = list(run(recipe(tmp_path / "r.toml", tiny_start, kind), corpora_root, tmp_path / "run"))
    assert events[-1] == Trained(tmp_path / "run" / "base")
    base = load_base(str(tmp_path / "run" / "base"))
    assert isinstance(base.encoder.extractor, Mixture)
    assert len(base.encoder.extractor.members) == (1 if kind == CLOSED_FORM else 3)
    assert base.training["corpora"] == {"nemo": 24, "ravdess": 24}
    assert not base.standardised
    card = (tmp_path / "run" / "base" / "README.md").read_text()
    assert "CC BY-NC-SA" in card
    assert kind.split("\n")[0] in card
    clips = [LabelledClip((voice(take, 0.5, 100.0 * 1.6**label),), label) for label in range(2) for take in range(3)]
    *_, adapted = adapt(base, clips, ("a", "b"), resolve_settings(base.recommended))
    assert isinstance(adapted, Adapted)
    assert adapted.settings.method == "logistic"
    assert torch.isfinite(adapted.head.weight).all()


@pytest.mark.parametrize("kind", [SUPERVISED, TUNED])
def test_killed_anywhere_and_started_again_it_is_the_same_base(
    kind: str, corpora_root: Path, tiny_start: Path, tmp_path: Path
) -> None:
    path = recipe(tmp_path / "r.toml", tiny_start, kind)
    whole = list(run(path, corpora_root, tmp_path / "whole"))
    for kill_after in (3, 5):
        caching = run(path, corpora_root, tmp_path / "killed")
        for _ in range(kill_after):
            next(caching)
        caching.close()  # type: ignore[attr-defined]
    for step in (2, 3):
        killed_after(run(path, corpora_root, tmp_path / "killed"), step)
    list(run(path, corpora_root, tmp_path / "killed"))
    weights = [(tmp_path / name / "base" / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]
    logs = [(tmp_path / name / "log.csv").read_text().splitlines() for name in ("whole", "killed")]
    assert [line.rsplit(",", 1)[0] for line in logs[0]] == [line.rsplit(",", 1)[0] for line in logs[1]]
    assert len(logs[0]) == 1 + 4
    told = [event for event in whole if isinstance(event, TrainingProgress) and event.loss is not None]
    assert [event.step for event in told] == list(range(1, 5))
    assert told[-1].remaining_s == 0


def test_with_a_tuned_encoder_all_parts_are_of_the_tuned_one(
    corpora_root: Path, tiny_start: Path, tmp_path: Path
) -> None:
    bases = []
    for kind in (SUPERVISED, TUNED):
        folder = tmp_path / kind[-30:].replace("\n", "")
        path = recipe(tmp_path / "r.toml", tiny_start, kind)
        list(run(path, corpora_root, folder / str(len(bases))))
        bases.append(load_base(str(folder / str(len(bases)) / "base")))
    frozen, tuned = bases
    published = load_base(str(tiny_start)).encoder.backbone.state_dict()
    for base, same in ((frozen, True), (tuned, False)):
        for name, tensor in base.encoder.backbone.state_dict().items():
            if name.endswith("fc1.weight"):
                assert torch.equal(tensor, published[name].half().float()) is same, name
    assert torch.equal(tuned.encoder.backbone.conv2.weight, frozen.encoder.backbone.conv2.weight)
    assert (frozen.training["backbone"], tuned.training["backbone"]) == ("as published", "tuned")
    closed = [base.encoder.extractor.members[0] for base in bases]
    assert not torch.equal(closed[0].channel_mean, closed[1].channel_mean), "fitted to other frames"


def test_figures_of_the_validation_corpora_are_in_the_card(
    corpora_root: Path, tiny_start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(few_shot_figures, "SHAPE", EpisodeShape(ways=3, shots=2, queries=2))
    monkeypatch.setattr(training, "_VALIDATION_EPISODES", 3)
    path = recipe(tmp_path / "r.toml", tiny_start, CLOSED_FORM)
    path.write_text(path.read_text() + '\n\n[card]\nnotes = """\n- Measured besides: 12 %.\n"""\n')
    list(run(path, corpora_root, tmp_path / "run"))
    card = (tmp_path / "run" / "base" / "README.md").read_text()
    assert card.count("- Measured besides: 12 %.\n\n## Known failures") == card.count("Measured besides") == 1
    assert card.endswith(f'    start = "{tiny_start}"\n'), "the recipe is shown without what is above"
    figure = r"\d+\.\d ± \d+\.\d"
    heads = ", ".join(f"{head} {figure}" for head in HEADS)
    for protocol in Protocol:
        assert re.search(f"emodb, {protocol.value}, 3-way 2-shot, 3 episodes, %: {heads}", card)


def test_a_validation_corpus_that_is_too_small_is_told(corpora_root: Path, tiny_start: Path, tmp_path: Path) -> None:
    path = recipe(tmp_path / "r.toml", tiny_start, CLOSED_FORM)
    events = list(run(path, corpora_root, tmp_path / "run"))
    # three labels of eight clips cannot fill 4-way episodes, and that is said, not hidden
    told = [str(event) for event in events]
    assert any("not validated" in line for line in told)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("[networks]\nwidth = 20", "width a multiple of 8"),
        ("[training]\nbatch = 2", "batch of 4"),
        ("[training]\nshortest_s = 3.0\nlongest_s = 2.0", "shortest_s <= longest_s"),
        ("[views]\naugmented = -1", "cannot hold -1 copies"),
        ("[views]\nstretched = 0.6", "cannot move bands by a share of 0.6"),
        ("[views]\nbands_masked = -0.1", "cannot mask a share of -0.1"),
        ("[discriminant]\nshrinkage = 0.0", "shrinkage in 0 to 1"),
        ("[training]\nlearning_rate = 2.0", "makes no sense"),
        ("[training]\nencoder_rate = 1.0", "cannot tune the encoder at a rate of 1.0"),
        ("[training]\nstyle_mixing = 1.5", "cannot mix a share of 1.5"),
        ("[mixture]\nsize = 0", "[mixture] makes no sense"),
        ("[adaptation.rates]\neverything = 1e-6", "does not know 'everything'"),
        ("[adaptation.rates]\nall = 0.0", "a learning rate of 0.0"),
        ("[adaptation]\nsteps = -1", "cannot recommend -1 steps"),
        ("[networks]\nweight = -1.0", "a weight of -1.0"),
        ("[training]\nweight_decay = -1.0", "below 0"),
        ("[training]\nreversal = -0.1", "below 0"),
        ("[training]\naveraging = 1.0", "cannot average weights by 1.0"),
    ],
)
def test_wrong_values_are_refused_in_words(lines: str, told: str, tiny_start: Path, tmp_path: Path) -> None:
    import tomllib

    text = recipe(tmp_path / "r.toml", tiny_start, 'kind = "supervised"').read_text() + "\n" + lines
    with pytest.raises(RecipeError) as refused:
        parse_recipe(tomllib.loads(text), "r.toml")
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"seed": -1}, "seed is below 0"),
        ({"read_layers": [-1]}, "layer below 1"),
        ({"read_layers": []}, "no layer"),
        ({"read_layers": [2, 2]}, "one twice"),
    ],
)
def test_what_no_encoder_can_start_with_is_refused(
    wrong: dict[str, object], told: str, tiny_start: Path, tmp_path: Path
) -> None:
    import tomllib

    values = tomllib.loads(recipe(tmp_path / "r.toml", tiny_start, CLOSED_FORM).read_text())
    with pytest.raises(RecipeError, match=told):
        parse_recipe(values | wrong, "r.toml")


def test_a_method_that_no_base_can_recommend_is_refused(tiny_start: Path, tmp_path: Path) -> None:
    import tomllib

    text = recipe(tmp_path / "r.toml", tiny_start, CLOSED_FORM).read_text() + '\n[adaptation]\nmethod = "guess"'
    with pytest.raises(RecipeError, match="guess"):
        parse_recipe(tomllib.loads(text), "r.toml")


def test_a_corpus_of_one_emotion_is_refused(corpora_root: Path, tiny_start: Path, tmp_path: Path) -> None:
    folder = tmp_path / "corpora" / "nemo"
    folder.mkdir(parents=True)
    for file in (corpora_root / "nemo").glob("anger*"):
        (folder / file.name).write_bytes(file.read_bytes())
    rows = [f"{file.name},anger,s0,xx,0.4" for file in sorted(folder.iterdir())]
    (folder / "manifest.csv").write_text("\n".join(["file,label,speaker,language,duration_s", *rows]))
    path = recipe(tmp_path / "r.toml", tiny_start, CLOSED_FORM, '"nemo"')
    path.write_text(path.read_text().replace('validation = ["emodb"]', ""))
    with pytest.raises(CorpusError, match="one emotion only"):
        list(run(path, tmp_path / "corpora", tmp_path / "run"))
