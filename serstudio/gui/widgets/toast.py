"""A short message at the foot of the window that goes by itself, with an optional action (Undo)."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.text import Role, make_text

SHOWN_MS = 6000


class Toast(QFrame):
    """One at a time; a new message replaces the last."""

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self.setProperty("role", "toast")
        self.message = make_text("", Role.BODY)
        self.action = make_button("Undo", Kind.NORMAL)
        self._run: Callable[[], object] | None = None
        self.action.clicked.connect(self.on_action_clicked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 8, 8)
        layout.setSpacing(16)
        layout.addWidget(self.message)
        layout.addWidget(self.action)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SHOWN_MS)
        self._timer.timeout.connect(self.hide)
        self._host = host
        host.installEventFilter(self)
        self.hide()

    def show_message(self, message: str, action: str = "", run: Callable[[], object] | None = None) -> None:
        """Show `message`; with `run`, a button named `action` calls it."""
        self.message.setText(message)
        self.message.setContentsMargins(0, 8, 8 if run is None else 0, 8)
        self.action.setText(action)
        self.action.setAccessibleName(action)
        self.action.setVisible(run is not None)
        self._run = run
        self.setAccessibleName(message)
        self.adjustSize()
        self._place()
        self.show()
        self.raise_()
        self._timer.start()

    def withdraw(self, *outdated: Callable[[], object]) -> None:
        """Hide a message whose action calls one of `outdated`, which would no longer do what the message says."""
        if self._run in outdated:
            self.hide()

    def on_action_clicked(self) -> None:
        self.hide()
        if self._run is not None:
            self._run()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _place(self) -> None:
        host = self._host
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.move((host.width() - self.width()) // 2, host.height() - self.height() - 24)
