"""The line at the foot of the window: what computes, how much memory it has free, and what is running."""

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar

from serstudio.gui.bridge.bases import BaseShelf, Work
from serstudio.gui.bridge.machine import Machine
from serstudio.gui.session import Session
from serstudio.gui.steps import Aside, Step, StepState
from serstudio.gui.widgets.icon_view import IconView
from serstudio.gui.widgets.text import ElidedText, Role, make_text, restyle
from serstudio.usecases.requests import MachineDescribed, MemoryMeasured
from serstudio.wording import bytes_in_words

HEIGHT = 30
_MACHINE_WIDTH = 270  # what is running gives way first, for it has a bar besides
LITTLE_BYTES = 1_000_000_000  # adapting the bundled base wants about this much
_DOING: dict[Step | Aside, str] = {
    Step.COLLECT: "Importing",
    Step.ADAPT: "Adapting",
    Step.CHECK: "Checking",
    Aside.COMPARE: "Comparing",
    Step.SHARE: "Exporting",
}
_PRECISIONS = {"fp32": "fp32", "bf16": "bf16, half precision", "int8": "int8, whole numbers"}


class StatusBar(QFrame):
    """Follows the machine, the shelf of bases and the open project."""

    def __init__(self, machine: Machine, shelf: BaseShelf) -> None:
        super().__init__()
        self.setProperty("role", "status")
        self.setAccessibleName("Status")
        self.setFixedHeight(HEIGHT)
        self._shelf = shelf
        self._session: Session | None = None
        self.machine = ElidedText("Looking at this machine…", Role.CAPTION)
        self.memory = make_text("", Role.CAPTION)
        self.doing = ElidedText("", Role.CAPTION)
        self.doing.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(120)
        self.bar.setAccessibleName("Progress of what is running")
        self.bar.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 16, 0)
        layout.setSpacing(8)
        layout.addWidget(IconView("cpu", size=16))
        layout.addWidget(self.machine)
        layout.addSpacing(16)
        layout.addWidget(self.memory)
        layout.addStretch(1)
        layout.addWidget(self.doing)
        layout.addWidget(self.bar)
        machine.described.connect(self.on_described)
        machine.not_described.connect(self.machine.set_full_text)
        machine.measured.connect(self.on_measured)
        shelf.changed.connect(self.on_activity_changed)
        shelf.progressed.connect(self.on_activity_changed)

    def set_session(self, session: Session | None) -> None:
        """The project that is open now."""
        self._session = session
        if session is not None:
            session.activity_changed.connect(self.on_activity_changed)
        self.on_activity_changed()

    def on_described(self, described: MachineDescribed) -> None:
        self.machine.set_full_text(described.text)
        self.machine.setMinimumWidth(min(self.machine.sizeHint().width(), _MACHINE_WIDTH))
        precision = _PRECISIONS[described.precision]
        self.setToolTip(f"Adapting, checking and listening compute here. Listening: {precision}.")

    def on_measured(self, memory: MemoryMeasured) -> None:
        free, total = bytes_in_words(memory.free_bytes), bytes_in_words(memory.total_bytes)
        self.memory.setText(f"{free} of {total} memory free")
        is_little = memory.free_bytes < LITTLE_BYTES
        restyle(self.memory, "tone", "warning" if is_little else "")
        self.memory.setToolTip(
            "Little memory is free: close other programs before you adapt"
            if is_little
            else f"Memory of what computes: {memory.device}"
        )

    def on_activity_changed(self) -> None:
        running = list(self._running())
        self.doing.set_full_text("  ·  ".join(words for words, _ in running))
        self.bar.setVisible(bool(running))
        fraction = next((share for _, share in running if share is not None), None)
        self.bar.setRange(0, 0 if running and fraction is None else 1000)
        self.bar.setValue(round(1000 * (fraction or 0.0)))

    def _running(self) -> Iterator[tuple[str, float | None]]:
        """Words and share done (0..1, None: not known) of all that runs."""
        for step, status in self._session.statuses().items() if self._session is not None else ():
            if status.state is StepState.BUSY and step in _DOING:
                yield f"{_DOING[step]}: {status.action}", status.fraction
        work, progress = self._shelf.work, self._shelf.last_progress
        if work is not None:
            share = progress.step / progress.total if progress is not None and progress.total else None
            percent = f": {share:.0%}" if share is not None and work is Work.DOWNLOAD else ""
            yield f"{work.value} {self._shelf.title(self._shelf.name)}{percent}", share
