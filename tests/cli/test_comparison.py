"""compare: the table, the honest sentence, and what fails."""

from pathlib import Path

import pytest

from engine.base_folder import Base
from engine.bases import load_base
from serstudio.comparison_words import BRACKETS
from serstudio.usecases import compare_project, version_base
from tests.cli.conftest import Run
from tests.engine.evaluation.fake_system import use_fake_systems


@pytest.fixture
def tiny_bases(tiny_base_folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every bundled base is the tiny one."""

    def load(name: str) -> Base:
        return load_base(tiny_base_folder)

    for module in (compare_project, version_base):
        monkeypatch.setattr(module, "load_base", load)
    use_fake_systems(monkeypatch, broken="multigate")


def test_methods_stand_below_each_other_in_the_order_asked(labelled_project: Path, tiny_bases: None, run: Run) -> None:
    methods = ("lda", "prototypes", "fmaml")
    ran = run("compare", labelled_project, *(part for method in methods for part in ("--method", method)))
    assert ran.code == 0, ran
    head, *lines = ran.out.splitlines()
    assert head.split()[:2] == ["method", "accuracy"]
    assert head.rstrip().endswith("beside lda")
    assert [line.lstrip("* ").split()[0] for line in lines[:3]] == list(methods)
    assert sum(line.startswith("*") for line in lines[:3]) == 1
    assert "24 clips by 4 speakers in 3 parts of whole speakers" in ran.out
    assert "Chance is 33%." in ran.out
    assert BRACKETS in ran.out
    assert "F-MAML starts from a base of its own, which comes with SER Studio. The others start from" in ran.out
    assert "fmaml: F-MAML. Naman et al., Fixed-MAML" in ran.out


def test_without_a_method_it_is_what_the_base_recommends_and_the_usual_ones(
    labelled_project: Path, tiny_bases: None, run: Run
) -> None:
    ran = run("compare", labelled_project)
    assert "disjoint (recommended)" in ran.out
    assert "multigate could not be measured: A mistake of ours: ModuleNotFoundError" in ran.out
    assert "hgfm" in ran.out


def test_json_holds_all_of_it(labelled_project: Path, tiny_bases: None, run: Run) -> None:
    told = run("compare", labelled_project, "--method", "lda", "--method", "multigate", "--json").json
    lda, multigate = told["methods"]
    assert sum(map(sum, lda["figures"]["confusion"])) == told["clip_count"] == 24
    assert lda["figures"]["interval"][0] <= lda["figures"]["accuracy"] <= lda["figures"]["interval"][1]
    assert multigate["figures"] is None
    assert multigate["error"]


def test_compare_refuses(tmp_path: Path, labelled_project: Path, tiny_bases: None, run: Run, fails: Run) -> None:
    run("new", tmp_path / "empty", "--labels", "a,b")
    assert fails("compare", tmp_path / "empty").code == 1
    assert fails("compare", labelled_project, "--method", "magic").code == 2
    assert "No method could be measured" in fails("compare", labelled_project, "--method", "multigate").err


def test_help_names_the_systems(run: Run) -> None:
    for verb in ("adapt", "check", "compare"):
        words = run(verb, "--help").out
        assert "fmaml" in words
        assert "hgfm" in words
