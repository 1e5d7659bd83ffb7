"""The first page: new, open, sample, recent projects."""

from pathlib import Path

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtSvgWidgets import QSvgWidget
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from engine.resources import resource
from serstudio.gui.recent import RecentProject, RecentProjects
from serstudio.gui.widgets.banner import Banner
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.empty_state import RoundIcon
from serstudio.gui.widgets.icon_view import IconView
from serstudio.gui.widgets.layout import Card, Page, clear_layout, column, row, rule
from serstudio.gui.widgets.text import ElidedText, Role, make_text


class ActionCard(QPushButton):
    """A big button: icon, what it does, and one line more."""

    def __init__(self, icon_name: str, title: str, words: str, *, primary: bool = False) -> None:
        super().__init__()
        self.setProperty("kind", "card-primary" if primary else "card")
        self.setAccessibleName(title)
        self.setAccessibleDescription(words)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAutoDefault(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(148)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(4)
        if primary:
            mark: QWidget = RoundIcon(icon_name, 40, ground="accent", token="on_accent")
        else:
            mark = RoundIcon(icon_name, 40)
        layout.addWidget(mark)
        layout.addStretch(1)
        layout.addWidget(make_text(title, Role.HEADING))
        layout.addWidget(make_text(words, Role.MUTED, wrap=True))
        for child in self.findChildren(QWidget):
            child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)


class _RecentRow(QFrame):
    opened = Signal(str)
    removed = Signal(str)

    def __init__(self, entry: RecentProject) -> None:
        super().__init__()
        self.entry = entry
        missing = entry.missing
        picture = IconView("alert" if missing else "folder")
        name = ElidedText(entry.name, Role.MUTED if missing else Role.STRONG)
        where = f"The folder is not there any more: {entry.folder}" if missing else entry.folder
        place = ElidedText(where, Role.CAPTION, Qt.TextElideMode.ElideMiddle)
        language = make_text(entry.language, Role.MUTED)
        when = make_text(entry.when(), Role.CAPTION)
        self.open = make_button("Open", name=f"Open {entry.name}")
        self.open.setEnabled(not missing)
        self.open.setToolTip(where if missing else f"Open {entry.name}")
        remove = make_button(
            "", Kind.GHOST, "close", tip="Take off this list (the folder stays)", name=f"Forget {entry.name}"
        )
        self.open.clicked.connect(self.on_open_clicked)
        remove.clicked.connect(self.on_remove_clicked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 6, 0, 6)
        layout.setSpacing(12)
        layout.addWidget(picture)
        layout.addLayout(column(name, place, spacing=0), 1)
        for widget in (language, when, self.open, remove):
            layout.addWidget(widget)
        self.open.setVisible(not missing)

    def on_open_clicked(self) -> None:
        self.opened.emit(self.entry.folder)

    def on_remove_clicked(self) -> None:
        self.removed.emit(self.entry.folder)


def _how_it_works() -> QWidget:
    """The job in three steps, for whoever sees it for the first time."""
    steps = (
        ("collect", "1  Collect and label", "Record or import a handful of clips of each feeling, and label them."),
        ("adapt", "2  Adapt and check", "One button tunes a model; Check says how far to trust it."),
        ("share", "3  Listen and share", "Watch it judge a voice live, and hand it to a colleague."),
    )
    columns = []
    for icon_name, title, words in steps:
        mark = RoundIcon(icon_name, 32, ground="surface_press", token="text_muted")
        text = column(make_text(title, Role.STRONG), make_text(words, Role.MUTED, wrap=True), 1, spacing=2)
        line = row(column(mark, 1), text, spacing=12)
        line.setStretch(1, 1)
        columns.append(line)
    holder = QWidget()
    layout = row(*columns, spacing=24)
    for index in range(len(columns)):
        layout.setStretch(index, 1)
    layout.setContentsMargins(16, 8, 16, 8)
    holder.setLayout(layout)
    return holder


class WelcomeScreen(Page):
    """Shown while no project is open."""

    new_requested = Signal()
    open_requested = Signal()
    sample_requested = Signal()
    folder_chosen = Signal(object)  # Path
    models_requested = Signal()
    settings_requested = Signal()

    def __init__(self, settings: QSettings) -> None:
        super().__init__("SER Studio", "Teach a computer to hear emotion in your language, from a handful of clips.")
        self._recent = RecentProjects(settings)
        self.busy = False
        self.banner = Banner()
        self.new = ActionCard("plus", "New project", "Name it, choose labels, add clips.", primary=True)
        self.open = ActionCard("folder-open", "Open a project", "Choose its folder on this computer.")
        self.sample = ActionCard("live", "Try the sample", "Synthetic voices; needs no microphone.")
        self.new.setToolTip("New project (Ctrl+N)")
        self.open.setToolTip("Open a project (Ctrl+O)")
        self.models = make_button("Models", Kind.GHOST, "box", tip="What adapting can start from, and more of them")
        self.settings = make_button("", Kind.GHOST, "settings", tip="Settings", name="Settings")
        self._list = QVBoxLayout()
        self._recent_card = Card("Recent projects")
        self._build()
        self.refresh()

    def _build(self) -> None:
        self.body.setContentsMargins(24, 48, 24, 16)
        self.body.setSpacing(24)
        self.title.setProperty("role", "hero")
        self.subtitle.setProperty("role", "lead")
        logo = QSvgWidget(str(resource("icons/serstudio.svg")))
        logo.setFixedSize(56, 56)
        self.header.insertWidget(0, logo)
        self.header.setStretch(0, 0)
        self.header.setStretch(1, 1)
        self.header.addWidget(self.models, 0, Qt.AlignmentFlag.AlignTop)
        self.header.addWidget(self.settings, 0, Qt.AlignmentFlag.AlignTop)
        self.add(self.banner)
        self.add(row(self.new, self.open, self.sample, spacing=16))
        self._list.setSpacing(0)
        self._recent_card.add(self._list)
        self.add(self._recent_card)
        self.add(_how_it_works())
        self.close_column()
        self.new.clicked.connect(self.new_requested)
        self.open.clicked.connect(self.open_requested)
        self.sample.clicked.connect(self.sample_requested)
        self.models.clicked.connect(self.models_requested)
        self.settings.clicked.connect(self.settings_requested)

    def set_busy(self, words: str) -> None:
        """While the sample is made: the cards wait and say so."""
        self.busy = bool(words)
        for card in (self.new, self.open, self.sample):
            card.setEnabled(not words)
            card.setToolTip(words)
        if words:
            self.banner.show_message(words)
        else:
            self.banner.hide()

    def refresh(self) -> None:
        """Read the list of recent projects anew."""
        clear_layout(self._list)
        entries = self._recent.all()
        if not entries:
            words = "Projects that you open appear here. New to this? Try the sample project first."
            self._list.addWidget(make_text(words, Role.MUTED, wrap=True))
        for index, entry in enumerate(entries):
            if index:
                self._list.addWidget(rule())
            line = _RecentRow(entry)
            line.opened.connect(self.on_opened)
            line.removed.connect(self.on_removed)
            self._list.addWidget(line)

    def recent_rows(self) -> list[_RecentRow]:
        items = (self._list.itemAt(index) for index in range(self._list.count()))
        widgets = (item.widget() for item in items if item is not None)
        return [widget for widget in widgets if isinstance(widget, _RecentRow)]

    def on_opened(self, folder: str) -> None:
        self.folder_chosen.emit(Path(folder))

    def on_removed(self, folder: str) -> None:
        self._recent.remove(folder)
        self.refresh()
