"""A whole experiment on tiny corpora: trained, measured, stopped, taken up, laid out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.adaptation.clips import PreparedClip
from engine.adaptation.settings import AdaptationSettings
from engine.adaptation.tuned_copy import TunedCopy
from engine.base_folder import Base, save_base
from engine.choices import Protocol, Recommended
from engine.errors import BaseError, CorpusError, RecipeError
from engine.metalearning.events import TrainingProgress, TrainingRemark
from engine.metalearning.experiments import trajectory
from engine.metalearning.experiments.recipe import read_experiment
from engine.metalearning.experiments.run import Conditions, ExperimentEvent, TableMade, run_experiment
from engine.metalearning.experiments.table import Table
from tests.engine.conftest import tiny_encoder
from tests.engine.metalearning.experiments.conftest import LAYOUT, MEASURE, experiment_text


def run(path: Path, conditions: Conditions) -> list[ExperimentEvent]:
    return list(run_experiment(read_experiment(path), replace(conditions, beside=path.parent)))


def table_of(events: list[ExperimentEvent]) -> Table:
    assert isinstance(events[-1], TableMade)
    return events[-1].table


def remarks(events: list[ExperimentEvent]) -> str:
    return " ".join(f"{event.message} {event.hint}" for event in events if isinstance(event, TrainingRemark))


@pytest.fixture
def conditions(corpora_root: Path, tmp_path: Path) -> Conditions:
    return Conditions(corpora_root, tmp_path / "out", device="cpu")


def test_from_corpora_to_a_table_and_again_from_what_was_kept(experiment_file: Path, conditions: Conditions) -> None:
    events = run(experiment_file, conditions)

    table = table_of(events)
    cells = table.blocks[0].cells
    assert table.blocks[0].columns == ("EmoDB (de)", "nEMO (pl)", "AESDD (el)", "Avg. (2 of 3)")
    for row in cells:
        emodb, nemo, aesdd, average = (cell.measured for cell in row)
        assert emodb is not None
        assert nemo is not None
        assert aesdd is None
        assert 0 <= emodb.accuracy <= 100
        assert average is not None
        assert average.accuracy == pytest.approx((emodb.accuracy + nemo.accuracy) / 2)
    assert "1 is not in" in remarks(events)
    assert "aesdd" in remarks(events)
    assert "of 2 corpora to train on, 1 not in" in remarks(events)
    assert "It is trained on the others." in remarks(events)
    assert any("one: " in event.message for event in events if isinstance(event, TrainingProgress))
    assert table.notes[0] == "Episodes: 3; queries a label: 2; speakers at random."
    assert "on 1 of the paper's 2 corpora" in table.notes[1]

    again = run(experiment_file, conditions)
    assert table_of(again) == table
    assert not [event for event in again if isinstance(event, TrainingProgress) and event.steps]


def test_an_interrupted_experiment_goes_on(experiment_file: Path, conditions: Conditions, tmp_path: Path) -> None:
    whole = table_of(run(experiment_file, conditions))
    elsewhere = replace(conditions, out=tmp_path / "elsewhere", beside=experiment_file.parent)
    events = run_experiment(read_experiment(experiment_file), elsewhere)
    for event in events:
        if isinstance(event, TrainingProgress) and event.message.startswith("nEMO"):
            break  # EmoDB is measured, nEMO half
    events.close()

    rest = run(experiment_file, elsewhere)

    assert table_of(rest) == whole
    measured = [event.message for event in rest if isinstance(event, TrainingProgress) and event.steps]
    assert measured
    assert all(message.startswith("nEMO") for message in measured)


def test_corpora_that_came_later_are_trained_on_in_a_folder_of_their_own(
    experiment_file: Path, conditions: Conditions, corpora_root: Path, tmp_path: Path
) -> None:
    later = tmp_path / "later"
    later.mkdir()
    for name in ("emodb", "nemo"):
        (later / name).symlink_to(corpora_root / name)
    conditions = replace(conditions, corpora_root=later)
    run(experiment_file, conditions)
    (later / "tess").symlink_to(corpora_root / "ravdess")

    notes = table_of(run(experiment_file, conditions)).notes

    assert "on 2 of the paper's 2 corpora" in notes[1]
    assert (conditions.out / "one" / "base").is_dir()  # the whole recipe's, under its own name
    assert len(list(conditions.out.glob("one-*/base"))) == 1


def test_a_base_is_measured_without_training(experiment_file: Path, conditions: Conditions, tiny_start: Path) -> None:
    events = run(experiment_file, replace(conditions, base=str(tiny_start)))

    table = table_of(events)
    assert table.blocks[0].cells[0][0].measured is not None
    assert "nothing was trained" in table.notes[1]
    assert not (conditions.out / "one").exists()


def test_a_base_of_other_making_is_tuned_as_it_recommends(
    experiment_file: Path, conditions: Conditions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recommended = Recommended(trained="norms", learning_rate=3e-4, rates={"all": 1e-6})
    base = Base("tiny", tiny_encoder(), standardised=True, licence="none", recommended=recommended)
    save_base(base, tmp_path / "mine", "# card", {})
    seen: list[AdaptationSettings] = []
    tuning = trajectory.fine_tune

    def spied(tuned: TunedCopy, clips: Sequence[PreparedClip], settings: AdaptationSettings, *rest: Any) -> Any:
        seen.append(settings)
        return tuning(tuned, clips, settings, *rest)

    monkeypatch.setattr(trajectory, "fine_tune", spied)

    notes = table_of(run(experiment_file, replace(conditions, base=str(tmp_path / "mine")))).notes

    assert {(each.trained, each.learning_rate) for each in seen} == {("norms", 3e-4)}
    assert "Tuned as the base recommends: norms at 0.0003 (the table's own: all at 1e-05)." in notes
    seen.clear()
    rates = MEASURE.replace("steps = [0, 2]", "steps = [1]\nlearning_rates = [1e-3, 1e-4]")
    layout = LAYOUT.replace('rows = "steps"', 'rows = "learning_rates"')
    experiment_file.write_text(experiment_text(rates, layout))

    notes = table_of(run(experiment_file, replace(conditions, base=str(tmp_path / "mine")))).notes

    assert {(each.trained, each.learning_rate) for each in seen} == {("all", 1e-3), ("all", 1e-4)}
    assert not any(note.startswith("Tuned as") for note in notes)


def test_a_base_that_was_trained_on_what_is_measured_is_told(
    experiment_file: Path, conditions: Conditions, tmp_path: Path
) -> None:
    base = Base("tiny", tiny_encoder(), standardised=True, licence="none")
    save_base(base, tmp_path / "trained", "# card", {"corpora": {"emodb": 24, "ravdess": 24}})

    events = run(experiment_file, replace(conditions, base=str(tmp_path / "trained")))

    assert "The base was trained on EmoDB: unless" in remarks(events)
    assert "The base was trained on EmoDB: unless" in table_of(events).notes[2]


def test_other_conditions_are_measured_anew(experiment_file: Path, conditions: Conditions, tiny_start: Path) -> None:
    conditions = replace(conditions, base=str(tiny_start))
    run(experiment_file, conditions)

    events = run(experiment_file, replace(conditions, protocol=Protocol.NEW_SPEAKERS))

    assert [event for event in events if isinstance(event, TrainingProgress) and event.steps]
    assert "query speakers absent from the support" in table_of(events).notes[0]


def test_one_base_cannot_stand_for_several_trainings(
    experiment_file: Path, conditions: Conditions, tiny_start: Path
) -> None:
    experiment_file.write_text(
        experiment_text(
            MEASURE.replace('["one"]', '["one", "two"]').replace("steps = [0, 2]", "steps = [0]"),
            LAYOUT.replace('rows = "steps"', 'rows = "trainings"'),
        )
    )
    with pytest.raises(RecipeError, match="compares 2 trainings"):
        run(experiment_file, replace(conditions, base=str(tiny_start)))

    table = table_of(run(experiment_file, replace(conditions, start=str(tiny_start))))

    assert table.rows == ("one", "two")
    assert all(row[0].measured is not None for row in table.blocks[0].cells)


def test_a_corpus_with_too_few_clips_leaves_its_cells_empty(
    experiment_file: Path, conditions: Conditions, tiny_start: Path
) -> None:
    experiment_file.write_text(experiment_text(MEASURE.replace("queries = 2", "queries = 3")))

    events = run(experiment_file, replace(conditions, base=str(tiny_start)))

    assert "EmoDB: Only 0 labels have the 5 clips" in remarks(events)
    assert table_of(events).blocks[0].cells[0][0].measured is None


def test_nothing_to_train_on(experiment_file: Path, conditions: Conditions) -> None:
    recipe = experiment_file.with_name("one.toml")
    recipe.write_text(recipe.read_text().replace('["nemo", "tess"]', '["tess", "resd"]'))

    events = run(experiment_file, conditions)

    assert "It is not trained, and its cells stay empty." in remarks(events)
    assert table_of(events).notes[1] == "one: not trained, for want of tess, resd."


def test_a_training_that_cannot_be_leaves_its_cells_empty(experiment_file: Path, conditions: Conditions) -> None:
    recipe = experiment_file.with_name("one.toml")
    recipe.write_text(recipe.read_text().replace("shots = 1", "shots = 9"))

    events = run(experiment_file, conditions)

    assert "one: No corpus can fill an episode of 2 classes with 9 + 2 clips" in remarks(events)
    assert table_of(events).notes[1].startswith("one: not trained: No corpus can fill an episode")
    assert all(cell.measured is None for row in table_of(events).blocks[0].cells for cell in row)


def test_an_encoder_that_is_not_on_this_machine(experiment_file: Path, conditions: Conditions) -> None:
    with pytest.raises(BaseError, match=r"'nobody/such-model' is not on this machine.*hf:/path.*--start ENCODER"):
        run(experiment_file, replace(conditions, start="hf:nobody/such-model"))
    with pytest.raises(BaseError, match=r"xls-r-300m is not on this computer.*serstudio models download xls-r-300m"):
        run(experiment_file, replace(conditions, start="xls-r-300m"))


def test_nothing_to_measure(experiment_file: Path, conditions: Conditions, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(CorpusError, match="nothing to measure table 10 on"):
        run(experiment_file, replace(conditions, corpora_root=tmp_path / "empty"))
    with pytest.raises(CorpusError, match="There is no folder"):
        run(experiment_file, replace(conditions, corpora_root=tmp_path / "nowhere"))


def test_a_corpus_of_another_kind_is_told_and_passed_over(
    experiment_file: Path, conditions: Conditions, tiny_start: Path, corpora_root: Path, tmp_path: Path
) -> None:
    mixed = tmp_path / "mixed"
    (mixed / "aesdd").mkdir(parents=True)
    (mixed / "emodb").symlink_to(corpora_root / "emodb")

    events = run(experiment_file, replace(conditions, corpora_root=mixed, base=str(tiny_start)))

    assert "does not look like AESDD" in remarks(events)
    assert table_of(events).blocks[0].cells[0][0].measured is not None


@pytest.mark.parametrize("damage", ["", "[]", '{"x": {"figures": {"0": [1]}}}', '{"x": 3}'])
def test_damaged_figures_are_told(damage: str, experiment_file: Path, conditions: Conditions, tiny_start: Path) -> None:
    conditions.out.mkdir()
    (conditions.out / "table10.json").write_text(damage)

    with pytest.raises(RecipeError, match="damaged"):
        run(experiment_file, replace(conditions, base=str(tiny_start)))


def test_a_training_of_another_kind_is_refused(experiment_file: Path, conditions: Conditions) -> None:
    experiment_file.write_text(experiment_text(MEASURE.replace('["one"]', '["magic"]')))

    with pytest.raises(RecipeError, match="no recipe 'magic'"):
        run(experiment_file, conditions)
