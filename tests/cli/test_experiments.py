"""experiment on the command line: a table from one command, and refusals in words."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.engine.metalearning.conftest import corpora_root, tiny_start
from tests.engine.metalearning.experiments.conftest import experiment_file

__all__ = ["corpora_root", "experiment_file", "tiny_start"]  # fixtures


def test_a_table_from_one_command_with_the_papers_figures_beside(
    experiment_file: Path, corpora_root: Path, tmp_path: Path, run: Run
) -> None:
    ran = run("experiment", experiment_file, "--corpora", corpora_root, "--out", tmp_path / "out")

    assert ran.code == 0, ran
    lines = ran.out.splitlines()
    assert lines[0] == "Table 10. Tiny: accuracy in %, ± CI95, the paper's in brackets"
    assert lines[2].split("  ")[0] == "steps"
    row = next(line for line in lines if line.startswith("2 "))
    assert "(93.92)" in row
    assert "– (83.32)" in row
    assert "one: trained from" in ran.out
    assert "aesdd" in ran.err
    assert not list(tmp_path.glob("*.lock"))
    again = run("experiment", experiment_file, "--corpora", corpora_root, "--out", tmp_path / "out", "--json")
    assert again.json["table"]["blocks"][0]["cells"][0][0]["paper"] == 92.86
    shown = again.json["table"]["blocks"][0]["cells"][1][0]["measured"]["accuracy"]
    assert f"{shown:.1f} ±" in row


def test_a_table_of_the_paper_on_a_base_with_fewer_episodes(
    corpora_root: Path, tiny_start: Path, tmp_path: Path, run: Run
) -> None:
    ran = run(
        "experiment", "table10", "--corpora", corpora_root, "--base", tiny_start, "--out", tmp_path / "out",
        "--episodes", 1, "--queries", 1, "--protocol", "new-speakers",
    )  # fmt: skip

    assert ran.code == 0, ran
    assert "Of 4 corpora to measure, 3 are not in" in ran.err
    assert "EmoDB: Only 0 labels have the 6 clips that an episode needs of each" in ran.err
    assert "– (92.86)" in ran.out
    assert "Episodes: 1; queries a label: 1; query speakers absent from the support." in ran.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("table99",), "no recipe 'table99'"),
        (("main-paper",), "is no experiment"),
        (("table5", "--base", "compact"), "compares 2 trainings"),
    ],
)
def test_refusals(arguments: tuple[str, ...], told: str, corpora_root: Path, tmp_path: Path, fails: Run) -> None:
    ran = fails("experiment", *arguments, "--corpora", corpora_root, "--out", tmp_path / "out")

    assert (ran.code, told in ran.err) == (1, True)


def test_metatrain_sends_who_gives_it_a_table_to_experiment(corpora_root: Path, tmp_path: Path, fails: Run) -> None:
    ran = fails("metatrain", "table10", "--corpora", corpora_root, "--out", tmp_path / "out")

    assert "serstudio experiment" in ran.err
