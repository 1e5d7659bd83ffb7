"""The Compare page over a fake engine: what is compared, results as they come, and what can be done with them."""

import pytest
from fake_engine import ENDLESS, STUBBORN
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton

from engine.choices import Recommended
from serstudio.gui.main_window import MainWindow
from serstudio.gui.screens.check.words import scheme_words
from serstudio.gui.screens.compare import CompareScreen
from serstudio.gui.screens.compare.method_card import MethodCard, Standing
from serstudio.gui.session import Session
from serstudio.gui.steps import Aside, Step, StepState
from serstudio.gui.theme import Theme, ThemeMode
from serstudio.gui.tokens import SPACE_6
from serstudio.gui.workspace import Workspace
from serstudio.method_words import METHOD_SOURCES
from serstudio.project import VersionsChanged
from serstudio.usecases.comparison_requests import USUAL_METHODS, ProjectCompared
from serstudio.usecases.requests import AdaptProject, CheckReport, MachineDescribed


@pytest.fixture
def compare(workspace: Workspace, labelled: Session) -> CompareScreen:
    """The open page of a project that can be compared on."""
    workspace.show_compare()
    return workspace.compare


@pytest.fixture
def compared(compare: CompareScreen, qtbot) -> CompareScreen:
    """The same with results."""
    qtbot.mouseClick(compare.button.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: compare.again.isVisible(), timeout=20_000)
    return compare


def card_of(compare: CompareScreen, method: str) -> MethodCard:
    return next(card for card in compare.cards if card.method == method)


# --- the way there ---------------------------------------------------------------------------------


def test_it_is_reached_from_check_from_the_rail_and_by_shortcut(workspace, labelled, window, qtbot) -> None:
    workspace.show_step(Step.CHECK)
    qtbot.mouseClick(workspace.check.methods, Qt.MouseButton.LeftButton)
    assert workspace.stack.currentWidget() is workspace.compare
    assert workspace.rail.compare.isChecked()
    assert workspace.step is None
    workspace.show_step(Step.LABEL)
    assert not workspace.rail.compare.isChecked()
    qtbot.mouseClick(workspace.rail.compare, Qt.MouseButton.LeftButton)
    assert workspace.stack.currentWidget() is workspace.compare
    workspace.show_step(Step.LABEL)
    with qtbot.waitActive(window):
        window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_7, Qt.KeyboardModifier.ControlModifier)
    assert workspace.stack.currentWidget() is workspace.compare


def test_it_says_why_it_cannot(workspace: Workspace, session: Session) -> None:
    workspace.show_compare()
    assert "labelled clips" in workspace.compare.button.reason()
    workspace.compare.compare()
    assert session.running_job(Aside.COMPARE) is None


def test_every_method_is_there_before_it_begins_with_its_source(compare: CompareScreen, labelled: Session) -> None:
    assert compare.cards[0].title.text() == "What your model recommends"
    assert [card.method for card in compare.cards[1:]] == list(USUAL_METHODS)
    for card in compare.cards[1:]:
        assert card.summary.text()
        assert card.source.text() == METHOD_SOURCES[card.method or ""]
    machine = MachineDescribed("A machine", ("cpu",), 30.0, 2.5, recommended=Recommended("logistic"))
    labelled.services.machine.on_described(machine)
    assert compare.cards[0].title.text() == "Logistic regression, no tuning"


# --- results ---------------------------------------------------------------------------------------


def test_the_results_are_numbers_with_words(compared: CompareScreen) -> None:
    others = [method for method in USUAL_METHODS if method != "logistic"]
    assert [card.method for card in compared.cards] == ["logistic", *others]
    logistic, disjoint, hgfm = (card_of(compared, method) for method in ("logistic", "disjoint", "hgfm"))
    assert logistic.number.text() == "80%"
    assert logistic.bar.accessibleDescription() == "80%, between 60% and 90%; guessing gives 50%"
    assert logistic.recommended.isVisible()
    assert "compared with this one" in logistic.difference.text()
    assert disjoint.difference.text().startswith("10 points better, which may be chance")
    assert disjoint.best.isVisible()
    assert hgfm.difference.text() == "30 points worse (10 to 50)"
    assert "Adapting took 2 s" in hgfm.facts.text()
    assert "Probably worse" in compared.summary.text()
    assert "same voices were on both sides" in compared.scheme.text()
    assert "guessing, 50%" in compared.legend.text()
    assert compared.notes.count() == 1, "the warning of the run is shown"


def test_one_that_failed_says_why_and_cannot_be_used(compared: CompareScreen) -> None:
    card = card_of(compared, "multigate")
    assert card.standing.text() == "Could not be measured. It is gone. Get it."
    assert not card.use.isVisible()
    assert not card.bar.isVisible()


def test_while_it_runs_each_result_is_shown_as_it_comes(workspace, adapted: Session, qtbot) -> None:
    workspace.adapt.advanced.base.choose(ENDLESS)
    compare = workspace.compare
    compare._base = lambda: ENDLESS
    workspace.show_compare()
    compare.compare()
    qtbot.waitUntil(lambda: compare.cards[1].compared is not None, timeout=20_000)
    assert compare.cards[0].number.text() == "80%"
    assert compare.cards[2].standing.text() == Standing.RUNNING.value
    assert compare.cards[3].standing.text() == Standing.WAITING.value
    assert "about 2 s left for this method" in compare.now.text()
    assert compare.bar.maximum() == 100
    status = adapted.statuses()[Aside.COMPARE]
    assert status.state is StepState.BUSY
    assert status.action.startswith("40%, method 3 of 6")
    assert "Compare is running" in (workspace.check.button.reason() or "")
    qtbot.mouseClick(compare.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: adapted.running_job(Aside.COMPARE) is None, timeout=2_000)
    assert compare.cards[1].number.text() == "90%", "what is measured stays"
    assert compare.cards[2].standing.text() == Standing.LEFT_OUT.value
    assert compare.summary.text() == "Stopped before the end: 2 methods of 6."
    assert compare.again.isVisible()


def test_the_results_stay_and_tell_when_labels_have_changed(
    compared: CompareScreen, workspace: Workspace, labelled: Session, qtbot
) -> None:
    workspace.show_step(Step.LABEL)
    labelled.project.set_label([labelled.project.clips()[0].id], None)
    workspace.show_compare()
    assert card_of(compared, "logistic").number.text() == "80%"
    qtbot.waitUntil(lambda: "have changed since" in compared.stale.message.text())
    qtbot.waitUntil(compared.again.button.isEnabled)
    compared.again.button.click()
    assert not compared.stale.isVisible()
    qtbot.waitUntil(lambda: compared.again.isVisible(), timeout=20_000)


def test_a_change_while_it_runs_makes_the_result_stale(compare: CompareScreen, labelled: Session, qtbot) -> None:
    compare.compare()
    labelled.project.set_label([labelled.project.clips()[0].id], None)
    qtbot.waitUntil(lambda: labelled.running_job(Aside.COMPARE) is None, timeout=20_000)
    assert "have changed since" in compare.stale.message.text()
    assert compare.stale.isVisible()


def test_a_comparison_that_was_stopped_at_once_leaves_no_stale_note(compare, labelled: Session, qtbot) -> None:
    compare._base = lambda: STUBBORN
    compare.compare()
    labelled.project.set_label([labelled.project.clips()[0].id], None)
    qtbot.waitUntil(compare.stale.isVisible, timeout=20_000)
    compare.cancel.click()
    qtbot.waitUntil(lambda: labelled.running_job(Aside.COMPARE) is None, timeout=20_000)
    assert not compare.stale.isVisible()
    assert compare.button.button.isVisible()


def test_the_bases_are_named(compared: CompareScreen) -> None:
    assert "The others start from the base Compact." in compared.bases.text()
    assert card_of(compared, "disjoint").base.text() == "Base: Compact"
    assert card_of(compared, "hgfm").base.text() == "Base: its own"


def add_version(session: Session, base: str, qtbot) -> None:
    job = session.start(Step.ADAPT, AdaptProject(session.project.folder, base=base, steps=2))
    with qtbot.waitSignal(job.done, timeout=20_000):
        pass
    session.project.announce(VersionsChanged())
    session.on_refresh()


def test_a_version_from_another_base_leaves_it_true_and_says_of_what(compared: CompareScreen, labelled, qtbot) -> None:
    for base, noted in (("compact", False), ("/a/mine", True), ("hgfm", False), ("/a/mine", True)):
        add_version(labelled, base, qtbot)
        assert compared.stale.isVisible() is noted, base
    assert compared.stale.message.text() == "This comparison is on the base Compact."
    assert compared.stale.hint.text() == "Compare again to compare on mine."


def test_what_is_said_of_the_base_is_true_whatever_became_of_the_versions(
    compare: CompareScreen, labelled: Session, qtbot
) -> None:
    add_version(labelled, "/runs/a/base", qtbot)
    compare.compare()
    qtbot.waitUntil(lambda: compare.again.isVisible(), timeout=20_000)
    add_version(labelled, "/runs/b/base", qtbot)
    assert compare.stale.message.text() == "This comparison is on the base /runs/a/base."
    assert compare.stale.hint.text() == "Compare again to compare on /runs/b/base."
    add_version(labelled, "fmaml", qtbot)
    assert not compare.stale.isVisible(), "of the other methods it says nothing"
    for version in labelled.project.versions():
        labelled.project.remove_version(version.number)
    labelled.on_refresh()
    assert compare.stale.message.text() == "This comparison is on the base base."
    assert compare.stale.hint.text() == "Compare again to compare on Compact."


def test_guessing_is_that_of_what_was_asked_for(compare: CompareScreen, labelled: Session, qtbot) -> None:
    compare._base = lambda: ENDLESS
    compare.compare()
    joy = labelled.project.labels()[2]
    labelled.project.set_label([labelled.project.clips()[7].id], joy.id)
    qtbot.waitUntil(lambda: compare.cards[1].compared is not None, timeout=20_000)
    assert labelled.facts.usable_labels() == 3
    for card in compare.cards[:2]:
        assert "guessing gives 50%" in card.bar.accessibleDescription()
    compare.cancel.click()
    qtbot.waitUntil(lambda: labelled.running_job(Aside.COMPARE) is None, timeout=20_000)
    assert "guessing, 50%" in compare.legend.text()


def test_in_the_end_guessing_is_what_was_measured(compared: CompareScreen) -> None:
    result = ProjectCompared("folds", 3, ("a", "b", "c"), 9, 0, 1 / 3, tuple(card.compared for card in compared.cards))
    compared.on_done(result)
    measured = [card for card in compared.cards if card.bar.isVisible()]
    assert all("guessing gives 33%" in card.bar.accessibleDescription() for card in measured)
    assert card_of(compared, "disjoint").best.isVisible()
    assert "guessing, 33%" in compared.legend.text()
    assert "In brackets: where the true difference probably lies" in compared.legend.text()


def test_a_method_is_used_in_adapt(compared: CompareScreen, workspace: Workspace, tmp_path) -> None:
    card_of(compared, "hgfm").use.click()
    assert workspace.step is Step.ADAPT
    advanced = workspace.adapt.advanced
    assert advanced.isVisible()
    request = advanced.request(tmp_path)
    assert (request.method, request.base) == ("hgfm", "compact")
    workspace.show_compare()
    card_of(compared, "logistic").use.click()
    assert advanced.request(tmp_path).method is None, "what is recommended is what Adapt does by itself"


# --- how it looks ----------------------------------------------------------------------------------


def test_it_fits_the_smallest_window_and_every_control_has_a_name(
    compared: CompareScreen, window: MainWindow, qtbot
) -> None:
    window.resize(960, 600)
    qtbot.wait(50)
    assert window.size().toTuple() == (960, 600)
    inner = compared.scroller.widget()
    assert inner.minimumSizeHint().width() <= compared.scroller.viewport().width()
    assert all(button.accessibleName() for button in compared.findChildren(QAbstractButton))
    assert len({card.use.accessibleName() for card in compared.cards}) == 6, "every 'Use this method' says which"
    wangs = card_of(compared, "multigate").source
    assert "Neural Architecture Search" in wangs.text()
    assert wangs.heightForWidth(wangs.width()) <= wangs.height(), "the whole title is seen"
    assert len({card.bar.width() for card in compared.cards if card.bar.isVisible()}) == 1, "one scale for all bars"
    primary = [each for each in compared.findChildren(QAbstractButton) if each.property("kind") == "primary"]
    assert len(primary) == 1


def test_the_page_ends_where_its_cards_end(compared: CompareScreen, window: MainWindow, qtbot) -> None:
    for width in (1280, 1024):
        window.resize(width, 640)
        qtbot.wait(50)
        column = compared.scroller.widget()
        last = compared.cards[-1]
        end = last.mapTo(column, last.rect().bottomLeft()).y()
        assert 0 <= column.height() - end <= 2 * SPACE_6, "no gap"
        for card in compared.cards:
            assert card.height() >= card.heightForWidth(card.width()), "and nothing is cut"


def test_it_is_painted_in_both_schemes(compared: CompareScreen) -> None:
    theme = Theme.current()
    before = theme.mode
    try:
        for mode in (ThemeMode.DARK, ThemeMode.LIGHT):
            theme.set_mode(mode)
            compared.grab()
    finally:
        theme.set_mode(before)


def test_a_check_that_tuned_anew_says_so() -> None:
    report = CheckReport(
        scheme="speaker-folds", fold_count=3, labels=("a", "b"), confusion=((1, 0), (0, 1)), accuracy=1.0,
        interval=(0.3, 1.0), unweighted_accuracy=1.0, macro_f1=1.0, clip_count=12, speaker_count=6, mistakes=(),
        chance=0.5, method="disjoint", adaptation_s=14.2,
    )  # fmt: skip
    words = scheme_words(report)
    assert words.startswith("The 6 speakers were shared out among 3 parts")
    assert "made anew without it, as your version is (Tune: disjoint split; about 14 s each)" in words
