"""The Label screen."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from serstudio.gui.screens.label.clip_list import ClipListPanel
from serstudio.gui.screens.label.clip_view import ClipView
from serstudio.gui.screens.label.label_bar import LabelBar
from serstudio.gui.screens.label.label_editor import LabelEditor
from serstudio.gui.session import Session
from serstudio.gui.steps import Step
from serstudio.gui.widgets.buttons import Kind, make_button, with_shortcut
from serstudio.gui.widgets.empty_state import EmptyState
from serstudio.gui.widgets.focus import press_focused
from serstudio.gui.widgets.layout import row
from serstudio.gui.widgets.text import ElidedText, Role, make_text


class LabelScreen(QWidget):
    """List on the left, clip and labels on the right. A key labels and goes on to the next clip."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setProperty("role", "page")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.list = ClipListPanel(session)
        self.clip_view = ClipView(session)
        self.bar = LabelBar(session)
        self.title = ElidedText("", Role.HEADING, Qt.TextElideMode.ElideMiddle)
        self.position = make_text("", Role.CAPTION)
        self.undo = make_button("", Kind.GHOST, "undo", name="Undo", shortcut="Ctrl+Z")
        self.redo = make_button("", Kind.GHOST, "redo", name="Redo", shortcut="Ctrl+Shift+Z")
        self._shortcuts: list[QShortcut] = []
        self._build()
        self._make_shortcuts()
        self.list.current_changed.connect(self.on_current_changed)
        self.bar.label_pressed.connect(self.give_label)
        self.bar.unlabel_pressed.connect(self.take_label_off)
        self.bar.edit_pressed.connect(self.edit_labels)
        self.bar.speaker_entered.connect(self.on_speaker_entered)
        self.undo.clicked.connect(session.undo)
        self.redo.clicked.connect(session.redo)
        session.facts_changed.connect(self.on_facts_changed)
        session.model.labels_changed.connect(self.make_label_shortcuts)
        for rows_changed in (session.clips.rowsInserted, session.clips.rowsRemoved, session.clips.modelReset):
            rows_changed.connect(self.show_position)
        session.import_reported.connect(self.on_import_reported)
        self.on_facts_changed()
        self.on_current_changed(self.list.current_id)

    def _build(self) -> None:
        self.list.setFixedWidth(272)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(12)
        column.addLayout(row(self.title, self.position, self.undo, self.redo))
        column.addWidget(self.clip_view, 1)
        column.addWidget(self.bar)
        work = QWidget()
        layout = QHBoxLayout(work)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.list)
        layout.addWidget(right, 1)
        go = make_button("Go to Collect", Kind.PRIMARY, "collect")
        go.clicked.connect(self.on_go_to_collect)
        words = "Import recordings or record your own; then each gets its label here with a single key."
        self._pages = QStackedLayout(self)
        self._pages.addWidget(work)
        self._pages.addWidget(EmptyState("label", "No clips to label yet", words, go))

    # --- shortcuts ---------------------------------------------------------------------------------

    def _make_shortcuts(self) -> None:
        self._key("Space").activated.connect(self.on_space)
        self._key("Backspace").activated.connect(self.take_label_off)
        self._key("Ctrl+F").activated.connect(self.list.search.setFocus)
        self._loop_key = self._key("L")
        self._loop_key.activated.connect(self.clip_view.loop.toggle)
        self.make_label_shortcuts()

    def _key(self, keys: str) -> QShortcut:
        return QShortcut(QKeySequence(keys), self, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def make_label_shortcuts(self) -> None:
        """One a label; a label that has the key L takes it from Loop."""
        for old in self._shortcuts:
            old.setEnabled(False)
            old.deleteLater()
        self._shortcuts = []
        keys = set()
        for label in self._session.project.labels():
            if label.key:
                keys.add(label.key.lower())
                shortcut = self._key(label.key.upper())
                shortcut.setProperty("label_id", label.id)
                shortcut.activated.connect(self.on_label_key)
                self._shortcuts.append(shortcut)
        self._loop_key.setEnabled("l" not in keys)
        self.clip_view.set_loop_shortcut(free="l" not in keys)

    def on_label_key(self) -> None:
        self.give_label(int(self.sender().property("label_id")))

    def on_space(self) -> None:
        """Space plays, unless a button or a list has the focus: there it does what it always does."""
        if not press_focused():
            self.clip_view.toggle_play()

    # --- labelling ---------------------------------------------------------------------------------

    def give_label(self, label_id: int) -> None:
        """Label what is selected, then go on to the next clip without a label."""
        self.bar.commit_speaker()
        ids = self.list.selected_ids()
        if not ids:
            return
        following = self._next_id(ids)
        self._session.project.set_label(ids, label_id)
        if following is not None:
            self.list.select_clip(following)
        else:
            self.on_current_changed(self.list.current_id)
            self._session.toast("Every clip in this list has a label.")

    def _next_id(self, ids: list[int]) -> int | None:
        model = self._session.clips
        row = model.row_of(ids[-1])
        for _ in range(len(ids) + 1):
            row = model.next_unlabelled(row) if row is not None else None
            clip = model.clip_at(row) if row is not None else None
            if clip is not None and clip.id not in ids:
                return clip.id
        return None

    def take_label_off(self) -> None:
        ids = self.list.selected_ids()
        if ids:
            self._session.project.set_label(ids, None)

    def on_speaker_entered(self, name: str) -> None:
        ids = self.list.selected_ids()
        if ids:
            self._session.project.set_speaker(ids, name.strip() or None)
        self.list.view.setFocus()
        self.bar.show_clip(self._session.clips.clip(self.list.current_id))  # known under another spelling, perhaps

    def edit_labels(self) -> None:
        LabelEditor(self._session, self).open()

    # --- what is shown -----------------------------------------------------------------------------

    def show_clip(self, clip_id: int) -> None:
        self.list.select_clip(clip_id)
        self.list.view.setFocus()

    def on_current_changed(self, clip_id: int | None) -> None:
        clip = self._session.clips.clip(clip_id)
        self.title.set_full_text(clip.name if clip else "No clip is chosen")
        self.show_position()
        self.clip_view.show_clip(clip, play=self.isVisible())
        self.bar.show_clip(clip)

    def show_position(self) -> None:
        row = self.list.view.currentIndex().row()
        self.position.setText(f"{row + 1:,} of {self._session.clips.rowCount():,}" if row >= 0 else "")

    def on_import_reported(self) -> None:
        """A recording that was lost may be back."""
        if self.clip_view.picture is None:
            self.on_current_changed(self.list.current_id)

    def on_facts_changed(self) -> None:
        self._pages.setCurrentIndex(0 if self._session.facts.clip_count else 1)
        self._show_history()
        self.bar.show_clip(self._session.clips.clip(self.list.current_id))
        self.bar.set_speakers(self._session.clips.speakers())

    def _show_history(self) -> None:
        project = self._session.project
        for button, word, keys, text in (
            (self.undo, "Undo", "Ctrl+Z", project.undo_text),
            (self.redo, "Redo", "Ctrl+Shift+Z", project.redo_text),
        ):
            button.setEnabled(text is not None)
            words = f"{word}: {text}" if text else f"There is nothing to {word.lower()}"
            button.setToolTip(with_shortcut(words, keys))
            button.setAccessibleDescription(words)

    def on_go_to_collect(self) -> None:
        self._session.step_requested.emit(Step.COLLECT)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.clip_view.player.stop()

    def close_devices(self) -> None:
        self.clip_view.close_devices()
