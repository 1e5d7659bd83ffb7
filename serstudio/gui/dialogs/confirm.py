"""A question before something big: what will happen in facts, one button that does it, one that does not."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from serstudio.gui.dialogs.fitted import FittedDialog
from serstudio.gui.dialogs.question import Question
from serstudio.gui.widgets.buttons import Kind, ReasonedButton, make_button
from serstudio.gui.widgets.layout import Card, row
from serstudio.gui.widgets.text import Role, make_text


class ConfirmDialog(FittedDialog):
    """Accepted when the user wants it."""

    def __init__(self, question: Question, parent: QWidget | None = None) -> None:
        super().__init__(question.title, parent)
        self.question = question
        kind = Kind.DANGER if question.is_danger else Kind.PRIMARY
        self.action = ReasonedButton(make_button(question.action, kind))
        self.action.set_reason(question.reason)
        self.cancel = make_button("Not now")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(16)
        layout.addWidget(make_text(question.title, Role.TITLE, wrap=True))
        layout.addWidget(self._facts())
        layout.addWidget(make_text(question.words, Role.MUTED, wrap=True))
        layout.addLayout(row(self.action, 1, self.cancel))
        self.action.button.clicked.connect(self.accept)
        self.cancel.clicked.connect(self.reject)
        (self.cancel if question.is_danger or question.reason else self.action.button).setFocus()

    def _facts(self) -> Card:
        card = Card(role="inset")
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for index, (name, value) in enumerate(self.question.facts):
            grid.addWidget(make_text(name, Role.MUTED), index, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(make_text(value, wrap=True, select=True), index, 1)
        card.add(grid)
        return card
