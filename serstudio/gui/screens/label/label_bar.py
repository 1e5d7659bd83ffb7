"""One button a label under the clip, the speaker, and what is not labelled yet."""

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtWidgets import QCompleter, QLineEdit

from serstudio.gui.session import Session
from serstudio.gui.widgets.buttons import Kind, make_button
from serstudio.gui.widgets.label_button import LabelButton
from serstudio.gui.widgets.layout import Card, FlowArea, clear_layout, row
from serstudio.gui.widgets.text import Role, make_text
from serstudio.project import Clip


class LabelBar(Card):
    """Shows the project's labels; says which was pressed."""

    label_pressed = Signal(int)  # label id
    unlabel_pressed = Signal()
    edit_pressed = Signal()
    speaker_entered = Signal(str)

    def __init__(self, session: Session) -> None:
        super().__init__(margin=12)
        self._session = session
        self.buttons: dict[int, LabelButton] = {}
        self._clip_id: int | None = None
        self.area = FlowArea()
        self.empty = make_text("This project has no labels yet. Add at least two to begin.", Role.MUTED, wrap=True)
        self.edit = make_button("Edit labels…", Kind.NORMAL, "pencil", tip="Add, rename and colour the labels")
        self.unlabel = make_button(
            "No label", Kind.GHOST, "close", tip="Take the label off this clip", shortcut="Backspace"
        )
        self.speaker = QLineEdit()
        self.speaker.setPlaceholderText("Who speaks? (optional)")
        self.speaker.setAccessibleName("Speaker")
        self.speaker.setToolTip("Checking is stricter and fairer when the speakers are known")
        self.speaker.setMaximumWidth(240)
        self._known = QStringListModel(self)
        completer = QCompleter(self._known, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.speaker.setCompleter(completer)
        self.add(self.empty)
        self.add(self.area)
        self.add(row(make_text("Speaker", Role.MUTED), self.speaker, 1, self.unlabel, self.edit))
        self.edit.clicked.connect(self.edit_pressed)
        self.unlabel.clicked.connect(self.unlabel_pressed)
        self.speaker.editingFinished.connect(self.commit_speaker)
        session.facts_changed.connect(self.on_facts_changed)
        self.on_facts_changed()

    def on_facts_changed(self) -> None:
        facts = self._session.facts
        self.empty.setVisible(not facts.labels)
        self.area.setVisible(bool(facts.labels))
        if [label.id for label in facts.labels] != list(self.buttons):
            clear_layout(self.area.flow)
            self.buttons = {}
            for label in facts.labels:
                button = LabelButton(label)
                button.clicked.connect(self.on_button_clicked)
                self.buttons[label.id] = button
                self.area.flow.addWidget(button)
        for label in facts.labels:
            self.buttons[label.id].set_label(label, facts.count(label))

    def show_clip(self, clip: Clip | None) -> None:
        shown, self._clip_id = self._clip_id, clip.id if clip is not None else None
        for label_id, button in self.buttons.items():
            button.setChecked(clip is not None and clip.label_id == label_id)
            button.setEnabled(clip is not None)
        labelled = clip is not None and clip.label_id is not None
        self.unlabel.setEnabled(labelled)
        self.unlabel.setToolTip("Take the label off this clip (Backspace)" if labelled else "This clip has no label")
        self.speaker.setEnabled(clip is not None)
        if self._clip_id != shown or not self.speaker.hasFocus():
            self.speaker.setText((clip.speaker or "") if clip else "")
            self.speaker.setModified(False)

    def set_speakers(self, names: list[str]) -> None:
        self._known.setStringList(names)

    def on_button_clicked(self) -> None:
        button = self.sender()
        if isinstance(button, LabelButton):
            self.label_pressed.emit(button.label.id)

    def commit_speaker(self) -> None:
        """Say what was typed, if anything; before another clip is shown."""
        if self.speaker.isModified():
            self.speaker.setModified(False)
            self.speaker_entered.emit(self.speaker.text())
