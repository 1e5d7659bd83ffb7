"""Which clips are measured: never one that was trained on, and tuning never sees the test part."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.metalearning.corpora import Corpus, read_corpus
from engine.metalearning.episodic_data import read_data
from engine.metalearning.episodic_recipe import EpisodicRecipe, SplitSection
from engine.metalearning.experiments.parts import clips_of
from engine.metalearning.experiments.recipe import MeasureSection, Part
from engine.metalearning.recipe import DataSection
from tests.engine.metalearning.conftest import made_up_corpus

TRAINING = EpisodicRecipe("episodic", "x", DataSection(("nemo",)), split=SplitSection(validation=0.25, test=0.5))
MEASURE = MeasureSection(corpora=("nemo", "emodb", "aesdd"), trainings=("x",), cut=("emodb",), test_share=0.6)


def paths(corpus: Corpus, part: Part, measure: MeasureSection = MEASURE) -> set[Path]:
    return {clip.path for clip in clips_of(corpus, part, TRAINING, measure)}


def test_nothing_that_was_trained_or_validated_on_is_tested(corpora_root: Path) -> None:
    recipe = replace(TRAINING, episodes=replace(TRAINING.episodes, ways=2, shots=1, queries=1))
    data = read_data(recipe, corpora_root)
    whole = Corpus("nemo", "pl", data.train[0].clips + data.validation[0].clips, 0)
    nemo = read_corpus("nemo", corpora_root / "nemo")

    tested = {clip.path for clip in clips_of(nemo, Part.TEST, recipe, MEASURE)}
    validated = {clip.path for clip in clips_of(nemo, Part.VALIDATION, recipe, MEASURE)}

    assert tested.isdisjoint({clip.path for clip in whole.clips})
    assert validated == {clip.path for clip in data.validation[0].clips}
    assert len(tested) == 12


def test_a_corpus_that_is_not_trained_on_is_cut_in_two(tmp_path: Path) -> None:
    emodb = made_up_corpus("emodb")

    validation, test = paths(emodb, Part.VALIDATION), paths(emodb, Part.TEST)

    assert validation.isdisjoint(test)
    assert validation | test == {clip.path for clip in emodb.clips}
    assert len(test) == 0.6 * len(emodb.clips)


def test_a_corpus_that_is_not_cut_is_all_test() -> None:
    aesdd = made_up_corpus("aesdd")

    assert paths(aesdd, Part.TEST) == {clip.path for clip in aesdd.clips}
    assert paths(aesdd, Part.VALIDATION) == set()


@pytest.mark.parametrize("part", Part)
def test_labels_that_are_left_out_do_not_move_the_cut(part: Part) -> None:
    emodb = made_up_corpus("emodb")
    fewer = replace(MEASURE, left_out_labels=("sadness",))

    kept = {clip.path for clip in emodb.clips if clip.label != "sadness"}
    assert paths(emodb, part, fewer) == paths(emodb, part) & kept
