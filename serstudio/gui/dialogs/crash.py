"""A mistake of ours: what the user can do, and a report to copy that names nobody's files."""

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from serstudio.gui.widgets.buttons import Kind, make_button, set_icon
from serstudio.gui.widgets.layout import row
from serstudio.gui.widgets.text import Role, make_text


class CrashDialog(QDialog):
    """Shows `report`, which is path-redacted already."""

    def __init__(self, report: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Something went wrong")
        self.resize(640, 440)
        self.report = QPlainTextEdit(report)
        self.report.setReadOnly(True)
        self.report.setAccessibleName("Report")
        self.copy = make_button("Copy the report", Kind.NORMAL, "copy")
        self.go_on = make_button("Go on", Kind.PRIMARY)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(12)
        layout.addWidget(make_text("Something went wrong in SER Studio", Role.TITLE))
        words = (
            "This is a mistake of ours, not of yours. Your project is saved: every action is kept at once. "
            "You can go on. If you tell us about it, please send this report; file and folder names are "
            "taken out of it."
        )
        layout.addWidget(make_text(words, Role.MUTED, wrap=True))
        layout.addWidget(self.report, 1)
        layout.addLayout(row(self.go_on, 1, self.copy))
        self.copy.clicked.connect(self.on_copy_clicked)
        self.go_on.clicked.connect(self.accept)

    def on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.report.toPlainText())
        self.copy.setText("Copied")
        set_icon(self.copy, "tick")
