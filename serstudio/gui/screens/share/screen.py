"""The Share screen."""

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QProgressBar, QWidget

from engine.errors import SerStudioError
from serstudio.gui.bridge.jobs import Job
from serstudio.gui.dialogs.new_project import folder_name, free_folder, projects_home
from serstudio.gui.screens.share.contents import ContentsChooser
from serstudio.gui.screens.share.exported_card import ExportedCard
from serstudio.gui.screens.version_chooser import VersionChooser
from serstudio.gui.session import Session
from serstudio.gui.steps import Step, version_reason
from serstudio.gui.widgets.banner import Banner, Tone
from serstudio.gui.widgets.buttons import Kind, ReasonedButton, make_button
from serstudio.gui.widgets.disclosure import Disclosure
from serstudio.gui.widgets.empty_state import EmptyState
from serstudio.gui.widgets.job_progress import show_progress
from serstudio.gui.widgets.layout import Card, Page, column, row
from serstudio.gui.widgets.markdown_view import MarkdownView
from serstudio.gui.widgets.text import ElidedText, Role, make_text
from serstudio.licence_words import base_licence, terms_of
from serstudio.model_config import read_card
from serstudio.project.database import in_words
from serstudio.usecases.events import Progress
from serstudio.usecases.requests import ExportModel, ModelExported

_SUBTITLE = "Hand the adapted model to a colleague, as one folder."
_KEPT_SUBTITLE = "Write the adapted model as one folder, to use it on this computer without the project."


class ShareScreen(Page):
    """Version, destination, Export; then what came of it."""

    def __init__(self, session: Session) -> None:
        super().__init__("Share", _SUBTITLE)
        self._session = session
        self._job: Job | None = None
        self._parent_folder = projects_home()
        self.version = VersionChooser(session)
        self.contents = ContentsChooser()
        self.destination = ElidedText("", Role.BODY)
        self.change = make_button("Change…", Kind.NORMAL, "folder", tip="Choose where the folder is made")
        self.export = ReasonedButton(
            make_button("Export", Kind.PRIMARY, "share", tip="Write and verify the folder", shortcut="Ctrl+Return")
        )
        self.export.button.setShortcut("Ctrl+Return")
        self.terms = Banner(closable=False)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the export")
        self.now = make_text("", Role.MUTED)
        self.cancel = make_button("Cancel", tip="Stop; nothing half-written stays")
        self.exported = ExportedCard()
        self.card_text = MarkdownView("Model card")
        self._form = self._make_form()
        go = make_button("Go to Adapt", Kind.PRIMARY, "adapt")
        go.clicked.connect(self.on_go_to_adapt)
        words = "There is nothing to share yet. Adapt makes a model from your labelled clips."
        self.empty = EmptyState("share", "No adapted model yet", words, go)
        self.add(self.empty)
        self.add(self.exported)
        self.add(self._form)
        self.add(self._make_preview())
        self.close_column()
        self.version.currentIndexChanged.connect(self.on_version_changed)
        self.change.clicked.connect(self.on_change_clicked)
        self.export.button.clicked.connect(self.start_export)
        self.cancel.clicked.connect(self.on_cancel_clicked)
        session.facts_changed.connect(self.on_facts_changed)
        session.activity_changed.connect(self.on_facts_changed)
        self.on_version_changed()
        self.on_facts_changed()

    def _make_form(self) -> Card:
        card = Card(margin=16)
        card.add(column(make_text("Model", Role.STRONG), self.version, spacing=4))
        card.add(self.contents)
        place = row(self.destination, self.change)
        card.add(column(make_text("New folder", Role.STRONG), place, spacing=4))
        words = (
            "The folder holds the model, its settings and a model card: language, labels, clips and speakers per "
            "label, how it was adapted, and the licence of the base. No recording leaves your project."
        )
        card.add(make_text(words, Role.MUTED, wrap=True))
        card.add(self.terms)
        card.add(self.export)
        self._running = QWidget()
        self._running.setLayout(column(self.bar, row(self.now, 1, self.cancel)))
        self._running.hide()
        card.add(self._running)
        return card

    def _make_preview(self) -> Disclosure:
        self.card_text.setMinimumHeight(420)
        self.preview = Disclosure("Preview the model card", self.card_text)
        return self.preview

    # --- what is shown -----------------------------------------------------------------------------

    @property
    def target(self) -> Path:
        """The folder that will be made."""
        name = folder_name(f"{self._session.project.name} model v{self.version.number() or 1}")
        return free_folder(self._parent_folder / name)

    def on_facts_changed(self) -> None:
        facts = self._session.facts
        self.export.set_reason(version_reason(facts) or self._session.engine_reason())
        has_version = bool(facts.versions)
        self.empty.setVisible(not has_version)
        self._form.setVisible(has_version)
        self.preview.setVisible(has_version)

    def on_version_changed(self) -> None:
        self._session.set_chosen(Step.SHARE, self.version.number())
        self.destination.set_full_text(str(self.target))
        folder = self.version.folder()
        self.contents.show_version(folder)
        self.card_text.show_markdown(_card_text(folder) if folder is not None else "")
        self._show_terms(base_licence(folder) if folder is not None else "")

    def _show_terms(self, licence: str) -> None:
        """What the licence of the weights asks, before the model is sent; nothing where it asks little."""
        terms = terms_of(licence)
        self.subtitle.setText(_KEPT_SUBTITLE if terms.kept else _SUBTITLE)
        if licence and terms.restricted:
            self.terms.show_message(terms.headline, "\n".join(terms.points), Tone.WARNING)
        else:
            self.terms.hide()

    def on_change_clicked(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Make the model's folder in", str(self._parent_folder))
        if chosen:
            self.use_parent_folder(Path(chosen))

    def use_parent_folder(self, folder: Path) -> None:
        self._parent_folder = folder
        self.destination.set_full_text(str(self.target))

    # --- exporting ---------------------------------------------------------------------------------

    def start_export(self) -> None:
        number = self.version.number()
        if self.export.reason() is not None or number is None:
            return
        self.exported.hide()
        target = self.target
        try:
            with in_words(target):
                target.parent.mkdir(parents=True, exist_ok=True)
        except SerStudioError as error:
            self._session.error_raised.emit(error)
            return
        request = ExportModel(self._session.project.folder, target, number, whole=self.contents.is_whole())
        job = self._job = self._session.start(Step.SHARE, request)
        self.bar.setRange(0, 0)
        self.now.setText("Starting the engine; the first time takes some seconds")
        self._running.show()
        job.progressed.connect(self.on_progressed)
        job.done.connect(self.on_done)
        job.ended.connect(self.on_ended)

    def on_progressed(self, progress: Progress) -> None:
        show_progress(progress, self.bar, self.now)

    def on_done(self, exported: ModelExported) -> None:
        self.exported.show_exported(exported)
        self._session.set_exported(exported)

    def on_ended(self) -> None:
        self._job = None
        self._running.hide()
        self.destination.set_full_text(str(self.target))

    def on_cancel_clicked(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def on_go_to_adapt(self) -> None:
        self._session.step_requested.emit(Step.ADAPT)


def _card_text(folder: Path) -> str:
    try:
        return _without_front_matter(read_card(folder))
    except OSError as error:
        return f"The model card cannot be read ({error.strerror}). Change the permissions of `{folder / 'README.md'}`."


def _without_front_matter(text: str) -> str:
    """A model card may begin with YAML between lines of dashes; that is for machines."""
    if text.startswith("---\n") and "\n---\n" in text[4:]:
        return text[4:].split("\n---\n", 1)[1]
    return text
