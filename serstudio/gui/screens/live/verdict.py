"""The label that wins now, large, with its bars."""

from collections.abc import Sequence

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from engine.decision import Decision
from serstudio.gui.widgets.confidence_bars import LEAST_ROW_HEIGHT, BarLabel, ConfidenceBars
from serstudio.gui.widgets.label_look import Symbol
from serstudio.gui.widgets.layout import Card, GrowingScroller, column, row
from serstudio.gui.widgets.text import ElidedText, Role, make_text
from serstudio.usecases.stream_live import StreamEnded, StreamStarted

_SEEN_AT_ONCE = 4  # bars that even a low window shows; more scroll


class Verdict(Card):
    """Fed by the live bridge's events."""

    def __init__(self) -> None:
        super().__init__(margin=16)
        self._labels: tuple[BarLabel, ...] = ()
        self.symbol = Symbol("●", "#888888", 44)
        self.name = ElidedText("", Role.DISPLAY)
        self.words = make_text("", Role.MUTED, wrap=True)
        self.bars = ConfidenceBars()
        head: QWidget = QWidget()
        line = row(self.symbol, self.name, spacing=16)
        line.setStretch(1, 1)
        head.setLayout(column(line, self.words, spacing=2))
        self.add(head)
        self.scroller = GrowingScroller(self.bars)
        self.add(self.scroller)
        self.body.addStretch(1)
        self._frames = QTimer(self)
        self._frames.setInterval(33)
        self._frames.timeout.connect(self.bars.tick)
        self._frames.start()
        self.show_idle()

    def set_labels(self, labels: Sequence[BarLabel]) -> None:
        self._labels = tuple(labels)
        self.bars.set_labels(self._labels)
        self.scroller.setMinimumHeight(min(len(labels), _SEEN_AT_ONCE) * LEAST_ROW_HEIGHT)

    def show_idle(self, words: str = "Press Start, then speak.") -> None:
        self.symbol.hide()
        self.bars.show_scores([0.0] * len(self._labels))
        self.name.set_full_text("Not listening")
        self.words.setText(words)

    def show_loading(self) -> None:
        self.symbol.hide()
        self.name.set_full_text("Loading…")
        self.words.setText("The model is being loaded; the first time takes some seconds.")

    def show_started(self, started: StreamStarted) -> None:
        self.set_labels([BarLabel(label.name, label.colour, label.symbol) for label in started.labels])
        self.name.set_full_text("Listening…")
        self.words.setText(f"The first answer comes after {started.first_decision_s:.1f} s of sound.")

    def show_heard(self, heard: Decision) -> None:
        self.bars.show_scores(heard.scores, quiet=heard.quiet)
        if heard.quiet:
            self.symbol.hide()
            self.name.set_full_text("Too quiet to judge")
            self.words.setText(f"The level is {heard.level_dbfs:.0f} dB: speak up or come closer.")
            return
        best = max(range(len(heard.scores)), key=heard.scores.__getitem__)
        label = self._labels[best]
        self.symbol.set_look(label.symbol, label.colour)
        self.symbol.show()
        self.name.set_full_text(label.name)
        self.words.setText(f"{heard.scores[best]:.0%} confidence, from the last {heard.end_s - heard.start_s:.1f} s")

    def show_ended(self, ended: StreamEnded) -> None:
        if ended.label is None:
            self.show_idle("Too little was heard for an answer. Press Start to listen again.")
            return
        look = next((label for label in self._labels if label.name == ended.label), None)
        scores = [ended.scores.get(label.name, 0.0) for label in self._labels]
        self.bars.show_scores(scores)
        if look is not None:
            self.symbol.set_look(look.symbol, look.colour)
            self.symbol.show()
        self.name.set_full_text(ended.label)
        self.words.setText(
            f"{max(scores, default=0.0):.0%} confidence for all {ended.duration_s:.1f} s that were heard. "
            "Press Start to listen again."
        )
