import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.errors import CorpusError, RecipeError
from engine.metalearning.corpora import read_corpus
from engine.metalearning.events import TrainingProgress, TrainingRemark
from engine.metalearning.experiments.run import Conditions, ExperimentEvent, TableMade
from engine.metalearning.experiments.table import Table
from engine.metalearning.toml_table import read_table
from engine.systems.hgfm.acoustic import AcousticFrames
from engine.systems.hgfm.experiment import run
from engine.systems.hgfm.mixed import mix
from engine.systems.hgfm.recipe import HgfmTableRecipe, Split, TableDataSection
from engine.systems.hgfm.scores import Answer, intervals, scores
from engine.systems.hgfm.shares import shares
from tests.engine.conftest import voice
from tests.engine.metalearning.conftest import EMOTIONS

TABLE = """kind = "hgfm-table"
name = "hgfm-table9"
title = "Rows"
read_layers = [1, 2]
[data]
corpora = ["nemo", "ravdess", "emodb"]
labels = ["anger", "happiness", "sadness"]
DATA
[base]
start = "START"
[model]
projected = 16
state = 8
[training]
epochs = 1
batch = 32
"""
ROWS = """[[rows]]
title = "Fbank + HGFM"
upstream = "fbank"
paper = [62.3, 63.7, 62.8]
[[rows]]
title = "MFCC + HGFM"
upstream = "mfcc"
[[rows]]
title = "Other + HGFM"
upstream = "not-here"
[[rows]]
title = "Encoder + FCN"
downstream = "fcn"
[[rows]]
title = "Encoder + CNN-attention"
downstream = "cnn-attention"
[[rows]]
title = "Encoder + HGFM"
[[rows]]
title = "Encoder + HGFM, context"
trained = "context"
"""


def recipe(start: Path, data: str, rows: str = ROWS) -> HgfmTableRecipe:
    text = TABLE.replace("START", str(start)).replace("DATA", data) + rows
    return read_table(HgfmTableRecipe, tomllib.loads(text), "t.toml")


def table_of(events: list[ExperimentEvent]) -> Table:
    assert isinstance(events[-1], TableMade)
    return events[-1].table


def test_every_row_is_trained_once_and_tested(corpora_root: Path, tiny_start: Path, tmp_path: Path) -> None:
    settings = recipe(tiny_start, "parts = 2\ntested = 1")
    conditions = Conditions(corpora_root, tmp_path / "out", device="cpu")
    events = list(run(settings, conditions))
    table = table_of(events)
    assert table.name == "XLSR-HGFM, table9"
    assert table.rows == tuple(row.title for row in settings.rows)
    (block,) = table.blocks
    assert block.columns == ("WA", "UA", "F1")
    for title, cells in zip(table.rows, block.cells, strict=True):
        for cell in cells:
            assert (cell.measured is None) == (title == "Other + HGFM")
            if cell.measured is not None:
                assert 0 <= cell.measured.accuracy <= 100
                assert cell.measured.ci95 >= 0
    assert [cell.paper for cell in block.cells[0]] == [62.3, 63.7, 62.8]
    assert any("no speaker is in both" in note for note in table.notes)
    assert any(isinstance(each, TrainingRemark) and "Other + HGFM" in each.message for each in events)
    again = list(run(settings, conditions))
    assert table_of(again) == table
    assert not [each for each in again if isinstance(each, TrainingProgress) and each.loss is not None]


def test_a_corpus_left_out_is_tested_on_the_emotions_asked(
    corpora_root: Path, tiny_start: Path, tmp_path: Path
) -> None:
    data = 'targets = ["emodb", "nemo"]\nasked = ["anger", "sadness"]\nmost_clips = 20'
    rows = '[[rows]]\ntitle = "Encoder + HGFM"\n'
    settings = recipe(tiny_start, data, rows)
    table = table_of(list(run(settings, Conditions(corpora_root, tmp_path / "out", device="cpu"))))
    assert {block.heading for block in table.blocks} == {"EmoDB", "nEMO"}
    assert any("asked and answered: anger, sadness" in note for note in table.notes)
    assert "Of each corpus 20 clips at most, drawn at random." in table.notes


def test_what_cannot_be_done_is_refused_in_words(tiny_start: Path, corpora_root: Path, tmp_path: Path) -> None:
    settings = recipe(tiny_start, "")
    with pytest.raises(RecipeError, match="trains its own networks"):
        list(run(settings, Conditions(corpora_root, tmp_path / "out", base="compact")))
    with pytest.raises(CorpusError, match="nothing to train on"):
        list(run(settings, Conditions(tmp_path, tmp_path / "out")))
    with pytest.raises(CorpusError, match="no clip to be tested on"):
        list(run(recipe(tiny_start, "parts = 5"), Conditions(corpora_root, tmp_path / "out")))


def test_no_speaker_is_trained_and_tested_on_unless_the_split_is_the_papers(corpora_root: Path) -> None:
    corpora = [read_corpus(name, corpora_root / name) for name in ("nemo", "ravdess")]
    clips = mix(corpora, EMOTIONS)
    plan = TableDataSection(("nemo", "ravdess"), labels=EMOTIONS, parts=2, tested=2)
    by_speaker, by_clip = (shares(clips, corpora, each, 0) for each in (plan, replace(plan, split=Split.RANDOM)))
    for share in (*by_speaker, *by_clip):
        assert not set(share.train) & set(share.test)
        assert set(share.train) | set(share.test) == set(clips)
        assert {clip.label for clip in share.test} == {0, 1, 2}
    assert sum(len(share.test) for share in by_speaker) == len(clips)
    for share in by_speaker:
        assert not {clip.speaker for clip in share.train} & {clip.speaker for clip in share.test}
    assert {clip.speaker for clip in by_clip[0].train} == {clip.speaker for clip in by_clip[0].test}
    few = shares(clips, corpora, replace(plan, most_clips=5, tested=1), 0)[0]
    assert len(few.train) + len(few.test) == 10


def test_intervals_are_wider_where_few_speakers_answer_alike() -> None:
    right = [Answer(0, 0, "a"), Answer(1, 1, "b")]
    assert scores(right, 2) == (1.0, 1.0, 1.0)
    assert intervals(right, 2) == (0.0, 0.0, 0.0)
    mixed = [Answer(number % 2, (number % 2) ^ (number % 10 == 0), str(number)) for number in range(60)]
    few_voices = [replace(each, speaker=str(each.true ^ each.answered)) for each in mixed]
    assert intervals(few_voices, 2)[0] > intervals(mixed, 2)[0] > 0


@pytest.mark.parametrize(("features", "count"), [("fbank", 80), ("mfcc", 13)])
def test_manual_features_come_every_ten_milliseconds(features: str, count: int) -> None:
    backbone = AcousticFrames(features)
    frames = backbone.encode([backbone.front_end(torch.from_numpy(voice(0, 0.5)))])
    assert frames.hidden.shape == (1, 1, 50, count)
    assert torch.isfinite(frames.hidden).all()
    assert backbone.front_end(torch.zeros(100)).shape == (count, 3)
    louder = backbone.front_end(10 * torch.from_numpy(voice(0, 0.5)))
    difference = louder - backbone.front_end(torch.from_numpy(voice(0, 0.5)))
    expected = 4.605 * (1 if features == "fbank" else 40**0.5)  # ln 100 of energy in every band, or all in the first
    assert difference[0].median() == pytest.approx(expected, abs=0.2)
