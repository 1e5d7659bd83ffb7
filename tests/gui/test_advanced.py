"""Adapt > Advanced: the base is chosen among what is here; what is tuned and its precision."""

from pathlib import Path

import pytest
from fake_engine import DAMAGED, LARGE
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from engine.choices import SYSTEMS, TRAINED, TUNING_PRECISIONS, Recommended
from engine.resources import resource
from engine.systems.catalogue import CATALOGUE
from serstudio.gui.main_window import MainWindow
from serstudio.gui.screens.adapt.advanced import Advanced
from serstudio.gui.screens.adapt.base_chooser import BUNDLED
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.workspace import Workspace
from serstudio.method_words import TRAINED_SENTENCES
from serstudio.usecases.requests import CheckProject, MachineDescribed


@pytest.fixture
def advanced(workspace: Workspace, labelled: Session, qtbot) -> Advanced:
    """Unfolded, with the bases listed."""
    workspace.show_step(Step.ADAPT)
    advanced = workspace.adapt.advanced
    advanced.show()
    qtbot.waitUntil(lambda: labelled.services.shelf.listed is not None, timeout=20_000)
    return advanced


def pick(advanced: Advanced, words: str) -> None:
    """As the user does."""
    index = advanced.base.findText(words, Qt.MatchFlag.MatchStartsWith)
    assert index >= 0, words
    advanced.base.setCurrentIndex(index)
    advanced.base.activated.emit(index)


def tune(advanced: Advanced) -> None:
    advanced.method.setCurrentIndex(advanced.method.findData("disjoint"))


def test_nothing_is_listed_before_it_is_wanted(workspace: Workspace, session: Session) -> None:
    assert session.services.shelf.listed is None
    assert workspace.adapt.advanced.base.base() == BUNDLED


def test_the_base_is_one_that_is_here(advanced: Advanced, tmp_path: Path) -> None:
    items = [advanced.base.itemText(index) for index in range(advanced.base.count())]
    assert items == ["Compact, comes with SER Studio", "Damaged", "Another folder…", "Get more models…"]
    pick(advanced, "Damaged")
    assert advanced.request(tmp_path).base == DAMAGED


def test_more_models_leads_to_the_page_and_keeps_the_base(advanced: Advanced, window: MainWindow) -> None:
    pick(advanced, "Damaged")
    pick(advanced, "Get more models…")
    assert window.stack.currentWidget() is window.models
    assert advanced.base.base() == DAMAGED
    assert advanced.base.currentText() == "Damaged"


def test_a_folder_can_be_chosen_or_not(advanced: Advanced, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    pick(advanced, "Another folder…")
    assert advanced.base.base() == BUNDLED
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "mine"))
    pick(advanced, "Another folder…")
    assert advanced.request(tmp_path).base == str(tmp_path / "mine")
    assert advanced.base.currentText() == "mine"
    advanced.set_defaults()
    assert advanced.base.base() == BUNDLED


def test_a_base_that_is_removed_gives_way_to_the_bundled_one(advanced: Advanced, window: MainWindow, qtbot) -> None:
    pick(advanced, "Damaged")
    window.shelf.remove(DAMAGED)
    qtbot.waitUntil(lambda: advanced.base.base() == BUNDLED, timeout=20_000)


def test_a_base_that_was_downloaded_can_be_chosen_at_once(advanced: Advanced, window: MainWindow, qtbot) -> None:
    window.shelf.download(LARGE)
    qtbot.waitUntil(lambda: advanced.base.findData(LARGE) >= 0, timeout=20_000)
    pick(advanced, "Large 300M")
    assert advanced.base.base() == LARGE


def test_the_fields_of_tuning_start_where_the_base_is_best(advanced: Advanced, labelled: Session, workspace) -> None:
    recommended = Recommended("lda", 12, 3e-5, trained="extractor")
    labelled.services.machine.on_described(MachineDescribed("A machine", ("cpu",), 30.0, 2.5, recommended=recommended))
    assert (advanced.steps.value(), advanced.trained.currentData()) == (12, "extractor")
    pick(advanced, "Damaged")
    assert (advanced.steps.value(), advanced.trained.currentData()) == (25, "all")
    tune(advanced)
    assert "tunes it in 25 steps" in workspace.adapt.plan.text()
    assert "takes about" not in workspace.adapt.plan.text(), "only the bundled base has been timed"
    assert workspace.adapt.plan.text().startswith("SER Studio takes the model Damaged, which ")
    pick(advanced, "Compact")
    assert "takes about" not in workspace.adapt.plan.text(), "and only as it recommends"
    advanced.trained.setCurrentIndex(advanced.trained.findData("extractor"))
    assert "takes about" in workspace.adapt.plan.text()


def test_a_step_is_timed_once_tuning_is_wanted(advanced: Advanced, window: MainWindow, workspace, qtbot) -> None:
    window.machine.describe()
    qtbot.waitUntil(lambda: window.machine.description is not None, timeout=20_000)
    assert window.machine.description.step_s is None
    advanced.set_recommended(Recommended("lda", trained="all"))
    tune(advanced)
    qtbot.waitUntil(lambda: "takes about 10 s" in workspace.adapt.plan.text(), timeout=20_000)
    assert window.machine.description.step_s == 1.6


def test_what_is_tuned_and_the_precision_are_explained_and_reach_the_request(advanced: Advanced, tmp_path) -> None:
    assert set(TRAINED_SENTENCES) == set(TRAINED)
    assert advanced.request(tmp_path).precision == "auto"
    assert "method that tunes" in advanced.precision.toolTip()
    tune(advanced)
    for value in TRAINED:
        advanced.trained.setCurrentIndex(advanced.trained.findData(value))
        assert advanced.trained.toolTip() == TRAINED_SENTENCES[value]
    for value in TUNING_PRECISIONS:
        advanced.precision.setCurrentIndex(advanced.precision.findData(value))
        request = advanced.request(tmp_path)
        assert (request.trained, request.precision) == (TRAINED[-1], value)
        assert advanced.precision.toolTip()


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_arrow_keys_do_not_walk_into_the_actions(advanced: Advanced, window: MainWindow, qtbot) -> None:
    qtbot.keyClick(advanced.base, Qt.Key.Key_Down)
    assert advanced.base.view().isVisible()
    advanced.base.hidePopup()
    assert advanced.base.base() == BUNDLED
    assert window.stack.currentWidget() is window.workspace


def test_the_result_says_where_it_ran_and_what_memory_it_took(workspace: Workspace, labelled, qtbot) -> None:
    workspace.adapt.adapt()
    qtbot.waitUntil(lambda: workspace.adapt.result_title.text() == "Version 1 is ready", timeout=20_000)
    assert "on the CPU, with at most 3.1 GB of memory." in workspace.adapt.result_words.text()


@pytest.mark.parametrize("method", SYSTEMS)
def test_a_system_shows_its_own_steps_and_says_what_means_nothing(advanced: Advanced, method: str, tmp_path) -> None:
    recommended = CATALOGUE[method].recommended
    advanced.method.setCurrentIndex(advanced.method.findData(method))
    assert (advanced.steps.value(), float(advanced.rate.text())) == (recommended.steps, recommended.learning_rate)
    assert advanced.steps.isEnabled()
    assert advanced.rate.isEnabled()
    assert not advanced.head.isEnabled()
    assert "last layer of its own" in advanced.head.toolTip()
    assert advanced.head.currentText() == "Its own last layer"
    assert advanced.voices.currentText() == "Keep them"
    assert advanced.precision.currentData() == ("auto" if CATALOGUE[method].any_backbone else "fp32")
    assert not advanced.voices.isEnabled()
    assert "no voices" in advanced.voices.toolTip()
    request = advanced.request(tmp_path)
    assert (request.method, request.steps, request.learning_rate) == (method, None, None), "its base knows better"
    assert (request.head, request.trained, request.speaker_mean) == (None, None, None)
    advanced.steps.set_value(7)
    assert advanced.request(tmp_path).steps == 7


def test_hgfm_trains_its_network_or_everything_and_the_others_their_network(advanced: Advanced, tmp_path) -> None:
    advanced.method.setCurrentIndex(advanced.method.findData("hgfm"))
    model = advanced.trained.model()
    offered = [name for index, name in enumerate(TRAINED) if model.item(index).isEnabled()]
    assert offered == ["all", "extractor"]
    advanced.trained.setCurrentIndex(advanced.trained.findData("all"))
    assert advanced.request(tmp_path).trained == "all"
    assert advanced.precision.isEnabled()
    advanced.method.setCurrentIndex(advanced.method.findData("fmaml"))
    assert not advanced.trained.isEnabled()
    assert "network of its own" in advanced.trained.toolTip()
    assert "full precision" in advanced.precision.toolTip()
    assert advanced.request(tmp_path).trained is None
    tune(advanced)
    assert all(model.item(index).isEnabled() for index in range(len(TRAINED)))
    assert (advanced.steps.value(), advanced.trained.currentData()) == (25, "all"), "what the base recommends again"


def test_the_plan_tells_of_a_system_and_what_it_starts_from(advanced: Advanced, workspace: Workspace) -> None:
    advanced.method.setCurrentIndex(advanced.method.findData("hgfm"))
    plan = workspace.adapt.plan
    assert plan.text().startswith("SER Studio takes the network of XLSR-HGFM, which has learnt from other languages")
    steps = CATALOGUE["hgfm"].recommended.steps
    assert f"trains it in {steps} steps on your 6 labelled clips" in plan.text()
    assert "takes about" not in plan.text(), "it has not been timed"
    pick(advanced, "Damaged")
    assert "takes the model Damaged" in plan.text()
    assert f"trains the network of XLSR-HGFM on it in {steps} steps" in plan.text()


def test_check_leaves_the_base_to_the_newest_version(workspace: Workspace, labelled: Session, qtbot) -> None:
    workspace.check.check()
    job = labelled.running_job(Step.CHECK)
    assert job.request == CheckProject(labelled.project.folder)
    qtbot.waitUntil(lambda: labelled.running_job(Step.CHECK) is None, timeout=20_000)


def test_after_a_system_there_is_the_usual_choice_again(advanced: Advanced, tmp_path) -> None:
    advanced.method.setCurrentIndex(advanced.method.findData("fmaml"))
    tune(advanced)
    assert advanced.head.findText("Its own last layer") < 0
    assert (advanced.voices.currentIndex(), advanced.precision.currentData()) == (0, "auto")
    advanced.head.setCurrentIndex(advanced.head.findData("lda"))
    advanced.method.setCurrentIndex(advanced.method.findData("pmf"))
    assert advanced.request(tmp_path).head == "lda", "the other way of tuning takes the same heads"


def test_a_head_as_the_method_is_the_head_that_is_shown(advanced: Advanced) -> None:
    for method in ("ridge", "lda"):
        advanced.method.setCurrentIndex(advanced.method.findData(method))
        assert advanced.head.currentData() == method
        assert not advanced.head.isEnabled()
    tune(advanced)
    assert advanced.head.currentData() == "prototypes"


def test_names_are_whole_at_1024_and_what_is_cut_is_in_the_tooltip(advanced: Advanced, window: MainWindow) -> None:
    window.resize(1024, 640)
    advanced.method.setCurrentIndex(advanced.method.findData("multigate"))
    for chooser in (advanced.base, advanced.method):
        assert chooser.shown_text() == chooser.currentText()
        assert chooser.hint() == chooser.toolTip()
    long = "/home/somebody/with a long name/and a folder of bases/that was trained on many languages/base number one"
    advanced.method.setCurrentIndex(0)
    advanced.base.choose(long)
    assert advanced.base.shown_text() == "base number one"
    assert advanced.base.hint() == long
    wide = "/home/somebody/a base that was trained on many languages, with a name that says of each of them, number one"
    advanced.base.choose(wide)
    shown = advanced.base.shown_text()
    assert shown.startswith("a base")
    assert shown.endswith("one"), "its end may tell it from its neighbours"
    assert advanced.base.hint() == f"{Path(wide).name}\n{wide}"


def test_two_folders_of_one_name_are_told_apart(advanced: Advanced) -> None:
    for folder in ("/runs/a/base", "/runs/b/base", "/sticks/Damaged"):
        advanced.base.choose(folder)
    items = [advanced.base.itemText(index) for index in range(2, advanced.base.count() - 2)]
    assert [item.replace("\\", "/") for item in items] == ["a/base", "b/base", "sticks/Damaged"]
    assert advanced.base.base() == "/sticks/Damaged"
    advanced.base.choose("/runs/a/base")
    assert advanced.base.toolTip() == "/runs/a/base"
    pick(advanced, "Compact")
    assert "/runs" not in advanced.base.toolTip()


@pytest.mark.parametrize("method", ["fmaml", "multigate"])
def test_a_network_of_its_own_says_what_it_starts_from(advanced: Advanced, workspace, method: str, tmp_path) -> None:
    title = CATALOGUE[method].title
    advanced.method.setCurrentIndex(advanced.method.findData(method))
    assert advanced.base.toolTip().startswith("This method starts from its own network")
    assert workspace.adapt.button.reason() is None
    advanced.base.choose(str(tmp_path / "mine"))
    for words in (workspace.adapt.button.reason(), workspace.adapt.plan.text()):
        assert words.startswith(f"{title} starts from its own network, and mine holds none of that kind")
    own = str(resource(f"bases/{method}"))
    advanced.base.choose(own)
    assert workspace.adapt.button.reason() is None
    assert f"takes the network of {title} in {method}, which has learnt" in workspace.adapt.plan.text()
    advanced.base.choose(str(tmp_path / "mine"))
    tune(advanced)
    assert workspace.adapt.button.reason() is None
    assert "own network" not in advanced.base.toolTip()
    assert "takes the model mine" in workspace.adapt.plan.text()


def test_a_precision_that_was_chosen_stays_while_there_is_a_choice(advanced: Advanced, tmp_path) -> None:
    tune(advanced)
    advanced.precision.setCurrentIndex(advanced.precision.findData("bf16"))
    for method in ("hgfm", "pmf", "hgfm"):
        advanced.method.setCurrentIndex(advanced.method.findData(method))
        assert advanced.request(tmp_path).precision == "bf16", method
    for method, precision in (("fmaml", "fp32"), ("multigate", "fp32"), ("hgfm", "auto")):
        advanced.method.setCurrentIndex(advanced.method.findData(method))
        assert advanced.precision.currentData() == precision, method


def test_what_is_tuned_brings_its_rate_until_the_user_writes_one(advanced: Advanced, tmp_path: Path) -> None:
    advanced.set_recommended(Recommended("logistic", learning_rate=1e-4, trained="extractor", rates={"all": 1e-6}))
    tune(advanced)
    assert advanced.rate.text() == "0.0001"
    advanced.trained.setCurrentIndex(advanced.trained.findData("all"))
    assert advanced.request(tmp_path).learning_rate == 1e-6
    advanced.trained.setCurrentIndex(advanced.trained.findData("lora"))
    assert advanced.request(tmp_path).learning_rate == 1e-4
    advanced.rate.setText("0.002")
    advanced.trained.setCurrentIndex(advanced.trained.findData("all"))
    assert advanced.request(tmp_path).learning_rate == 2e-3
