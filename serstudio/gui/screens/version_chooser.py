"""Which version of the model: the newest unless the user says otherwise."""

from pathlib import Path

from PySide6.QtCore import QSignalBlocker

from serstudio.gui.session import Session
from serstudio.gui.widgets.chooser import Chooser
from serstudio.method_words import method_title
from serstudio.wording import counted


class VersionChooser(Chooser):
    """Follows the project; a new version becomes the choice, and no other change moves it while it is there.

    A disabled one is in use: what comes meanwhile becomes the choice at the next `refresh` after that.
    """

    def __init__(self, session: Session) -> None:
        super().__init__("Model version")
        self._session = session
        self._newest = 0  # the highest number that has been the choice by itself
        session.model.versions_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """List what there is now."""
        chosen = self.number()
        versions = self._session.project.versions()
        newest = max((version.number for version in versions), default=0)
        with QSignalBlocker(self):
            self.clear()
            for version in reversed(versions):
                clips = f"{counted(version.clip_count, 'clip')}, {', '.join(version.labels)}"
                self.addItem(f"Version {version.number}  ·  {method_title(version.method)}  ·  {clips}", version.number)
            if newest <= self._newest or not self.isEnabled():
                self.setCurrentIndex(max(0, self.findData(chosen)))
        if self.isEnabled():
            self._newest = max(newest, self._newest)
        self.currentIndexChanged.emit(self.currentIndex())

    def is_behind(self) -> bool:
        """Whether a version has come while this was disabled, and has not become the choice yet."""
        return any(version.number > self._newest for version in self._session.project.versions())

    def number(self) -> int | None:
        value = self.currentData()
        return int(value) if value is not None else None

    def labels(self) -> tuple[str, ...]:
        """The names of the labels that the chosen version knows."""
        number = self.number()
        versions = (version for version in self._session.project.versions() if version.number == number)
        return next((version.labels for version in versions), ())

    def folder(self) -> Path | None:
        """Absolute folder of the chosen version, None when there is none."""
        number = self.number()
        for version in self._session.project.versions():
            if version.number == number:
                return self._session.project.folder / version.folder
        return None
