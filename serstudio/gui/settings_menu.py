"""The settings: a small menu, kept in QSettings."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from serstudio import __version__
from serstudio.gui.icons import icon
from serstudio.gui.theme import Theme, ThemeMode

_NAMES = {
    ThemeMode.SYSTEM: ("As the system", "settings"),
    ThemeMode.LIGHT: ("Light", "sun"),
    ThemeMode.DARK: ("Dark", "moon"),
}


class SettingsMenu(QMenu):
    """Models, appearance, and which version this is."""

    models_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Settings")
        models = self.addAction(icon("box"), "Models…")
        models.triggered.connect(self.models_requested)
        self.addSeparator()
        self.addAction("Appearance").setEnabled(False)
        group = QActionGroup(self)
        for mode, (name, icon_name) in _NAMES.items():
            chosen = Theme.current().mode is mode
            action = QAction(icon("tick", "accent_text") if chosen else icon(icon_name), name, self)
            action.setCheckable(True)
            action.setChecked(chosen)
            action.setData(mode)
            group.addAction(action)
            self.addAction(action)
        self.addSeparator()
        about = self.addAction(f"SER Studio {__version__}")
        about.setEnabled(False)
        group.triggered.connect(self.on_mode_triggered)

    def on_mode_triggered(self, action: QAction) -> None:
        Theme.current().set_mode(action.data())
