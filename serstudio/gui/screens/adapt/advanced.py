"""What an expert may change before adapting; left alone, everything is as the base recommends."""

from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QLocale
from PySide6.QtGui import QDoubleValidator
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from engine.choices import HEADS, METHODS, TRAINED, Recommended
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.chooser import Chooser
from serstudio.gui.widgets.layout import Card, column, row
from serstudio.gui.widgets.number_line import NumberLine
from serstudio.gui.widgets.text import Role, make_text
from serstudio.method_words import HEAD_TITLES, METHOD_TITLES, TRAINED_TITLES, is_tuning
from serstudio.usecases.requests import AdaptProject

_T = TypeVar("_T")
_ONLY_TUNING = "Choose a method that tunes to change this"


class Advanced(Card):
    """Fields that make an `AdaptProject`. Those of tuning are in use only with a method that tunes."""

    def __init__(self) -> None:
        super().__init__(role="inset", margin=16)
        self._recommended: Recommended | None = None  # of the bundled base, once the engine has said
        self.method = _chooser("Method", ("As the base recommends", None), METHODS, METHOD_TITLES)
        self.base = QLineEdit()
        self.base.setToolTip("compact, the folder of a base, or hf:<folder or hub id> of an encoder on this machine")
        self.device = Chooser("Device")
        self.trained = _chooser("What is tuned", None, TRAINED, TRAINED_TITLES)
        self.steps = NumberLine(1, 1000)
        self.rate = QLineEdit()
        validator = QDoubleValidator(1e-9, 1.0, 12, self.rate)
        validator.setLocale(QLocale.c())
        self.rate.setValidator(validator)
        self.head = _chooser("Head after tuning", None, HEADS, HEAD_TITLES)
        self.voices = Chooser("Voices")
        for words, value in (("As the base recommends", None), ("Keep them", False), ("Take named ones away", True)):
            self.voices.addItem(words, value)
        self.voices.setToolTip("Takes away the mean of each named speaker with two labels or more, or neutral clips")
        self.seed = NumberLine(0, 2**31 - 1)
        self._of_tuning: tuple[QWidget, ...] = (self.trained, self.steps, self.rate, self.head)
        self.restore = make_button("Back to the defaults", Kind.LINK)
        self.restore.clicked.connect(self.set_defaults)
        self.add(self._make_grid())
        self.add(row(self.restore, 1))
        self.method.currentIndexChanged.connect(self.on_method_changed)
        self.set_devices(())
        self.set_defaults()

    def _make_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(12)
        fields: tuple[tuple[str, QWidget], ...] = (
            ("Method", self.method),
            ("Base", self.base),
            ("Device", self.device),
            ("What is tuned", self.trained),
            ("Steps", self.steps),
            ("Learning rate", self.rate),
            ("Head after tuning", self.head),
            ("Voices", self.voices),
            ("Seed", self.seed),
        )
        for index, (name, field) in enumerate(fields):
            field.setAccessibleName(name)
            grid.addLayout(column(make_text(name, Role.CAPTION), field, spacing=4), index // 3, index % 3)
        for place in range(3):
            grid.setColumnStretch(place, 1)
        return grid

    def set_devices(self, names: tuple[str, ...]) -> None:
        chosen = self.device.currentData()
        self.device.clear()
        self.device.addItem("Best available", "auto")
        for name in names:
            self.device.addItem({"cuda": "Graphics card (CUDA)", "cpu": "Processor (CPU)"}.get(name, name), name)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))

    def set_recommended(self, recommended: Recommended) -> None:
        """What the bundled base recommends; the fields of tuning show it unless they are in use already."""
        self._recommended = recommended
        if not self._is_tuning_chosen():
            self._show_tuning(recommended)

    def set_defaults(self) -> None:
        defaults = AdaptProject(folder=Path())
        self.method.setCurrentIndex(0)
        self.base.setText(defaults.base)
        self.voices.setCurrentIndex(0)
        self.seed.set_value(defaults.seed)
        self.device.setCurrentIndex(0)
        self._show_tuning(self._recommended or Recommended())
        self.on_method_changed()

    def _show_tuning(self, recommended: Recommended) -> None:
        self.trained.setCurrentIndex(self.trained.findData(recommended.trained))
        self.steps.set_value(recommended.steps)
        self.rate.setText(f"{recommended.learning_rate:g}")
        self.head.setCurrentIndex(self.head.findData(recommended.head))

    def on_method_changed(self) -> None:
        for field in self._of_tuning:
            field.setEnabled(self._is_tuning_chosen())
            field.setToolTip("" if self._is_tuning_chosen() else _ONLY_TUNING)

    def _is_tuning_chosen(self) -> bool:
        method = self.method.currentData()
        return method is not None and is_tuning(method)

    def planned_steps(self) -> int | None:
        """How many steps of tuning there will be, 0 if nothing is tuned; None if only the base knows."""
        method = self.method.currentData()
        if method is not None:
            return self.steps.value() if is_tuning(method) else 0
        if self._recommended is None or self.base.text().strip() != AdaptProject(folder=Path()).base:
            return None
        return self._recommended.steps if is_tuning(self._recommended.method) else 0

    def reason(self) -> str | None:
        """Why these values cannot be used, None when they can."""
        if self._is_tuning_chosen() and (not self.rate.hasAcceptableInput() or float(self.rate.text()) <= 0):
            return "The learning rate under Advanced is not a number above 0."
        return None if self.base.text().strip() else "The base under Advanced is empty."

    def request(self, folder: Path) -> AdaptProject:
        return AdaptProject(
            folder,
            base=self.base.text().strip(),
            method=self.method.currentData(),
            steps=self._if_tuning(self.steps.value()),
            learning_rate=self._if_tuning(float(self.rate.text()) if self.rate.hasAcceptableInput() else None),
            device=self.device.currentData(),
            seed=self.seed.value(),
            head=self._if_tuning(self.head.currentData()),
            trained=self._if_tuning(self.trained.currentData()),
            speaker_mean=self.voices.currentData(),
        )

    def _if_tuning(self, value: _T) -> _T | None:
        return value if self._is_tuning_chosen() else None


def _chooser(name: str, first: tuple[str, None] | None, values: tuple[str, ...], titles: dict[str, str]) -> Chooser:
    chooser = Chooser(name)
    if first is not None:
        chooser.addItem(*first)
    for value in values:
        chooser.addItem(titles[value], value)
    return chooser
