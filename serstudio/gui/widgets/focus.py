"""Keys that a screen takes for itself must not take them from a control that has the focus."""

from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox


def press_focused() -> bool:
    """Do what Space does on a focused button or drop-down list; False when neither has the focus."""
    focused = QApplication.focusWidget()
    if isinstance(focused, QAbstractButton):
        focused.click()
        return True
    if isinstance(focused, QComboBox):
        focused.showPopup()
        return True
    return False
