"""Table 4 in small: trained on speakers and on accents, tested on emotions; with the paper's own two layouts."""

from pathlib import Path

import pytest
import soundfile

from engine.metalearning.events import TrainingProgress
from engine.metalearning.experiments.recipe import read_experiment
from engine.metalearning.experiments.run import Conditions, TableMade, run_experiment
from engine.metalearning.train import train_base
from tests.engine.conftest import voice
from tests.engine.metalearning.conftest import tiny_recipe
from tests.engine.metalearning.corpora.trees import write_table
from tests.engine.metalearning.experiments.conftest import experiment_text

MEASURE = """trainings = ["person", "accent"]
corpora = ["emodb", "ravdess"]
shots = [1, 2]
ways = 3
queries = 2
episodes = 3"""
LAYOUT = """rows = "corpora"
columns = ["shots", "trainings"]
average = "Average"
paper = [[1, 2, 3, 4], [5, 6, 7, 8], [nan, nan, nan, nan]]"""


@pytest.fixture
def root(tmp_path: Path, corpora_root: Path) -> Path:
    """Two emotional corpora, VoxCeleb2 with 3 speakers of 4 clips, Common Voice with 2 accents of 100 clips."""
    root = tmp_path / "corpora"
    root.mkdir()
    for name in ("emodb", "ravdess"):
        (root / name).symlink_to(corpora_root / name)
    for speaker in range(3):
        for take in range(4):
            path = root / f"voxceleb2/dev/aac/id0000{speaker}/abc/0000{take}.m4a"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, voice(10 * speaker + take, 0.3, 100 + 50 * speaker), 16_000, format="WAV")
    clips = root / "common-voice/en/clips"
    clips.mkdir(parents=True)
    rows = []
    for accent, name in enumerate(("Scottish", "Welsh")):
        soundfile.write(clips / f"{name}0.mp3", voice(accent, 0.3, 100 + 50 * accent), 16_000, format="WAV")
        for take in range(1, 100):
            (clips / f"{name}{take}.mp3").hardlink_to(clips / f"{name}0.mp3")
        rows += [{"client_id": take % 5, "path": f"{name}{take}.mp3", "accents": name} for take in range(100)]
    write_table(root / "common-voice/en/validated.tsv", rows, "\t")
    return root


@pytest.fixture
def table(tmp_path: Path, tiny_start: Path) -> Path:
    data = 'corpora = ["nemo", "ravdess"]\nvalidation = ["emodb"]'
    for name, corpus, task in (
        ("person", "voxceleb2", 'task = "speaker"'),
        ("accent", "common-voice", 'task = "accent"\nsampling = "free"'),
    ):
        text = tiny_recipe(tiny_start, episodes=task).replace(data, f'corpora = ["{corpus}"]')
        (tmp_path / f"{name}.toml").write_text(text.replace('name = "tiny"', f'name = "{name}"'))
    path = tmp_path / "small-table4.toml"
    path.write_text(experiment_text(MEASURE, LAYOUT))
    return path


def test_what_speakers_and_accents_teach_is_measured_on_emotions(table: Path, root: Path, tmp_path: Path) -> None:
    *_, made = run_experiment(
        read_experiment(table), Conditions(root, tmp_path / "out", device="cpu", beside=table.parent)
    )

    assert isinstance(made, TableMade)
    assert [(block.heading, block.columns) for block in made.table.blocks] == [
        ("3-way 1-shot", ("person", "accent")),
        ("3-way 2-shot", ("person", "accent")),
    ]
    assert made.table.rows == ("EmoDB (de)", "RAVDESS (en)", "Average")
    cells = [cell for block in made.table.blocks for row in block.cells for cell in row]
    assert all(cell.measured is not None for cell in cells)
    assert [cell.paper for cell in cells] == [1, 2, 5, 6, None, None, 3, 4, 7, 8, None, None]


def test_a_base_that_metatrain_made_there_is_not_trained_again(table: Path, root: Path, tmp_path: Path) -> None:
    for name in ("person", "accent"):
        list(train_base(str(tmp_path / f"{name}.toml"), root, tmp_path / "out" / name, device="cpu"))

    events = list(
        run_experiment(read_experiment(table), Conditions(root, tmp_path / "out", device="cpu", beside=table.parent))
    )

    steps = [event.message for event in events if isinstance(event, TrainingProgress) and event.steps]
    assert steps
    assert not [message for message in steps if message.startswith(("person:", "accent:"))]
