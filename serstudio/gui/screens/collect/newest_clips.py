"""The clips that came last, with play-free facts and a way to take one out again."""

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from serstudio.gui.session import Session
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.icon_view import IconView
from serstudio.gui.widgets.layout import Card, clear_layout, row, rule
from serstudio.gui.widgets.text import ElidedText, Role, make_text
from serstudio.project import Clip, ClipSource
from serstudio.wording import counted

SHOWN = 6


class _ClipRow(QFrame):
    opened = Signal(int)
    removed = Signal(int)

    def __init__(self, clip: Clip) -> None:
        super().__init__()
        self._clip_id = clip.id
        picture = IconView("mic" if clip.source is ClipSource.RECORDED else "file", size=16)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 2)
        layout.setSpacing(10)
        opening = make_button("Open", Kind.LINK, tip="Hear it and label it", name=f"Open {clip.name}")
        cross = make_button(
            "", Kind.GHOST, "trash", tip="Take this clip out (undo brings it back)", name=f"Remove {clip.name}"
        )
        layout.addWidget(picture)
        layout.addWidget(ElidedText(clip.name), 1)
        layout.addWidget(make_text(f"{clip.duration_s:.1f} s", Role.MUTED))
        layout.addWidget(opening)
        layout.addWidget(cross)
        opening.clicked.connect(self.on_opening_clicked)
        cross.clicked.connect(self.on_cross_clicked)

    def on_opening_clicked(self) -> None:
        self.opened.emit(self._clip_id)

    def on_cross_clicked(self) -> None:
        self.removed.emit(self._clip_id)


class NewestClips(Card):
    """Hidden while there is no clip; `refresh` fills it once it is in its place."""

    label_requested = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(margin=16)
        self._session = session
        self.title = make_text("", Role.HEADING)
        self.go_on = make_button("Go on to Label", Kind.NORMAL, "arrow-right")
        self._lines = QVBoxLayout()
        self._lines.setSpacing(2)
        self.add(row(self.title, 1, self.go_on))
        self.add(self._lines)
        self.go_on.clicked.connect(self.label_requested)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self.refresh)
        for changed in (session.clips.modelReset, session.clips.rowsInserted, session.clips.rowsRemoved):
            changed.connect(self._later.start)

    def refresh(self) -> None:
        newest = self._session.clips.newest(SHOWN)
        total = self._session.clips.total()
        self.setVisible(bool(newest))
        more = f", the newest {len(newest)} here" if total > len(newest) else ""
        self.title.setText(f"{counted(total, 'clip')} in this project{more}")
        clear_layout(self._lines)
        for index, clip in enumerate(newest):
            if index:
                self._lines.addWidget(rule())
            line = _ClipRow(clip)
            line.opened.connect(self._session.clip_requested)
            line.removed.connect(self.on_removed)
            self._lines.addWidget(line)

    def names(self) -> list[str]:
        return [clip.name for clip in self._session.clips.newest(SHOWN)]

    def on_removed(self, clip_id: int) -> None:
        name = self._session.project.clip(clip_id).name
        self._session.project.remove_clips([clip_id])
        self._session.toast(f"{name} taken out", "Undo", self._session.undo)
