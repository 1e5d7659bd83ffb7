"""The result of a check: number, matrix, mistakes."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from serstudio.gui.screens.check.words import age_words, further_words, interval_words, scheme_words, verdict
from serstudio.gui.session import Session
from serstudio.gui.steps import Age
from serstudio.gui.widgets.accuracy_scale import AccuracyScale
from serstudio.gui.widgets.banner import Banner, Tone
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.confidence_bars import BarLabel
from serstudio.gui.widgets.confusion_matrix import ConfusionMatrix
from serstudio.gui.widgets.label_look import LabelName
from serstudio.gui.widgets.layout import Card, clear_layout, column, row, rule
from serstudio.gui.widgets.text import ElidedText, Role, make_text
from serstudio.project import Clip
from serstudio.usecases.events import Warned
from serstudio.usecases.requests import CheckReport
from serstudio.wording import counted

_MISTAKES_SHOWN = 60


class _MistakeRow(QFrame):
    opened = Signal(int)

    def __init__(self, clip: Clip, truth: BarLabel, heard: BarLabel) -> None:
        super().__init__()
        self._clip_id = clip.id
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.setSpacing(12)
        name = ElidedText(clip.name)
        layout.addWidget(name, 3)
        layout.addWidget(LabelName(truth.name, truth.symbol, truth.colour), 2)
        layout.addWidget(make_text("taken for", Role.CAPTION))
        layout.addWidget(LabelName(heard.name, heard.symbol, heard.colour), 2)
        self.open = make_button("Open", Kind.LINK, tip="Hear this clip in Label", name=f"Open {clip.name} in Label")
        layout.addWidget(self.open)
        self.open.clicked.connect(self.on_open_clicked)

    def on_open_clicked(self) -> None:
        self.opened.emit(self._clip_id)


class CheckResult(QWidget):
    """Filled by `show_report`."""

    clip_opened = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.stale = Banner(closable=False)
        self.number = make_text("", Role.DISPLAY)
        self.verdict = make_text("", Role.STRONG, wrap=True)
        self.interval = make_text("", Role.MUTED, wrap=True)
        self.scale = AccuracyScale()
        self.scheme = make_text("", Role.BODY, wrap=True)
        self.further = make_text("", Role.CAPTION, wrap=True)
        self.warnings = QVBoxLayout()
        self.matrix = ConfusionMatrix()
        self.mistakes_title = make_text("", Role.HEADING)
        self._mistakes = QVBoxLayout()
        self._mistakes.setSpacing(0)
        self.mistake_rows: list[_MistakeRow] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(16)
        layout.addWidget(self.stale)
        layout.addWidget(self._number_card())
        layout.addLayout(self.warnings)
        matrix_card = Card("What is taken for what")
        matrix_card.add(self.matrix)
        layout.addWidget(matrix_card)
        mistakes_card = Card()
        mistakes_card.add(self.mistakes_title)
        mistakes_card.add(self._mistakes)
        layout.addWidget(mistakes_card)

    def _number_card(self) -> Card:
        card = Card()
        left = column(self.number, make_text("of held-back clips were right", Role.MUTED), 1, spacing=0)
        right = column(self.verdict, self.interval, self.scale, spacing=6)
        line = row(left, right, spacing=32)
        line.setStretch(1, 1)
        card.add(line)
        card.add(rule())
        card.add(make_text("How this was measured", Role.STRONG))
        card.add(self.scheme)
        card.add(self.further)
        return card

    def show_age(self, age: Age) -> None:
        if age is Age.CURRENT:
            self.stale.hide()
        else:
            self.stale.show_message(*age_words(age))

    def show_report(self, report: CheckReport, warnings: list[Warned]) -> None:
        self.number.setText(f"{report.accuracy:.0%}")
        self.verdict.setText(verdict(report))
        self.interval.setText(interval_words(report))
        self.scale.show_values(report.accuracy, *report.interval, report.chance)
        self.scheme.setText(scheme_words(report))
        self.further.setText(further_words(report))
        clear_layout(self.warnings)
        for warned in warnings:
            banner = Banner(closable=False)
            self.warnings.addWidget(banner)
            banner.show_message(warned.message, warned.hint, Tone.WARNING)
        looks = dict(zip(report.labels, self._session.looks(report.labels), strict=True))
        self.matrix.show_counts([looks[name] for name in report.labels], report.confusion)
        self._show_mistakes(report, looks)

    def _show_mistakes(self, report: CheckReport, looks: dict[str, BarLabel]) -> None:
        clear_layout(self._mistakes)
        self.mistake_rows = []
        clips = self._session.clips
        known = [(clips.clip(clip_id), truth, heard) for clip_id, truth, heard in report.mistakes]
        here = [(clip, truth, heard) for clip, truth, heard in known if clip is not None]
        title = f"{counted(len(here), 'clip')} to listen to again" if here else counted(len(known), "mistake")
        self.mistakes_title.setText(title if known else "No mistakes")
        if not known:
            self._mistakes.addWidget(make_text("Every held-back clip was recognised.", Role.MUTED))
        for clip, truth, heard in here[:_MISTAKES_SHOWN]:
            if self.mistake_rows:
                self._mistakes.addWidget(rule())
            line = _MistakeRow(clip, looks[truth], looks[heard])
            line.opened.connect(self.clip_opened)
            self.mistake_rows.append(line)
            self._mistakes.addWidget(line)
        if len(here) > _MISTAKES_SHOWN:
            self._mistakes.addWidget(make_text(f"… and {len(here) - _MISTAKES_SHOWN} more", Role.CAPTION))
        if len(known) > len(here):
            gone = f"No longer in the project: {counted(len(known) - len(here), 'clip')}"
            self._mistakes.addWidget(make_text(gone, Role.CAPTION))
