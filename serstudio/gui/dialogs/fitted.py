"""A dialog of fixed width that is as high as what it says."""

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QDialog, QWidget

WIDTH = 560


class FittedDialog(QDialog):
    """Lines that wrap make Qt guess the height of a window too large; here it follows the layout."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setFixedWidth(WIDTH)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Show):
            layout = self.layout()
            if layout is not None:
                self.setFixedHeight(layout.totalHeightForWidth(WIDTH))
        return super().event(event)
