"""One method of a comparison: what it is, how often it was right, and a way to use it."""

from enum import Enum

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QWidget

from serstudio.comparison_words import base_words, difference_words
from serstudio.gui.widgets.accuracy_bar import AccuracyBar
from serstudio.gui.widgets.buttons import make_button
from serstudio.gui.widgets.layout import Card, Flow, column, row
from serstudio.gui.widgets.text import Role, make_text, restyle
from serstudio.method_words import METHOD_SOURCES, METHOD_SUMMARIES, method_title
from serstudio.usecases.comparison_requests import ComparedMethod, MethodFigures
from serstudio.wording import in_words

_RESULT_WIDTH = 240


class Standing(Enum):
    """Where a method is before it has a result."""

    IDLE = ""
    WAITING = "Waiting for its turn"
    RUNNING = "Being measured now"
    LEFT_OUT = "Not measured: stopped before its turn"


class MethodCard(Card):
    """`method`: None while only the engine knows what the base recommends."""

    chosen = Signal(object)  # ComparedMethod

    def __init__(self, method: str | None) -> None:
        super().__init__()
        self.method = method
        self.compared: ComparedMethod | None = None
        self.title = make_text("", Role.HEADING)
        self.recommended = make_text("Recommended", Role.BADGE)
        self.best = make_text("Right most often", Role.BADGE)
        self.best.setProperty("tone", "success")
        self.summary = make_text("", Role.MUTED, wrap=True)
        self.source = make_text("", Role.CAPTION, wrap=True)
        self.base = make_text("", Role.CAPTION, wrap=True)
        self.number = make_text("", Role.TITLE)
        self.bar = AccuracyBar()
        self.difference = make_text("", Role.BODY, wrap=True)
        self.facts = make_text("", Role.CAPTION, wrap=True)
        self.standing = make_text("", Role.MUTED, wrap=True)
        self.busy = QProgressBar()
        self.busy.setTextVisible(False)
        self.busy.setRange(0, 0)
        self.use = make_button("Use this method", tip="Choose it in Adapt, where you can make a version with it")
        self.use.clicked.connect(self.on_use_clicked)
        self._build()
        self.show_method(method)
        self.set_standing(Standing.IDLE)

    def _build(self) -> None:
        head = Flow()
        for widget in (self.title, self.recommended, self.best):
            head.addWidget(widget)
        self.recommended.hide()
        about = column(head, self.summary, self.source, self.base, spacing=4)
        about.addSpacing(6)
        about.addLayout(row(self.use, 1))
        about.addStretch(1)
        self._result = QWidget()
        self._result.setMinimumWidth(_RESULT_WIDTH)
        self.number.setFixedWidth(60)
        line = row(self.number, self.bar)
        self._result.setLayout(column(line, self.difference, self.facts, self.standing, self.busy, 1, spacing=6))
        whole = row(about, self._result, spacing=24)
        whole.setStretch(0, 3)  # the same on all cards, so that the bars have one scale
        whole.setStretch(1, 2)
        self.add(whole)

    def show_method(self, method: str | None) -> None:
        """What it is."""
        self.method = method
        title = "What your model recommends" if method is None else method_title(method)
        self.title.setText(title)
        self.summary.setText("" if method is None else METHOD_SUMMARIES.get(method, ""))
        self.summary.setVisible(method is not None)
        self.source.setText("" if method is None else METHOD_SOURCES.get(method, ""))
        self.source.setVisible(method is not None)
        self.setAccessibleName(title)
        self.busy.setAccessibleName(f"{title} is being measured")
        self.use.setAccessibleName(f"Use this method: {title}")

    def set_standing(self, standing: Standing) -> None:
        """Before there is a result."""
        self.compared = None
        for widget in (self.number, self.bar, self.difference, self.facts, self.use, self.best, self.base):
            widget.hide()
        restyle(self.standing, "role", Role.MUTED.value)
        self.standing.setText(standing.value)
        self.standing.setVisible(standing is not Standing.IDLE)
        self.busy.setVisible(standing is Standing.RUNNING)
        self._result.setVisible(standing is not Standing.IDLE)
        self.setAccessibleDescription(standing.value)

    def show_compared(self, compared: ComparedMethod, chance: float) -> None:
        """Its result, or why there is none."""
        self.show_method(compared.method)
        self.set_standing(Standing.IDLE)
        self.compared = compared
        self._result.show()
        self.recommended.setVisible(compared.is_recommended)
        self.base.setText(base_words(compared))
        self.base.show()
        if compared.figures is None:
            self._show_error(f"{compared.error} {compared.hint}".strip())
        else:
            self._show_figures(compared.figures, chance)

    def _show_error(self, words: str) -> None:
        restyle(self.standing, "role", Role.DANGER.value)
        self.standing.setText(f"Could not be measured. {words}")
        self.standing.show()
        self.setAccessibleDescription(self.standing.text())

    def _show_figures(self, figures: MethodFigures, chance: float) -> None:
        self.number.setText(f"{figures.accuracy:.0%}")
        self.bar.show_values(figures.accuracy, *figures.interval, chance)
        difference = figures.difference
        words = "The others are compared with this one"
        if difference is not None:
            words = difference_words(figures)
            words = words[:1].upper() + words[1:]
        restyle(self.difference, "role", (Role.STRONG if difference and difference.is_sure else Role.BODY).value)
        self.difference.setText(words if difference is None or difference.is_sure else words.replace(" (", "\n("))
        took = in_words(figures.adaptation_s) if figures.adaptation_s >= 1 else "less than a second"
        self.facts.setText(
            f"Adapting took {took}. Every label weighted the same: {figures.unweighted_accuracy:.0%}; "
            f"macro\u00a0F1:\u00a0{figures.macro_f1:.2f}"
        )
        for widget in (self.number, self.bar, self.difference, self.facts, self.use):
            widget.show()
        self.setAccessibleDescription(f"{self.bar.accessibleDescription()}. {words}")

    def set_best(self, *, best: bool) -> None:
        self.best.setVisible(best)

    def on_use_clicked(self) -> None:
        if self.compared is not None:
            self.chosen.emit(self.compared)
