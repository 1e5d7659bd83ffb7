"""Shares of a whole: one thin bar a part, with its name and its percentage."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QProgressBar, QWidget

from engine.explanation import Explanation
from serstudio.gui.widgets.text import Role, make_text

_BAR_WIDTH = 160


class ShareBars(QWidget):
    """As wide as it needs to be."""

    def __init__(self, explanation: Explanation) -> None:
        super().__init__()
        parts = [f"{name} {share:.0%}" for name, share in explanation.shares]
        self.setAccessibleName(explanation.title)
        self.setAccessibleDescription(", ".join(parts))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 6, 0, 4)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(1)
        grid.addWidget(make_text(explanation.title, Role.CAPTION), 0, 0, 1, 4)
        for line, (name, share) in enumerate(explanation.shares, start=1):
            bar = QProgressBar()
            bar.setTextVisible(False)
            bar.setFixedWidth(_BAR_WIDTH)
            bar.setRange(0, 1000)
            bar.setValue(round(1000 * share))
            bar.setAccessibleName(name)
            number = make_text(f"{share:.0%}", Role.CAPTION)
            grid.addWidget(make_text(name, Role.CAPTION), line, 0)
            grid.addWidget(bar, line, 1, Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(number, line, 2, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(3, 1)
