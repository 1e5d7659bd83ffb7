from pathlib import Path

from engine.metalearning.experiments.measured import Measured, figure_of


def test_figures_of_one_episode_have_no_interval_and_are_kept_so(tmp_path: Path) -> None:
    figures = {0: figure_of([0.5]), 1: figure_of([0.4, 0.6])}
    Measured(tmp_path / "figures.json").keep({"seed": 0}, figures)
    found = Measured(tmp_path / "figures.json").find({"seed": 0})
    assert found == figures
    assert [figure.in_words() for figure in figures.values()] == ["50.0", "50.0 ± 127.1"]
