"""A small experiment on the tiny corpora: two trainings, three corpora to measure, one of them absent."""

from pathlib import Path

import pytest

from tests.engine.metalearning.conftest import tiny_recipe

MEASURE = """trainings = ["one"]
corpora = ["emodb", "nemo", "aesdd"]
cut = ["emodb"]
steps = [0, 2]
ways = 2
shots = [2]
queries = 2
episodes = 3"""
LAYOUT = """rows = "steps"
columns = ["corpora"]
average = "Avg."
paper = [[92.86, 50.0, 73.41, 67.05], [93.92, nan, 83.32, 72.96]]"""


def experiment_text(measure: str = MEASURE, layout: str = LAYOUT) -> str:
    return f'kind = "experiment"\ntable = 10\ntitle = "Tiny"\n[measure]\n{measure}\n[layout]\n{layout}\n'


@pytest.fixture
def experiment_file(tmp_path: Path, tiny_start: Path) -> Path:
    """The experiment, with the recipes `one` and `two` beside it; one half of nemo is trained on."""
    for name in ("one", "two"):
        text = tiny_recipe(tiny_start, data="", split="test = 0.5").replace('"tiny"', f'"{name}"', 1)
        text = text.replace('corpora = ["nemo", "ravdess"]\nvalidation = ["emodb"]', 'corpora = ["nemo", "tess"]')
        (tmp_path / f"{name}.toml").write_text(text.replace("ways = 2", 'ways = 2\nleft_out_labels = ["calm"]'))
    path = tmp_path / "tiny-table.toml"
    path.write_text(experiment_text())
    return path
