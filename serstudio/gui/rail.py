"""The left rail: project, the six steps with state and next action, models and settings."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QVBoxLayout

from serstudio.gui.rail_item import WIDTH, RailItem
from serstudio.gui.steps import Aside, Step, StepStatus
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.layout import column, row
from serstudio.gui.widgets.text import ElidedText, Role


class Rail(QFrame):
    """Chooses the step; knows nothing of the screens."""

    step_chosen = Signal(object)  # Step
    home_requested = Signal()
    compare_requested = Signal()
    models_requested = Signal()
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
        self.compare = make_button(
            Aside.COMPARE.value, Kind.GHOST, "compare", tip="Methods side by side on your labels", shortcut="Ctrl+7"
        )
        self.compare.setCheckable(True)
        self.compare.setProperty("place", "rail")
        self.models = make_button("Models", Kind.GHOST, "box", tip="What adapting can start from, and more of them")
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
        self._group.addButton(self.compare, len(Step))
        layout.addLayout(row(self.compare, 1))
        layout.addLayout(row(self.models, 1, self.settings, spacing=4))
        self._group.idClicked.connect(self.on_id_clicked)
        self.home.clicked.connect(self.home_requested)
        self.models.clicked.connect(self.models_requested)
        self.settings.clicked.connect(self.settings_requested)

    def set_project(self, name: str, language: str) -> None:
        self.name.set_full_text(name)
        self.language.set_full_text(language or "no language given")

    def set_statuses(self, statuses: Mapping[Step | Aside, StepStatus]) -> None:
        for step, status in statuses.items():
            if isinstance(step, Step):
                self.items[step].set_status(status)

    def set_current(self, page: Step | Aside) -> None:
        (self.items[page] if isinstance(page, Step) else self.compare).setChecked(True)

    def on_id_clicked(self, number: int) -> None:
        if number < len(Step):
            self.step_chosen.emit(list(Step)[number])
        else:
            self.compare_requested.emit()
