"""What an expert may change before adapting; the defaults are those of the paper."""

from pathlib import Path

from PySide6.QtCore import QLocale
from PySide6.QtGui import QDoubleValidator
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.chooser import Chooser
from serstudio.gui.widgets.layout import Card, column, row
from serstudio.gui.widgets.number_line import NumberLine
from serstudio.gui.widgets.text import Role, make_text
from serstudio.usecases.requests import AdaptProject

_METHODS = (
    ("disjoint", "Disjoint split (recommended)"),
    ("pmf", "PMF: one set for both roles"),
    ("prototypes", "Prototypes only, no tuning"),
)


class Advanced(Card):
    """Fields that make an `AdaptProject`."""

    def __init__(self) -> None:
        super().__init__(role="inset", margin=16)
        self.method = Chooser("Method")
        for value, words in _METHODS:
            self.method.addItem(words, value)
        self.device = Chooser("Device")
        self.base = QLineEdit()
        self.base.setToolTip("compact, or hf:<folder or hub id> of a wav2vec2-family encoder on this machine")
        self.steps = NumberLine(1, 1000)
        self.seed = NumberLine(0, 2**31 - 1)
        self.rate = QLineEdit()
        validator = QDoubleValidator(1e-9, 1.0, 12, self.rate)
        validator.setLocale(QLocale.c())
        self.rate.setValidator(validator)
        self.restore = make_button("Back to the defaults", Kind.LINK)
        self.restore.clicked.connect(self.set_defaults)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(12)
        fields: tuple[tuple[str, QWidget], ...] = (
            ("Method", self.method),
            ("Base", self.base),
            ("Steps", self.steps),
            ("Learning rate", self.rate),
            ("Seed", self.seed),
            ("Device", self.device),
        )
        for index, (name, field) in enumerate(fields):
            field.setAccessibleName(name)
            grid.addLayout(column(make_text(name, Role.CAPTION), field, spacing=4), index // 3, index % 3)
        for place in range(3):
            grid.setColumnStretch(place, 1)
        self.add(grid)
        self.add(row(self.restore, 1))
        self.set_devices(())
        self.set_defaults()

    def set_devices(self, names: tuple[str, ...]) -> None:
        chosen = self.device.currentData()
        self.device.clear()
        self.device.addItem("Best available", "auto")
        for name in names:
            self.device.addItem({"cuda": "Graphics card (CUDA)", "cpu": "Processor (CPU)"}.get(name, name), name)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))

    def set_defaults(self) -> None:
        defaults = AdaptProject(folder=Path())
        self.method.setCurrentIndex(self.method.findData(defaults.method))
        self.base.setText(defaults.base)
        self.steps.set_value(defaults.steps)
        self.rate.setText(f"{defaults.learning_rate:g}")
        self.seed.set_value(defaults.seed)
        self.device.setCurrentIndex(0)

    def reason(self) -> str | None:
        """Why these values cannot be used, None when they can."""
        if not self.rate.hasAcceptableInput() or float(self.rate.text()) <= 0:
            return "The learning rate under Advanced is not a number above 0."
        return None if self.base.text().strip() else "The base under Advanced is empty."

    def request(self, folder: Path) -> AdaptProject:
        return AdaptProject(
            folder,
            base=self.base.text().strip(),
            method=self.method.currentData(),
            steps=self.steps.value(),
            learning_rate=float(self.rate.text()),
            device=self.device.currentData(),
            seed=self.seed.value(),
        )
