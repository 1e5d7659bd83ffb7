"""Layout helpers: rows, columns, cards, a scrolling page of limited width, and a flow of chips."""

from typing import TypeVar

from PySide6.QtCore import QEvent, QMargins, QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLayout,
    QLayoutItem,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from serstudio.gui.tokens import CONTENT_WIDTH, SPACE_2, SPACE_4, SPACE_6
from serstudio.gui.widgets.text import Role, make_text

_Box = TypeVar("_Box", QHBoxLayout, QVBoxLayout)


def row(*items: QWidget | QLayout | int, spacing: int = SPACE_2) -> QHBoxLayout:
    """A horizontal layout; an int is a stretch of that weight."""
    layout = QHBoxLayout()
    return _filled(layout, items, spacing)


def column(*items: QWidget | QLayout | int, spacing: int = SPACE_2) -> QVBoxLayout:
    """A vertical layout; an int is a stretch of that weight."""
    layout = QVBoxLayout()
    return _filled(layout, items, spacing)


def _filled(layout: _Box, items: tuple[QWidget | QLayout | int, ...], spacing: int) -> _Box:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for item in items:
        if isinstance(item, int):
            layout.addStretch(item)
        elif isinstance(item, QLayout):
            layout.addLayout(item)
        else:
            layout.addWidget(item)
    return layout


def rule() -> QFrame:
    """A thin horizontal line."""
    frame = QFrame()
    frame.setProperty("role", "line")
    return frame


class Card(QFrame):
    """A surface that groups what belongs together, with an optional heading."""

    def __init__(self, heading: str = "", caption: str = "", *, role: str = "card", margin: int = SPACE_4) -> None:
        super().__init__()
        self.setProperty("role", role)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(margin, margin, margin, margin)
        self.body.setSpacing(SPACE_2 + 4)
        self.heading = make_text(heading, Role.HEADING)
        self.caption = make_text(caption, Role.MUTED, wrap=True)
        if heading:
            self.body.addWidget(self.heading)
        if caption:
            self.body.addWidget(self.caption)

    def add(self, item: QWidget | QLayout) -> None:
        if isinstance(item, QLayout):
            self.body.addLayout(item)
        else:
            self.body.addWidget(item)


class _Column(QWidget):
    """What scrolls. Of its least height it says nothing: the scroll area asks for the height at the width there is."""

    def minimumSizeHint(self) -> QSize:
        """Wrapped lines would want more at the least width, and leave a gap at the end of the page."""
        least = super().minimumSizeHint()
        return QSize(least.width(), 0) if self.hasHeightForWidth() else least


class Scroller(QScrollArea):
    """Scrolls up and down what has no room."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content = content
        content.setProperty("role", "scroll")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(content)


class GrowingScroller(Scroller):
    """Would like to be as high as its content, and can do with much less."""

    def sizeHint(self) -> QSize:
        return self._content.sizeHint()

    def viewportEvent(self, event: QEvent) -> bool:
        """What the content would like has changed; one without a layout tells it to its parent only."""
        if event.type() is QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().viewportEvent(event)


class Page(QWidget):
    """A screen that scrolls: title, one line below it, and cards in a column of limited width."""

    def __init__(self, title: str, subtitle: str) -> None:
        super().__init__()
        self.setProperty("role", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.title = make_text(title, Role.TITLE)
        self.subtitle = make_text(subtitle, Role.MUTED, wrap=True)
        inner = QWidget()
        inner.setMaximumWidth(CONTENT_WIDTH)
        inner.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.body = QVBoxLayout(inner)
        self.body.setContentsMargins(SPACE_6, SPACE_6, SPACE_6, SPACE_6)
        self.body.setSpacing(SPACE_4)
        self.header = row(column(self.title, self.subtitle, spacing=4), spacing=SPACE_4)
        self.header.setStretch(0, 1)
        self.body.addLayout(self.header)
        holder = _Column()
        centred = QHBoxLayout(holder)
        centred.setContentsMargins(0, 0, 0, 0)
        centred.addWidget(inner, 1)
        self.scroller = Scroller(holder)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.scroller)

    def add(self, item: QWidget | QLayout) -> None:
        if isinstance(item, QLayout):
            self.body.addLayout(item)
        else:
            self.body.addWidget(item)

    def close_column(self) -> None:
        """Call once all cards are in: what is left of the height stays empty at the bottom."""
        self.body.addStretch(1)


class Flow(QLayout):
    """Items side by side that wrap to the next line where the width ends."""

    def __init__(self, parent: QWidget | None = None, spacing: int = SPACE_2) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(QMargins(0, 0, 0, 0))
        self.setSpacing(spacing)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._arrange(rect, move=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def _arrange(self, rect: QRect, *, move: bool) -> int:
        x, y, line_height = rect.x(), rect.y(), 0
        for item in self._items:
            hint = item.sizeHint()
            if line_height and x + hint.width() > rect.right() + 1:
                x, y, line_height = rect.x(), y + line_height + self.spacing(), 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), hint))
            x += hint.width() + self.spacing()
            line_height = max(line_height, hint.height())
        return y + line_height - rect.y()


class FlowArea(GrowingScroller):
    """A flow that is as high as its items want, and scrolls where there is less room."""

    def __init__(self) -> None:
        holder = QWidget()
        flow = Flow(holder)
        super().__init__(holder)
        self.flow = flow
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def heightForWidth(self, width: int) -> int:
        return self.flow.heightForWidth(width)

    def minimumSizeHint(self) -> QSize:
        return self.flow.minimumSize()


def clear_layout(layout: QLayout) -> None:
    """Remove and delete every widget of a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
