"""The list of clips with its filter and search; 10,000 rows are drawn as they come into sight."""

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
)

from serstudio.gui.bridge.project_model import ClipFilter, ClipListModel, ClipRole
from serstudio.gui.icons import icon
from serstudio.gui.session import Session
from serstudio.gui.theme import Theme
from serstudio.gui.widgets.chooser import Chooser
from serstudio.gui.widgets.label_look import paint_symbol, readable
from serstudio.gui.widgets.text import Role, make_text
from serstudio.project import Clip, Label
from serstudio.wording import counted

ROW_HEIGHT = 48


class ClipDelegate(QStyledItemDelegate):
    """Symbol of the label (a hollow ring without one), name, and a line of facts."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(160, ROW_HEIGHT)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        clip: Clip | None = index.data(ClipRole.CLIP)
        if clip is None:
            return
        label: Label | None = index.data(ClipRole.LABEL)
        rect = QRectF(option.rect)
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, rect, state)
        self._paint_mark(painter, rect, label)
        self._paint_words(painter, rect, clip, label)
        painter.restore()

    def _paint_ground(self, painter: QPainter, rect: QRectF, state: QStyle.StateFlag) -> None:
        tokens = Theme.current().tokens
        ground = rect.adjusted(6, 1, -6, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.setBrush(QColor(tokens.accent_soft))
            painter.drawRoundedRect(ground, 8, 8)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(tokens.surface_alt))
            painter.drawRoundedRect(ground, 8, 8)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(tokens.accent), 1.5))
            painter.drawRoundedRect(ground.adjusted(1, 1, -1, -1), 8, 8)

    def _paint_mark(self, painter: QPainter, rect: QRectF, label: Label | None) -> None:
        theme = Theme.current()
        spot = QRectF(rect.left() + 18, rect.center().y() - 7, 14, 14)
        if label is not None:
            paint_symbol(painter, spot, label.symbol, readable(label.colour, theme.scheme))
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(theme.tokens.border_strong), 1.5, Qt.PenStyle.DotLine))
        painter.drawEllipse(spot.adjusted(1, 1, -1, -1))

    def _paint_words(self, painter: QPainter, rect: QRectF, clip: Clip, label: Label | None) -> None:
        tokens = Theme.current().tokens
        left, right = rect.left() + 44, rect.right() - 16
        vertical = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(tokens.text))
        name = painter.fontMetrics().elidedText(clip.name, Qt.TextElideMode.ElideMiddle, int(right - left))
        painter.drawText(QRectF(left, rect.top() + 6, right - left, 18), vertical, name)
        font = painter.font()
        font.setPixelSize(12)
        painter.setFont(font)
        painter.setPen(QColor(tokens.text_faint))
        facts = [label.name if label else "no label", f"{clip.duration_s:.1f} s"]
        if clip.speaker:
            facts.append(clip.speaker)
        words = painter.fontMetrics().elidedText("  ·  ".join(facts), Qt.TextElideMode.ElideRight, int(right - left))
        painter.drawText(QRectF(left, rect.top() + 24, right - left, 18), vertical, words)


class ClipListPanel(QFrame):
    """Tells which clip is current; several may be selected and labelled at once."""

    current_changed = Signal(object)  # clip id or None

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.model: ClipListModel = session.clips
        self.setProperty("role", "panel")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search name or speaker")
        self.search.setAccessibleName("Search clips")
        self.search.setToolTip("Search clips (Ctrl+F)")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icon("search", "text_faint"), QLineEdit.ActionPosition.LeadingPosition)
        self.filter = Chooser()
        self.filter.setAccessibleName("Which clips are shown")
        self.count = make_text("", Role.CAPTION)
        self.view = QListView()
        self.view.setModel(self.model)
        self.view.setItemDelegate(ClipDelegate(self.view))
        self.view.setUniformItemSizes(True)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setMouseTracking(True)
        self.view.setAccessibleName("Clips")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 16, 0, 0)
        layout.setSpacing(8)
        top = QVBoxLayout()
        top.setContentsMargins(12, 0, 12, 0)
        top.setSpacing(8)
        for widget in (self.search, self.filter, self.count):
            top.addWidget(widget)
        layout.addLayout(top)
        layout.addWidget(self.view, 1)
        self.search.textChanged.connect(self.on_search_changed)
        self.filter.activated.connect(self.on_filter_activated)
        self.view.selectionModel().currentChanged.connect(self.on_current_changed)
        session.facts_changed.connect(self.on_facts_changed)
        self.model.modelReset.connect(self.on_model_reset)
        self._current: int | None = None
        self.on_facts_changed()
        self.select_row(0)

    # --- choosing ----------------------------------------------------------------------------------

    @property
    def current_id(self) -> int | None:
        clip = self.model.clip_at(self.view.currentIndex().row())
        return clip.id if clip else None

    def selected_ids(self) -> list[int]:
        """The selected clips in the order of the list; the current one when nothing is selected."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedIndexes())
        clips = [self.model.clip_at(row) for row in rows]
        ids = [clip.id for clip in clips if clip is not None]
        return ids or ([self.current_id] if self.current_id is not None else [])

    def select_row(self, row: int) -> None:
        if not 0 <= row < self.model.rowCount():
            return
        index = self.model.index(row)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.view.selectionModel().setCurrentIndex(index, flags)
        self.view.scrollTo(index)

    def select_clip(self, clip_id: int) -> bool:
        """Make a clip the current one, taking off a filter that hides it."""
        row = self.model.row_of(clip_id)
        if row is None:
            self.search.clear()
            self.filter.setCurrentIndex(0)
            self.model.set_filter(ClipFilter.ALL)
            row = self.model.row_of(clip_id)
        if row is None:
            return False
        self.select_row(row)
        return True

    def on_current_changed(self) -> None:
        if self.current_id != self._current:
            self._current = self.current_id
            self.current_changed.emit(self._current)

    def on_model_reset(self) -> None:
        """Keep the clip that was current if it is still shown."""
        row = self.model.row_of(self._current) if self._current is not None else None
        self.select_row(row if row is not None else 0)
        self.on_current_changed()
        self._show_count()

    # --- filter ------------------------------------------------------------------------------------

    def on_facts_changed(self) -> None:
        facts = self._session.facts
        wanted = self.filter.currentData()
        unlabelled = facts.clip_count - facts.labelled
        with QSignalBlocker(self.filter):
            self.filter.clear()
            self.filter.addItem(f"All clips ({facts.clip_count:,})", ClipFilter.ALL)
            self.filter.addItem(f"Unlabelled ({unlabelled:,})", ClipFilter.UNLABELLED)
            for label in facts.labels:
                self.filter.addItem(f"{label.symbol}  {label.name} ({facts.count(label):,})", label.id)
            for index in range(self.filter.count()):
                if self.filter.itemData(index) == wanted:
                    self.filter.setCurrentIndex(index)
        self._show_count()

    def _show_count(self) -> None:
        shown, total = self.model.rowCount(), self.model.total()
        self.count.setVisible(shown != total)
        self.count.setText(counted(shown, "clip") if shown == total else f"{shown:,} of {counted(total, 'clip')}")

    def on_filter_activated(self) -> None:
        self.model.set_filter(self.filter.currentData())

    def on_search_changed(self, text: str) -> None:
        self.model.set_search(text)
