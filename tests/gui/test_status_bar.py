"""The line at the foot of the window: machine, memory, and what runs."""

import errno
from multiprocessing.context import SpawnProcess

import psutil
from fake_engine import ENDLESS

from serstudio.gui.main_window import MainWindow
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.workspace import Workspace
from serstudio.usecases.requests import AdaptProject, MachineDescribed, MemoryMeasured


def test_free_memory_is_looked_at_once_the_machine_is_known(window: MainWindow, qtbot) -> None:
    assert window.status.machine.full_text() == "Looking at this machine…"
    window.machine.describe()
    qtbot.waitUntil(lambda: bool(window.status.memory.text()), timeout=20_000)
    assert window.status.memory.text() == "6.2 GB of 8.0 GB memory free"
    assert "a fake device" in window.status.memory.toolTip()


def test_a_machine_that_was_not_described_is_after_the_next_job(labelled: Session, window, qtbot, monkeypatch) -> None:
    def refuse(process: SpawnProcess) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    with monkeypatch.context() as shortage:
        shortage.setattr(SpawnProcess, "start", refuse)
        window.machine.describe()
        qtbot.waitUntil(lambda: "could not be started" in window.status.machine.full_text(), timeout=20_000)
        qtbot.waitUntil(lambda: not window._services.engine.busy, timeout=20_000)
    labelled.start(Step.ADAPT, AdaptProject(labelled.project.folder, steps=2))
    qtbot.waitUntil(lambda: window.status.machine.full_text().startswith("A fake machine"), timeout=20_000)
    qtbot.waitUntil(lambda: not window._services.engine.busy, timeout=20_000)


def test_little_memory_is_said_with_its_mend(window: MainWindow) -> None:
    window.machine.on_measured(MemoryMeasured("CPU", 400_000_000, 8_000_000_000))
    assert window.status.memory.property("tone") == "warning"
    assert "close other programs" in window.status.memory.toolTip()
    window.machine.on_measured(MemoryMeasured("CPU", 4_000_000_000, 8_000_000_000))
    assert window.status.memory.property("tone") == ""


def test_the_precision_of_listening_is_in_the_tooltip(window: MainWindow) -> None:
    window.machine.on_described(MachineDescribed("A machine", ("cpu",), 30.0, 2.5, "int8"))
    assert "int8" in window.status.toolTip()


def test_memory_is_looked_at_after_each_job_of_the_engine_and_no_more(labelled: Session, window, qtbot) -> None:
    measured: list[object] = []
    window.machine.measured.connect(measured.append)
    job = labelled.start(Step.ADAPT, AdaptProject(labelled.project.folder, steps=2))
    with qtbot.waitSignal(job.done, timeout=20_000):
        assert not measured
    qtbot.waitUntil(lambda: len(measured) == 1, timeout=20_000)
    qtbot.wait(200)
    assert len(measured) == 1


def test_nothing_is_measured_while_the_engine_works(labelled: Session, window, qtbot) -> None:
    job = labelled.start(Step.ADAPT, AdaptProject(labelled.project.folder, base=ENDLESS))
    window.machine.measure()
    assert len(window._services.engine._queue) == 1
    job.cancel()
    qtbot.waitUntil(lambda: labelled.running_job(Step.ADAPT) is None, timeout=20_000)


def test_what_runs_is_shown_on_every_page_with_its_progress(workspace: Workspace, labelled, window, qtbot) -> None:
    job = labelled.start(Step.ADAPT, AdaptProject(labelled.project.folder, base=ENDLESS))
    qtbot.waitUntil(lambda: "Step" in window.status.doing.full_text(), timeout=20_000)
    assert window.status.doing.full_text().startswith("Adapting: Step ")
    window.show_models()
    assert window.status.bar.isVisible()
    job.cancel()
    qtbot.waitUntil(lambda: window.status.doing.full_text() == "", timeout=20_000)
    assert window.status.bar.isHidden()


def test_what_computes_stays_readable_beside_what_runs(workspace: Workspace, labelled, window, qtbot) -> None:
    window.resize(1024, 640)
    window.machine.on_described(MachineDescribed("CPU, 2 cores: adapting takes a few seconds", ("cpu",), 30.0, 2.5))
    window.machine.on_measured(MemoryMeasured("CPU", 21_500_000_000, 25_300_000_000))
    window.status.doing.set_full_text("Comparing: 17%, method 2 of 6, " + "in so many words " * 9)
    qtbot.wait(50)
    assert window.status.machine.text() == window.status.machine.full_text()
    assert window.status.doing.text().startswith("Comparing: 17%, method 2 of 6")
    assert window.size().toTuple() == (1024, 640)


def test_going_home_while_something_runs_leaves_nothing_on_the_bar(workspace, labelled, window, qtbot) -> None:
    labelled.start(Step.ADAPT, AdaptProject(labelled.project.folder, base=ENDLESS))
    qtbot.waitUntil(lambda: "Step" in window.status.doing.full_text(), timeout=20_000)
    workspace.rail.home.click()
    assert window.status.doing.full_text() == ""
    qtbot.waitUntil(lambda: not window._services.engine.busy, timeout=20_000)


def test_the_memory_of_the_system_is_looked_at_while_the_engine_works(labelled: Session, window, qtbot) -> None:
    """What is measured here is the machine's own, so only that it is no longer what the engine said."""
    job = labelled.start(Step.ADAPT, AdaptProject(labelled.project.folder, base=ENDLESS))
    window.machine.on_timeout()
    assert window.machine.memory is None, "it is not known yet what computes"
    window.machine.on_described(MachineDescribed("A machine", ("cpu",), 30.0, 2.5))
    window.machine.on_timeout()
    assert window.machine.memory.device == "CPU"
    window.machine.on_measured(MemoryMeasured("CPU", 1, psutil.virtual_memory().total))
    window.machine.on_timeout()
    assert window.machine.memory.free_bytes > 1
    assert len(window._services.engine._queue) == 1, "the engine is not asked"
    of_a_card = MemoryMeasured("a graphics card", 1, psutil.virtual_memory().total + 1)
    window.machine.on_measured(of_a_card)
    window.machine.on_timeout()
    assert window.machine.memory == of_a_card
    job.cancel()
    qtbot.waitUntil(lambda: labelled.running_job(Step.ADAPT) is None, timeout=20_000)
