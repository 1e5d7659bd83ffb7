"""What was exported, that it was verified, and what the colleague does with it."""

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout

from serstudio.gui.widgets.buttons import Kind, make_button, set_icon
from serstudio.gui.widgets.empty_state import RoundIcon
from serstudio.gui.widgets.layout import Card, column, row, rule
from serstudio.gui.widgets.text import ElidedText, Role, make_text
from serstudio.licence_words import Terms, terms_of
from serstudio.usecases.requests import ModelExported
from serstudio.usecases.small_export import needed_words
from serstudio.wording import bytes_in_words, counted

_WHOLE = "it holds everything and no recording."
_KEEP = "Keep this folder on your computer: part of the model may not be given to anybody."
_HOW = "With SER Studio installed, this line classifies recordings with it:"


class ExportedCard(Card):
    """Hidden until something was exported."""

    def __init__(self) -> None:
        super().__init__(margin=16)
        self._exported: ModelExported | None = None
        self.title = make_text("", Role.HEADING)
        self.verified = make_text("", Role.MUTED, wrap=True)
        self.folder = ElidedText("", Role.CODE)
        self.open = make_button("Open the folder", Kind.NORMAL, "folder-open")
        self.command = ElidedText("", Role.CODE)
        self.copy = make_button("Copy", Kind.NORMAL, "copy", name="Copy the command")
        head = row(
            RoundIcon("tick", 40, ground="success_soft", token="success"),
            column(self.title, self.verified, spacing=2),
            spacing=12,
        )
        head.setStretch(1, 1)
        self.add(head)
        self.terms = make_text("", Role.WARNING, wrap=True)
        self.add(row(self.folder, self.open))
        self.add(rule())
        self.what_to_do = make_text("", Role.STRONG)
        self.add(self.what_to_do)
        self.steps = make_text("", Role.MUTED, wrap=True)
        self.add(self.steps)
        box = QFrame()
        box.setProperty("role", "inset")
        line = QHBoxLayout(box)
        line.setContentsMargins(12, 6, 6, 6)
        line.addWidget(self.command, 1)
        line.addWidget(self.copy)
        self.add(box)
        self.add(self.terms)
        self.open.clicked.connect(self.on_open_clicked)
        self.copy.clicked.connect(self.on_copy_clicked)
        self.hide()

    def show_exported(self, exported: ModelExported) -> None:
        self._exported = exported
        self.title.setText(f"Version {exported.version} is exported and verified")
        same = "exactly the same answers" if exported.largest_difference == 0 else "the same answers"
        self.verified.setText(
            f"The copy was loaded again and gave {same} on {counted(exported.verified_clips, 'sound')}. "
            f"It takes {bytes_in_words(exported.size_bytes)}."
        )
        self._show_sending(exported, terms_of(exported.licence))
        self.folder.set_full_text(str(exported.folder))
        self.command.set_full_text(f'serstudio classify "{exported.folder.name}" recording.wav')
        self.copy.setText("Copy")
        set_icon(self.copy, "copy")
        self.show()

    def _show_sending(self, exported: ModelExported, terms: Terms) -> None:
        """What to do with the folder: it is sent, unless the licence of the weights forbids that."""
        needs = needed_words(exported.needs) if exported.needs else ""
        if terms.kept:
            self.what_to_do.setText("What you can do with it")
            self.steps.setText(" ".join(part for part in (_KEEP, needs, _HOW) if part))
            self.terms.setText(f"{terms.headline}. The model card says more.")
        else:
            self.what_to_do.setText("What your colleague does")
            holds = f"it holds no recording. {needs}" if needs else _WHOLE
            self.steps.setText(f"Copy or zip the folder and send it; {holds} {_HOW}")
            self.terms.setText(f"Tell them: {terms.headline[0].lower()}{terms.headline[1:]}. The model card says more.")
        self.terms.setVisible(terms.restricted)

    def on_open_clicked(self) -> None:
        if self._exported is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._exported.folder)))

    def on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.command.full_text())
        self.copy.setText("Copied")
        set_icon(self.copy, "tick")
