"""What an expert may change before adapting; left alone, everything is as the base recommends."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QDoubleValidator, QStandardItemModel
from PySide6.QtWidgets import QGridLayout, QLineEdit, QVBoxLayout, QWidget

from engine.choices import HEADS, KNOWN_EMOTIONS, METHODS, TRAINED, TUNING_METHODS, TUNING_PRECISIONS, Recommended
from engine.systems.catalogue import CATALOGUE, System
from serstudio.gui.bridge.bases import BaseShelf
from serstudio.gui.screens.adapt.base_chooser import BUNDLED, BaseChooser
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.chooser import Chooser
from serstudio.gui.widgets.layout import Card, column, row
from serstudio.gui.widgets.number_line import NumberLine
from serstudio.gui.widgets.text import Role, make_text
from serstudio.method_words import (
    HEAD_TITLES,
    LAST_LAYER,
    METHOD_SUMMARIES,
    METHOD_TITLES,
    TRAINED_SENTENCES,
    TRAINED_TITLES,
    is_tuning,
)
from serstudio.own_base import own_base_reason
from serstudio.usecases.requests import AdaptProject

_T = TypeVar("_T")
_ONLY_TUNING = "Choose a method that tunes to change this"
_OWN_NETWORK = "This method has a small network of its own, and trains all of it"
_OWN_START = "This method starts from its own network"
_OWN_LAST_LAYER = "This method has a last layer of its own"
_OWN_PRECISION = "The network of this method is small: it is always trained in full precision"
_KEEP_VOICES = "Keep them"
_NO_VOICES = "This method takes no voices away"
_VOICES = "Takes away the mean of each named speaker with two labels or more, or neutral clips"
_DEVICES = {"cuda": "Graphics card (CUDA)", "mps": "Graphics of the Mac (MPS)", "cpu": "Processor (CPU)"}
_PRECISIONS = {"auto": "Best for this machine", "fp32": "Full (fp32)", "bf16": "Half (bf16)"}
_PRECISION_TIPS = {
    "auto": "bf16 where the machine does it fast, else fp32",
    "fp32": "The most exact, and the slower on new hardware",
    "bf16": "Half the bits in the sums; what is learned is kept in full. Quick only where the machine has it built in",
}


class Advanced(Card):
    """Fields that make an `AdaptProject`. Those of tuning are in use only with a method that tunes."""

    def __init__(self, shelf: BaseShelf) -> None:
        super().__init__(role="inset", margin=16)
        self._recommended: Recommended | None = None  # of the bundled base, once the engine has said
        self._shown_for: System | None = None  # whose steps and rate stand in the fields, None: the base's
        self._shown_method: str | None = None
        self._shown_rate = ""  # the recommended one, as it was written into its field
        first = ("As the base recommends", None)
        self.method = _chooser("Method", METHODS, METHOD_TITLES, METHOD_SUMMARIES, first=first)
        self.base = BaseChooser(shelf)
        self.device = Chooser("Device")
        self.trained = _chooser("What is tuned", TRAINED, TRAINED_TITLES, TRAINED_SENTENCES)
        self.steps = NumberLine(1, 1000)
        self.rate = QLineEdit()
        validator = QDoubleValidator(1e-9, 1.0, 12, self.rate)
        validator.setLocale(QLocale.c())
        self.rate.setValidator(validator)
        self.precision = _chooser("Precision", TUNING_PRECISIONS, _PRECISIONS, _PRECISION_TIPS)
        self.head = _chooser("Head after tuning", HEADS, HEAD_TITLES)
        self.voices = Chooser("Voices")
        for words, value in (("As the base recommends", None), (_KEEP_VOICES, False), ("Take named ones away", True)):
            self.voices.addItem(words, value)
        self.seed = NumberLine(0, 2**31 - 1)
        self.restore = make_button("Back to the defaults", Kind.LINK)
        self.restore.clicked.connect(self.set_defaults)
        self.add(self._make_fields())
        self.add(row(self.restore, 1))
        self.method.currentIndexChanged.connect(self.on_method_changed)
        self.trained.currentIndexChanged.connect(self.on_trained_changed)
        self.precision.currentIndexChanged.connect(self.on_method_changed)
        self.base.base_changed.connect(self.on_base_changed)
        self.set_devices(())
        self.set_defaults()

    def _make_fields(self) -> QVBoxLayout:
        """Two that have long names side by side, below them the others."""
        wide = row(_captioned("Base", self.base), _captioned("Method", self.method), spacing=16)
        for place in range(2):
            wide.setStretch(place, 1)
        return column(wide, self._make_grid(), spacing=12)

    def _make_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(12)
        fields: tuple[tuple[str, QWidget], ...] = (
            ("Device", self.device),
            ("What is tuned", self.trained),
            ("Steps", self.steps),
            ("Learning rate", self.rate),
            ("Precision", self.precision),
            ("Head after tuning", self.head),
            ("Voices", self.voices),
            ("Seed", self.seed),
        )
        for index, (name, field) in enumerate(fields):
            grid.addLayout(_captioned(name, field), index // 3, index % 3)
        for place in range(3):
            grid.setColumnStretch(place, 1)
        return grid

    def set_devices(self, names: tuple[str, ...]) -> None:
        chosen = self.device.currentData()
        self.device.clear()
        self.device.addItem("Best available", "auto")
        for name in names:
            self.device.addItem(_DEVICES.get(name, name), name)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))

    def set_recommended(self, recommended: Recommended) -> None:
        """What the bundled base recommends; the fields of tuning show it unless they are in use already."""
        self._recommended = recommended
        if not self._is_tuning_chosen():
            self._show_tuning()

    def set_defaults(self) -> None:
        defaults = AdaptProject(folder=Path())
        self.method.setCurrentIndex(0)
        self.base.choose(defaults.base)
        self.voices.setCurrentIndex(0)
        self.seed.set_value(defaults.seed)
        self.device.setCurrentIndex(0)
        self.precision.setCurrentIndex(self.precision.findData(defaults.precision))
        self._show_tuning()
        self.on_method_changed()

    def choose(self, method: str | None, base: str) -> None:
        """A method by its name, None: as the base recommends; and a base. What else was set goes."""
        self.set_defaults()
        self.base.choose(base)
        self.method.setCurrentIndex(max(0, self.method.findData(method)))

    def system(self) -> System | None:
        """The published alternative that is chosen, None if it is another method."""
        return CATALOGUE.get(self.method.currentData() or "")

    def _show_tuning(self) -> None:
        """Where to start from: what the system or the bundled base recommends, for others what the main paper does."""
        self._shown_for = self.system()
        shown = self._shown()
        self.trained.setCurrentIndex(self.trained.findData(shown.trained))
        self.steps.set_value(shown.steps)
        self._show_rate()
        self._show_head()

    def _shown(self) -> Recommended:
        if self._shown_for is not None:
            return self._shown_for.recommended
        return (self._recommended if self.is_bundled() else None) or Recommended()

    def _show_rate(self) -> None:
        """What is recommended for what is tuned."""
        self._shown_rate = f"{self._shown().rate_for(self.trained.currentData()):g}"
        self.rate.setText(self._shown_rate)

    def _show_head(self) -> None:
        """What there is in the end; a system's last layer is in the list only while that system is chosen."""
        own = self.head.findData(LAST_LAYER)
        if self._shown_for is not None and own < 0:
            self.head.addItem(HEAD_TITLES[LAST_LAYER], LAST_LAYER)
        elif self._shown_for is None and own >= 0:
            self.head.removeItem(own)
        shown = self._shown()
        method = self.method.currentData() or shown.method
        self.head.setCurrentIndex(max(0, self.head.findData(method if method in HEADS else shown.head)))

    def _show_fixed(self, before: System | None) -> None:
        """Of what a system leaves no choice, how it is; once there is a choice again, the defaults."""
        system = self._shown_for
        self.voices.setCurrentIndex(0 if system is None else self.voices.findText(_KEEP_VOICES))
        if _is_small(system) or _is_small(before):
            precision = "fp32" if _is_small(system) else AdaptProject(folder=Path()).precision
            self.precision.setCurrentIndex(self.precision.findData(precision))

    def on_base_changed(self) -> None:
        if not self._is_tuning_chosen():
            self._show_tuning()

    def on_trained_changed(self) -> None:
        if self.rate.text() == self._shown_rate:  # else the user has written another
            self._show_rate()
        self.on_method_changed()

    def on_method_changed(self) -> None:
        """Fields that are not in use say why; lists of words that need a sentence show it."""
        method, before = self.method.currentData(), self._shown_method
        self._shown_method = method
        if self.system() is not self._shown_for:
            shown_for = self._shown_for
            self._show_tuning()
            self._show_fixed(shown_for)
        elif method != before and {method, before} & {None, *HEADS}:
            self._show_head()
        for field, reason in self._reasons().items():
            field.setEnabled(reason is None)
            field.setToolTip(reason or "")
        model = self.trained.model()
        assert isinstance(model, QStandardItemModel)
        system = self.system()
        for index, name in enumerate(TRAINED):
            model.item(index).setEnabled(system is None or name in system.trained)
        for chooser in (self.method, self.trained, self.precision):
            if chooser.isEnabled():
                chooser.setToolTip(chooser.currentData(Qt.ItemDataRole.ToolTipRole) or "")
        if self.voices.isEnabled():
            self.voices.setToolTip(_VOICES)
        self.base.set_note(_OWN_START if _is_small(system) else "")

    def _reasons(self) -> dict[QWidget, str | None]:
        """Why a field means nothing with this method, None where it means something."""
        untuned = None if self._is_tuning_chosen() else _ONLY_TUNING
        system = self.system()
        return {
            self.trained: untuned or (_OWN_NETWORK if system is not None and len(system.trained) == 1 else None),
            self.steps: untuned,
            self.rate: untuned,
            self.precision: untuned or (_OWN_PRECISION if _is_small(system) else None),
            self.head: untuned or (_OWN_LAST_LAYER if system is not None else None),
            self.voices: _NO_VOICES if system is not None else None,
        }

    def _is_tuning_chosen(self) -> bool:
        method = self.method.currentData()
        return method is not None and is_tuning(method)

    def is_bundled(self) -> bool:
        """Whether it is the base that comes with the app."""
        return self.base.base() == BUNDLED

    def begins_with_names(self) -> bool:
        """Whether the head is one that begins with what the bundled base knows of labels by their names."""
        return self.is_bundled() and self.head.currentData() == KNOWN_EMOTIONS

    def is_as_timed(self, recommended: Recommended) -> bool:
        """Whether a step takes as long as the one that the engine has timed: of the bundled base, as recommended."""
        chosen = self.method.currentData()
        as_timed = chosen in TUNING_METHODS and self.trained.currentData() == recommended.trained
        return self.is_bundled() and (not self._is_tuning_chosen() or as_timed)

    def planned_steps(self) -> int | None:
        """How many steps of tuning there will be, 0 if nothing is tuned; None if only the base knows."""
        method = self.method.currentData()
        if method is not None:
            return self.steps.value() if is_tuning(method) else 0
        if self._recommended is None or not self.is_bundled():
            return None
        return self._recommended.steps if is_tuning(self._recommended.method) else 0

    def reason(self) -> str | None:
        """Why these values cannot be used, None when they can."""
        if self._is_tuning_chosen() and (not self.rate.hasAcceptableInput() or float(self.rate.text()) <= 0):
            return "The learning rate under Advanced is not a number above 0."
        return own_base_reason(self.method.currentData(), self.base.base())

    def request(self, folder: Path) -> AdaptProject:
        """What of a system is left as it was stays None, for its base may know better than this list."""
        rate = float(self.rate.text()) if self.rate.hasAcceptableInput() else None
        shown = self._shown()
        return AdaptProject(
            folder,
            base=self.base.base(),
            method=self.method.currentData(),
            steps=self._if_used(self.steps, self.steps.value(), shown.steps),
            learning_rate=self._if_used(self.rate, rate, shown.rate_for(self.trained.currentData())),
            device=self.device.currentData(),
            seed=self.seed.value(),
            head=self._if_used(self.head, self.head.currentData(), shown.head),
            trained=self._if_used(self.trained, self.trained.currentData(), shown.trained),
            speaker_mean=self.voices.currentData() if self.voices.isEnabled() else None,
            precision=self.precision.currentData() if self.precision.isEnabled() else AdaptProject(folder).precision,
        )

    def _if_used(self, field: QWidget, value: _T, shown: _T) -> _T | None:
        is_left = value == shown and (self.system() is not None or not self.is_bundled())
        return value if field.isEnabled() and not is_left else None


def _is_small(system: System | None) -> bool:
    """Whether it is a network of its own, small whatever the base."""
    return system is not None and not system.any_backbone


def _captioned(name: str, field: QWidget) -> QVBoxLayout:
    field.setAccessibleName(name)
    return column(make_text(name, Role.CAPTION), field, spacing=4)


def _chooser(
    name: str,
    values: Sequence[str],
    titles: Mapping[str, str],
    tips: Mapping[str, str] | None = None,
    *,
    first: tuple[str, None] | None = None,
) -> Chooser:
    chooser = Chooser(name)
    if first is not None:
        chooser.addItem(*first)
    for value in values:
        chooser.addItem(titles[value], value)
        if tips is not None:
            chooser.setItemData(chooser.count() - 1, tips[value], Qt.ItemDataRole.ToolTipRole)
    return chooser
