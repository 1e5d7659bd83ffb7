"""The Models page over a fake store: what is shown, what is asked first, and how each job ends."""

import errno
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest
from fake_engine import DAMAGED, ENDLESS, HUGE, LARGE, REFUSED, STORE
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QFileDialog, QLabel

from serstudio.gui.bridge.bases import Work
from serstudio.gui.dialogs.add_base import AddBaseDialog
from serstudio.gui.dialogs.confirm import ConfirmDialog
from serstudio.gui.main_window import MainWindow
from serstudio.gui.screens.models import ModelsScreen
from serstudio.gui.session import Session
from serstudio.gui.settings_menu import SettingsMenu
from serstudio.gui.steps import Step
from serstudio.gui.workspace import Workspace
from serstudio.usecases.base_requests import BaseState

COMPACT = "compact"


@pytest.fixture
def page(window: MainWindow, qtbot) -> ModelsScreen:
    """The page as the welcome page leads to it, with its cards."""
    window.welcome.models.click()
    qtbot.waitUntil(lambda: bool(window.models.cards), timeout=20_000)
    return window.models


def question(page: ModelsScreen) -> ConfirmDialog:
    return next(dialog for dialog in page.findChildren(ConfirmDialog) if dialog.isVisible())


def wait_until_idle(window: MainWindow, qtbot) -> None:
    """The work has ended and its effect is listed."""
    qtbot.waitUntil(lambda: window.shelf.work is None and window.shelf._listing is None, timeout=20_000)


def download(page: ModelsScreen, name: str) -> None:
    page.cards[name].download.click()
    question(page).action.button.click()


# --- what is shown ---------------------------------------------------------------------------------


def test_each_base_has_a_card_in_its_place(page: ModelsScreen) -> None:
    here = [page.here.itemAt(place).widget().base.name for place in range(page.here.count())]
    offered = [page.offered.itemAt(place).widget().base.name for place in range(page.offered.count())]
    assert here == [COMPACT, DAMAGED]
    assert offered == [ENDLESS, REFUSED, LARGE, HUGE]
    large = page.cards[LARGE]
    assert large.facts.text() == "3.0 GB  ·  Apache-2.0  ·  315 million parameters"
    assert large.source.full_text() == "somebody/large, revision 0123456789ab"
    assert large.words.text() == "128 languages"
    texts = [label.text() for label in page.findChildren(QLabel)]
    assert any("XLSR-HGFM, Multi-gating with architecture search and F-MAML come with" in text for text in texts)
    assert any(text.endswith("choose the method in Adapt, or try them all in Compare.") for text in texts)


def test_what_can_be_done_goes_with_the_state(page: ModelsScreen) -> None:
    def shown(name: str) -> list[str]:
        card = page.cards[name]
        return [button.text() for button in card._buttons if not button.isHidden()]

    assert shown(COMPACT) == ["Check files"]
    assert shown(DAMAGED) == ["Check files", "Remove…"]
    assert shown(LARGE) == ["Download…"]
    assert page.cards[COMPACT].badge.text() == "Comes with SER Studio"
    assert page.cards[LARGE].badge.isHidden()


def test_the_page_opens_from_rail_and_settings_and_goes_back(workspace: Workspace, window, qtbot) -> None:
    workspace.show_step(Step.LABEL)
    workspace.rail.models.click()
    assert window.stack.currentWidget() is window.models
    with qtbot.waitActive(window):
        window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: window.stack.currentWidget() is workspace, timeout=5_000)
    assert workspace.step is Step.LABEL
    menu = SettingsMenu(window)
    menu.models_requested.connect(window.show_models)
    menu.actions()[0].trigger()
    assert window.stack.currentWidget() is window.models
    qtbot.keyClick(window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert window.stack.currentWidget() is workspace
    assert workspace.step is Step.ADAPT


def test_undo_leaves_the_project_alone_while_the_page_covers_it(labelled: Session, window: MainWindow) -> None:
    window.show_models()
    window.on_undo()
    assert labelled.facts.labelled == 6


# --- downloading -----------------------------------------------------------------------------------


def test_size_licence_and_place_are_said_before_a_download(page: ModelsScreen, window: MainWindow) -> None:
    page.cards[LARGE].download.click()
    asked = question(page).question
    facts = dict(asked.facts)
    assert asked.title == "Download Large 300M?"
    assert facts["Size"].startswith("3.0 GB to download. ")
    assert "are free on the disk" in facts["Size"]
    assert facts["Licence"].startswith("Apache-2.0. It may be passed on. ")
    assert facts["From"] == "somebody/large, revision 0123456789ab"
    assert facts["Kept in"] == str(STORE)
    question(page).cancel.click()
    assert window.shelf.work is None


def test_a_download_that_does_not_fit_is_refused_beforehand(page: ModelsScreen) -> None:
    page.cards[HUGE].download.click()
    action = question(page).action
    assert not action.button.isEnabled()
    assert "not enough room" in (action.reason() or "")


def test_a_download_ends_among_the_installed(page: ModelsScreen, window: MainWindow, qtbot) -> None:
    download(page, LARGE)
    card = page.cards[LARGE]
    assert not card.work.isHidden()
    assert page.cards[COMPACT].check.toolTip() == "Downloading Large 300M: wait for it to end, or cancel it."
    assert not page.cards[COMPACT].check.isEnabled()
    wait_until_idle(window, qtbot)
    assert card.base.state is BaseState.INSTALLED
    assert card.work.isHidden()
    assert "Large 300M is here. Its weights were rewritten as safetensors." in page.toast.message.text()
    assert page.cards[COMPACT].check.isEnabled()
    installed = [page.here.itemAt(place).widget().base.name for place in range(page.here.count())]
    assert LARGE in installed


def test_a_download_whose_process_cannot_be_started_says_so_and_goes_the_next_time(
    page: ModelsScreen, window: MainWindow, qtbot, monkeypatch
) -> None:
    def refuse(process: SpawnProcess) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    wait_until_idle(window, qtbot)
    with monkeypatch.context() as shortage:
        shortage.setattr(SpawnProcess, "start", refuse)
        download(page, LARGE)
        wait_until_idle(window, qtbot)
    assert page.banner.message.text() == "The engine could not be started (Cannot allocate memory)."
    assert page.cards[LARGE].base.state is BaseState.OFFERED
    download(page, LARGE)
    wait_until_idle(window, qtbot)
    assert page.cards[LARGE].base.state is BaseState.INSTALLED


def test_a_download_shows_bytes_rate_and_time_and_can_go_on_after_cancel(page, window, qtbot) -> None:
    download(page, ENDLESS)
    card = page.cards[ENDLESS]
    qtbot.waitUntil(lambda: "900 MB of 1.0 GB" in card.work.words.text(), timeout=20_000)
    assert card.work.words.text().startswith("Downloading  ·  ")
    assert card.work.words.text().endswith(" of 1.0 GB  ·  1 MB/s")
    assert card.work.left.text() == "about 1 min 40 s left"
    assert window.status.doing.full_text().startswith("Downloading Endless: ")
    assert not window.status.bar.isHidden()
    card.work.cancel.click()
    assert card.work.words.text() == "Stopping…"
    wait_until_idle(window, qtbot)
    assert card.base.state is BaseState.PARTIAL
    assert card.download.text() == "Go on…"
    assert "are here" in card.facts.text()
    assert "go on later" in page.toast.message.text()
    assert window.status.doing.full_text() == ""
    card.download.click()
    assert "of 1.0 GB are here" in dict(question(page).question.facts)["Size"]
    question(page).cancel.click()
    card.remove.click()
    assert "Throw away" in question(page).question.title
    question(page).action.button.click()
    wait_until_idle(window, qtbot)
    assert card.base.state is BaseState.OFFERED


def test_a_failure_is_said_on_the_page_and_elsewhere_where_the_user_is(page, window, qtbot) -> None:
    download(page, REFUSED)
    qtbot.waitUntil(lambda: not page.banner.isHidden(), timeout=20_000)
    assert page.banner.message.text() == "There is no network."
    wait_until_idle(window, qtbot)
    download(page, REFUSED)
    assert page.banner.isHidden(), "a new try starts without the old message"
    page.back.click()
    qtbot.waitUntil(lambda: not window.welcome.banner.isHidden(), timeout=20_000)
    assert window.welcome.banner.message.text() == "There is no network."


def test_a_download_goes_on_while_the_project_is_worked_on(page, window, project_folder: Path, qtbot) -> None:
    download(page, ENDLESS)
    assert window.open_project(project_folder)
    assert window.stack.currentWidget() is window.workspace
    window.session.import_paths([project_folder / "audio"])
    assert window.session.import_reason() is not None
    qtbot.waitUntil(lambda: window.session.import_reason() is None, timeout=20_000)
    assert window.shelf.work is Work.DOWNLOAD
    window.shelf.cancel()
    wait_until_idle(window, qtbot)
    assert "was stopped" in window.workspace.toast.message.text()


def test_closing_the_window_ends_a_download_quietly(page, window: MainWindow, qtbot) -> None:
    download(page, ENDLESS)
    qtbot.waitUntil(lambda: window.shelf.last_progress is not None, timeout=20_000)
    window.close()
    assert window._bases.process_id is None
    assert window.shelf.work is None


# --- adding, checking, removing --------------------------------------------------------------------


def test_a_folder_is_added_under_the_name_that_is_given(page, window, tmp_path: Path, monkeypatch, qtbot) -> None:
    source = tmp_path / "1a640f32"
    source.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(source))
    page.add_button.click()
    dialog = page.findChild(AddBaseDialog)
    dialog.name_line.setText(" ")
    assert dialog.add.reason() == "Give the model a name."
    dialog.name_line.setText("my-model")
    dialog.add.button.click()
    assert page.adding.heading.text() == "Adding my-model"
    assert not page.adding.isHidden()
    wait_until_idle(window, qtbot)
    assert page.adding.isHidden()
    assert page.cards["my-model"].base.source == str(source)


def test_a_folder_that_is_dropped_on_the_page_is_meant_as_a_model(labelled, window, tmp_path: Path, qtbot) -> None:
    def drop(path: Path) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        window.dropEvent(QDropEvent(QPointF(9, 9), copy, data, left, none))

    window.show_models()
    drop(tmp_path)
    dialog = window.models.findChild(AddBaseDialog)
    assert dialog.request.source == tmp_path
    dialog.reject()
    with qtbot.waitSignal(labelled.import_reported, timeout=20_000):
        drop(next((tmp_path / "clips").iterdir()))
    assert window.stack.currentWidget() is window.workspace, "a recording is meant for the project"


def test_left_alone_the_name_is_for_the_store_to_make_fit(page, tmp_path: Path) -> None:
    dialog = AddBaseDialog(tmp_path / "My Model (2)", None, page)
    assert dialog.request.name is None


def test_checking_files_says_what_is_wrong(page: ModelsScreen, window: MainWindow, qtbot) -> None:
    page.cards[COMPACT].check.click()
    wait_until_idle(window, qtbot)
    assert page.toast.message.text() == "All files of Compact are as they should be."
    assert page.banner.isHidden()
    page.cards[DAMAGED].check.click()
    wait_until_idle(window, qtbot)
    assert page.banner.message.text() == "1 file of Damaged is missing or damaged: model.safetensors."


def test_removing_asks_and_names_the_versions_that_need_it(adapted: Session, window: MainWindow, qtbot) -> None:
    page = window.models
    window.show_models()
    qtbot.waitUntil(lambda: DAMAGED in page.cards, timeout=20_000)
    page.cards[DAMAGED].remove.click()
    assert "In this project" not in dict(question(page).question.facts)
    question(page).cancel.click()
    qtbot.waitUntil(lambda: not page.findChildren(ConfirmDialog), timeout=5_000)
    page._versions_from = lambda name: adapted.versions_from(COMPACT)
    page.cards[DAMAGED].remove.click()
    assert dict(question(page).question.facts)["In this project"] == "Version 1 was adapted from it."
    question(page).action.button.click()
    wait_until_idle(window, qtbot)
    assert page.cards[DAMAGED].base.state is BaseState.OFFERED
    assert "2.0 GB are free again" in page.toast.message.text()
    assert page.banner.isHidden(), "what the question said is not said again"


def test_one_thing_at_a_time(page: ModelsScreen, window: MainWindow, qtbot) -> None:
    download(page, ENDLESS)
    window.shelf.check(COMPACT)
    assert window.shelf.work is Work.DOWNLOAD
    assert not page.add_button.isEnabled()
    assert "Downloading Endless" in page.add_button.toolTip()
    window.shelf.cancel()
    wait_until_idle(window, qtbot)


def test_the_page_fits_the_smallest_window_and_every_control_has_a_name(page, window: MainWindow, qtbot) -> None:
    download(page, ENDLESS)
    window.resize(960, 600)
    qtbot.waitUntil(lambda: "GB" in page.cards[ENDLESS].work.words.text(), timeout=20_000)
    assert page.scroller.widget().minimumSizeHint().width() <= page.scroller.viewport().width()
    assert window.width() == 960
    for button in page.findChildren(QAbstractButton):
        assert button.accessibleName(), button
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus, button.accessibleName()
        assert button.isEnabled() or button.toolTip(), button.accessibleName()
    window.shelf.cancel()
    wait_until_idle(window, qtbot)
