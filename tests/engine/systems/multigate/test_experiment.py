from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import CorpusError, RecipeError
from engine.metalearning.events import TrainingRemark
from engine.metalearning.experiments.kinds import run_table, table_recipe
from engine.metalearning.experiments.run import Conditions, TableMade
from engine.metalearning.experiments.table import Table
from engine.metalearning.recipe import find_recipe, read_recipe
from engine.systems.multigate import experiment, figures
from engine.systems.multigate.figures import gates_svg, tsne_svg
from engine.systems.multigate.held_out import split_language
from engine.systems.multigate.languages import Language
from engine.systems.multigate.recipe import MultiGateRecipe, MultiGateTableRecipe, Split
from tests.engine.metalearning.conftest import corpora_root  # noqa: F401  # a fixture
from tests.engine.systems.multigate.conftest import SMALL_SECTIONS, tiny_streams

WITHOUT_COPIES = "[streams]\naugmented = 0\n"
VARIANTS = """kind = "multigate-table"
table = 3
title = "tiny"
[measure]
corpora = ["nemo", "emodb"]
compared = "variants"
held_out = 0.5
runs = 2
paper = [[nan, nan, 64.0, 86.0], [nan, nan, 1, 2], [nan, nan, 1, 2], [nan, nan, 1, 2], [nan, nan, 1, 2]]
"""
AUXILIARY = """kind = "multigate-table"
table = 4
title = "tiny"
[measure]
corpora = ["nemo"]
compared = "auxiliary"
split = "random"
runs = 1
paper = [[nan, nan], [nan, nan]]
"""


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "open_streams", lambda section: (tiny_streams(), "none"))


def make(text: str, root: Path, folder: Path) -> tuple[list[object], Table]:
    (folder / "t.toml").write_text(text + SMALL_SECTIONS + WITHOUT_COPIES)
    *events, last = run_table(folder / "t.toml", Conditions(root, folder / "out", device="cpu"))
    assert isinstance(last, TableMade)
    return list(events), last.table


def test_table_3_compares_the_variants_and_goes_on_where_it_was(
    tiny: None,
    corpora_root: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, table = make(VARIANTS, corpora_root, tmp_path)
    assert table.rows == ("Base", "SB", "OMoE", "MMoE", "Ours")
    assert [block.heading for block in table.blocks] == ["nEMO (pl)", "EmoDB (de)"]
    assert table.blocks[0].columns == ("UA", "WA")
    cells = [cell for block in table.blocks for row in block.cells for cell in row]
    assert all(cell.measured is not None and 0 <= cell.measured.accuracy <= 100 for cell in cells)
    assert table.blocks[0].cells[0][0].paper is None
    assert table.blocks[1].cells[0][1].paper == 86.0
    assert any("speakers held out" in note for note in table.notes)
    drawn = (tmp_path / "out" / "gates.svg").read_text()
    assert "nEMO (pl)" in drawn
    assert "ge2e" in drawn
    monkeypatch.setattr(experiment, "train_network", None)  # nothing is trained again
    assert make(VARIANTS, corpora_root, tmp_path)[1] == table


def test_table_4_compares_with_and_without_the_auxiliary_loss(
    tiny: None,
    corpora_root: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(figures, "import_module", _absent)
    events, table = make(AUXILIARY, corpora_root, tmp_path)
    assert table.rows == ("with aux loss", "w/o aux loss")
    assert any("at random as in the paper" in note for note in table.notes)
    remarks = [event for event in events if isinstance(event, TrainingRemark)]
    assert any("scikit-learn" in remark.message for remark in remarks)
    assert not (tmp_path / "out" / "tsne.svg").exists()


def _absent(name: str) -> None:
    raise ImportError(name)


def test_a_base_cannot_be_measured_by_these_tables(corpora_root: Path, tmp_path: Path) -> None:  # noqa: F811
    recipe = table_recipe(find_recipe("multigate-table3"))
    with pytest.raises(RecipeError, match="trains its own"):
        list(experiment.run(recipe, Conditions(corpora_root, tmp_path, base="compact")))


def test_the_bundled_recipes_can_be_read() -> None:
    for name in ("multigate", "multigate-small"):
        assert isinstance(read_recipe(find_recipe(name)).settings, MultiGateRecipe)
    for number in (3, 4):
        recipe = table_recipe(find_recipe(f"multigate-table{number}"))
        assert isinstance(recipe, MultiGateTableRecipe)
        assert recipe.table == number
        assert recipe.measure.split is Split.SPEAKERS


def test_wrong_tables_are_refused_in_words(tmp_path: Path) -> None:
    for wrong, told in (
        (VARIANTS.replace("runs = 2", "runs = 0"), "a run"),
        (VARIANTS.replace('"nemo"', '"smell"'), "unknown corpus"),
        (VARIANTS.replace("[nan, nan, 1, 2], ", "", 1), "not a table of 5 rows and 4 columns"),
    ):
        (tmp_path / "t.toml").write_text(wrong)
        with pytest.raises(RecipeError) as refused:
            table_recipe(tmp_path / "t.toml")
        assert told in str(refused.value)


def test_splits_hold_out_speakers_or_clips_of_each_label(languages: list[Language]) -> None:
    language = languages[0]
    rest, held = split_language(language, Split.SPEAKERS, 0.25, 0)
    assert not set(language.speakers[rest.clips]) & set(language.speakers[held.clips])
    assert len(held.clips) == 6
    again = split_language(language, Split.SPEAKERS, 0.25, 0)
    assert np.array_equal(again[1].clips, held.clips)
    rest, held = split_language(language, Split.RANDOM, 0.25, 0)
    assert np.bincount(language.labels[held.clips]).tolist() == [2, 2, 2]
    assert sorted([*rest.clips, *held.clips]) == list(range(24))
    lone = language.of(np.flatnonzero(language.speakers == 0))
    with pytest.raises(CorpusError, match="one speaker"):
        split_language(_of_one_speaker(lone), Split.SPEAKERS, 0.2, 0)


def _of_one_speaker(language: Language) -> Language:
    from dataclasses import replace

    streams = tuple(replace(stream, speakers=np.zeros_like(stream.speakers)) for stream in language.streams)
    return replace(language, streams=streams)


def test_bars_are_as_tall_as_the_weights() -> None:
    svg = gates_svg({"A & B": [0.25, 0.75]}, ["mfcc", "ge2e"])
    assert 'height="45.0"' in svg
    assert 'height="135.0"' in svg
    assert "A &amp; B" in svg


def test_points_are_drawn_with_scikit_learn() -> None:
    pytest.importorskip("sklearn")
    torch.manual_seed(0)
    svg = tsne_svg({"one": torch.randn(20, 8).numpy()}, np.arange(20) % 3, ["a", "b", "c"], 0)
    assert svg.count("<circle") == 20
