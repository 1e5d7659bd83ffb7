"""The left rail: project, the six steps with state and next action, what is running, and the machine."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QProgressBar, QVBoxLayout, QWidget

from serstudio.gui.rail_item import WIDTH, RailItem
from serstudio.gui.steps import Step, StepState, StepStatus
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.layout import column, row, rule
from serstudio.gui.widgets.text import ElidedText, Role, make_text

_DOING = {
    Step.COLLECT: "Importing",
    Step.ADAPT: "Adapting",
    Step.CHECK: "Checking",
    Step.SHARE: "Exporting",
}


def _is_job(step: Step, status: StepStatus) -> bool:
    return status.state is StepState.BUSY and step in _DOING


class _Activity(QWidget):
    """What the worker processes do now; hidden while they rest."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ElidedText("", Role.CAPTION)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of what is running")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(rule())
        layout.addWidget(self.words)
        layout.addWidget(self.bar)
        self.hide()

    def show_busy(self, busy: Mapping[Step, StepStatus]) -> None:
        self.setVisible(bool(busy))
        if not busy:
            return
        self.words.set_full_text("  ·  ".join(f"{_DOING[step]}: {s.action}" for step, s in busy.items()))
        fraction = next((status.fraction for status in busy.values() if status.fraction is not None), None)
        self.bar.setRange(0, 0 if fraction is None else 1000)
        self.bar.setValue(round(1000 * (fraction or 0.0)))


class Rail(QFrame):
    """Chooses the step; knows nothing of the screens."""

    step_chosen = Signal(object)  # Step
    home_requested = Signal()
    settings_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "rail")
        self.setFixedWidth(WIDTH)
        self.setAccessibleName("Steps")
        self.name = ElidedText("", Role.HEADING)
        self.language = ElidedText("", Role.CAPTION)
        self.home = make_button("", Kind.GHOST, "home", tip="All projects", name="All projects")
        self.settings = make_button("", Kind.GHOST, "settings", tip="Settings", name="Settings")
        self.machine = make_text("", Role.CAPTION, wrap=True)
        self.activity = _Activity()
        self.items: dict[Step, RailItem] = {}
        self._group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 16, 12, 10)
        layout.setSpacing(2)
        head = row(column(self.name, self.language, spacing=0), self.home, spacing=4)
        head.setContentsMargins(8, 0, 0, 0)
        layout.addLayout(head)
        layout.addSpacing(12)
        for number, step in enumerate(Step, start=1):
            item = RailItem(step, f"Ctrl+{number}")
            self.items[step] = item
            self._group.addButton(item, number - 1)
            layout.addWidget(item)
        layout.addStretch(1)
        layout.addWidget(self.activity)
        foot = row(self.machine, self.settings, spacing=4)
        foot.setStretch(0, 1)
        foot.setContentsMargins(8, 0, 0, 0)
        layout.addLayout(foot)
        self._group.idClicked.connect(self.on_id_clicked)
        self.home.clicked.connect(self.home_requested)
        self.settings.clicked.connect(self.settings_requested)

    def set_project(self, name: str, language: str) -> None:
        self.name.set_full_text(name)
        self.language.set_full_text(language or "no language given")

    def set_machine(self, text: str) -> None:
        self.machine.setText(text)

    def set_statuses(self, statuses: dict[Step, StepStatus]) -> None:
        for step, status in statuses.items():
            self.items[step].set_status(status)
        self.activity.show_busy({step: status for step, status in statuses.items() if _is_job(step, status)})

    def set_current(self, step: Step) -> None:
        self.items[step].setChecked(True)

    def on_id_clicked(self, number: int) -> None:
        self.step_chosen.emit(list(Step)[number])
