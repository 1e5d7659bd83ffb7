"""The adapted models of the project, newest first."""

from pathlib import PurePath

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from serstudio.base_titles import base_title
from serstudio.gui.session import Session
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.layout import Card, clear_layout, column, rule
from serstudio.gui.widgets.share_bars import ShareBars
from serstudio.gui.widgets.text import ElidedText, Role, make_text
from serstudio.method_words import HEAD_TITLES, LAST_LAYER, is_tuning, method_title
from serstudio.project import ModelVersion, VersionFiles, read_version_files
from serstudio.wording import bytes_in_words, counted, in_words


class _VersionRow(QFrame):
    deleted = Signal(int)

    def __init__(self, version: ModelVersion, files: VersionFiles) -> None:
        super().__init__()
        self._number = version.number
        made = version.created_at.astimezone()
        self.delete = make_button(
            "", Kind.GHOST, "trash", tip="Delete this version", name=f"Delete version {version.number}"
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.setSpacing(12)
        words = column(
            ElidedText(f"Version {version.number}  ·  {method_title(version.method)}", Role.STRONG),
            ElidedText(_facts(version, files), Role.CAPTION, tip=_whole_base(version)),
            spacing=0,
        )
        if files.explanation is not None:
            words.addWidget(ShareBars(files.explanation))
        layout.addLayout(words, 1)
        size = make_text(bytes_in_words(files.size_bytes) if files.size_bytes else "", Role.MUTED)
        size.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        size.setMinimumWidth(60)
        size.setToolTip("On the disk, besides the base, which the project keeps once for all versions from it")
        layout.addWidget(size)
        layout.addWidget(make_text(f"{made:%d %b %Y, %H:%M}".lstrip("0"), Role.MUTED))
        layout.addWidget(self.delete)
        self._sure = QTimer(self)
        self._sure.setSingleShot(True)
        self._sure.setInterval(4000)
        self._sure.timeout.connect(self.on_not_sure)
        self.delete.clicked.connect(self.on_delete_clicked)

    def on_delete_clicked(self) -> None:
        """Twice: a version is the one thing that undo cannot bring back."""
        if self._sure.isActive():
            self.deleted.emit(self._number)
            return
        self.delete.setFixedWidth(140)
        self.delete.setText("Delete for good?")
        self.delete.setProperty("kind", Kind.DANGER.value)
        self.delete.style().polish(self.delete)
        self._sure.start()

    def on_not_sure(self) -> None:
        self.delete.setText("")
        self.delete.setFixedWidth(36)
        self.delete.setProperty("kind", Kind.GHOST.value)
        self.delete.style().polish(self.delete)


def _facts(version: ModelVersion, files: VersionFiles) -> str:
    """One line below the method: from what, and of what; what tells versions apart comes first."""
    loss = f", last loss {version.final_loss:.3f}" if version.final_loss is not None else ""
    steps = f"{counted(version.steps, 'step')}, " if version.steps else ""
    has_head = files.head not in ("", LAST_LAYER) and is_tuning(version.method)
    head = f"head {HEAD_TITLES.get(files.head, files.head)}, " if has_head else ""
    base = "base its own" if version.base == version.method else f"base {base_title(version.base)}"
    how = f"{steps}{head}{base}"
    return (
        f"{how[:1].upper()}{how[1:]}  ·  "
        f"{counted(version.clip_count, 'clip')}, {', '.join(version.labels)}  ·  "
        f"seed {version.seed}{loss}, took {in_words(version.seconds)}"
    )


def _whole_base(version: ModelVersion) -> str:
    """For the tooltip: where the base lay, if its title leaves that out."""
    is_path = len(PurePath(version.base).parts) > 1
    return f"Base: {version.base}" if is_path else ""


class VersionsCard(Card):
    """Hidden while there is none; `refresh` fills it once it is in its place."""

    def __init__(self, session: Session) -> None:
        super().__init__("Versions", "Each time you adapt, a new version is made; old ones stay until you delete them.")
        self._session = session
        self._lines = QVBoxLayout()
        self._lines.setSpacing(0)
        self.add(self._lines)
        self.rows: list[_VersionRow] = []
        session.model.versions_changed.connect(self.refresh)

    def refresh(self) -> None:
        clear_layout(self._lines)
        self.rows = []
        for version in reversed(self._session.project.versions()):
            if self.rows:
                self._lines.addWidget(rule())
            files = read_version_files(self._session.project.folder / version.folder)
            line = _VersionRow(version, files)
            line.deleted.connect(self.on_deleted)
            self.rows.append(line)
            self._lines.addWidget(line)
        self.setVisible(bool(self.rows))

    def on_deleted(self, number: int) -> None:
        self._session.project.remove_version(number)
        self._session.toast(f"Version {number} deleted")
